"""Whole programs by recipe: which author writes for which recipe."""

from __future__ import annotations

from collections.abc import Callable

from workbench.providers.demo_author import brief as briefs
from workbench.providers.demo_author import fastapi_service, next_app, python_cli, python_lib, vite_app
from workbench.providers.demo_author.project import Project
from workbench.providers.demo_author.prompt import Prompt

_AUTHORS: dict[str, Callable[[briefs.Brief], Project]] = {
    "python-lib": python_lib.write,
    "python-cli": python_cli.write,
    "fastapi-service": fastapi_service.write,
    "vite-app": vite_app.write,
    "next-app": next_app.write,
}


def write(prompt: Prompt) -> Project | None:
    """Return the program for a prompt's brief and recipe, or None for a recipe that is not known here."""
    author = _AUTHORS.get(prompt.marker.recipe)
    if author is None:
        return None
    return author(briefs.of(prompt.brief, prompt.name, prompt.package, prompt.wishes))
