"""The forms of answers to workflow prompts: a plan as JSON, files between fences."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from workbench.providers.demo_author.project import File, Project

MAX_NOTE = 200
"""Characters of a user's feedback that are quoted back in a plan."""


def plan(project: Project, recipe: str, feedback: Iterable[str] = ()) -> str:
    """Return the plan of `project` as one JSON object; what was said to earlier plans becomes acceptance."""
    wishes = [f"as asked: {' '.join(text.split())[:MAX_NOTE]}" for text in feedback]
    document = {
        "schema_version": 1,
        "summary": project.summary,
        "recipe": recipe,
        "files": [_planned(file) for file in project.files],
        "acceptance": [*project.acceptance, *wishes],
    }
    return json.dumps(document, indent=2)


def files(contents: Mapping[str, str], nonce: str) -> str:
    """Return whole files, path -> content, each between its fences."""
    return "\n".join(
        f"=== FILE {nonce} {path}\n{text.rstrip()}\n=== END {nonce}" for path, text in contents.items()
    )


def _planned(file: File) -> dict[str, object]:
    return {
        "path": file.path,
        "action": "create",
        "purpose": file.purpose,
        "depends_on": list(file.depends_on),
    }
