"""What an author hands over: a whole program, and the one mistake that demo-flaky makes."""

from __future__ import annotations

import functools
import importlib.resources
import re
import string
from collections.abc import Mapping

import msgspec


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One file: its content, and how a plan tells of it."""

    path: str
    purpose: str
    content: str
    depends_on: tuple[str, ...] = ()


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """A slip a tired author makes: `wrong` instead of `right`, once, in the file `path`.

    `symptom` is a pattern that the failing gate's log shows; by it alone the slip is found again.
    """

    path: str
    right: str
    wrong: str
    symptom: str

    def shows_in(self, log: str) -> bool:
        """Tell whether `log` points to this mistake."""
        return re.search(self.symptom, log) is not None


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A whole program for one brief, in the order in which its files are planned."""

    summary: str
    files: tuple[File, ...]
    acceptance: tuple[str, ...]
    mistake: Mistake

    def file(self, path: str) -> File | None:
        """Return the file of that path, or None when it was not planned here."""
        return next((file for file in self.files if file.path == path), None)


def template(name: str, values: Mapping[str, str]) -> str:
    """Return the text ``texts/<name>.txt`` with its ``$names`` filled in, every one of them."""
    return string.Template(_text(name)).substitute(values)


@functools.cache
def _text(name: str) -> str:
    folder = importlib.resources.files("workbench.providers.demo_author")
    return folder.joinpath("texts", *f"{name}.txt".split("/")).read_text(encoding="utf-8")
