"""Recipes: what a workflow makes, as data in ``<recipes>/<name>/recipe.yaml``.

A recipe's folder holds ``recipe.yaml``, ``template/`` (files copied into the app before the model writes
anything), and what those name (a requirements file, a lockfile). Everything that decides what may be run
or installed stands here, never in a model's answer: gates, dependencies, allowed paths.

Placeholders ``{{name}}``, ``{{package}}``, ``{{title}}`` and ``{{brief}}`` in template files (contents and
paths) are replaced; see `workbench.workflow.brief.variables`. In argv lists ``{port}`` is the number of the
port to listen on (``serve`` only) and ``{app}`` the app's folder as the command sees it.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

import msgspec

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,40}$")]
Argv = Annotated[list[str], msgspec.Meta(min_length=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]
Megabytes = Annotated[int, msgspec.Meta(ge=1, le=65536)]

_GLOB_PARTS = re.compile(r"\*\*/|\*\*|\*|\?|\[[^]]+\]|[^*?\[]+|\[")


class Toolchain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the gates are run with; built once into the module store, then shared read-only."""

    kind: Literal["python", "node"]
    requirements: str | None = None
    """python: a file in the recipe's folder with ``name==version`` lines; becomes a venv on PATH."""
    lockfile: str | None = None
    """node: the lockfile in the recipe's folder, such as ``template/package-lock.json``, with
    ``package.json`` beside it; becomes ``node_modules``, mounted read-only in the app's folder."""
    min_version: str | None = None
    """Lowest version of the interpreter, such as ``3.11`` or ``20.9``."""
    seed: list[str] = []
    """Folders of a cache (``.next/cache``, ``.mypy_cache``) that a build of the template alone, with the
    files of the recipe's ``seed/`` on top, fills once; each app starts with a copy."""
    seed_argv: list[str] = []
    """The command that fills `seed`."""


class Gate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One check inside verify. Passes when the command ends with 0 in time (and `expect` holds)."""

    name: Name
    argv: Argv
    """Program and arguments; the program is looked up in the toolchain, then ``/usr/bin``. No shell."""
    proves: str
    """What a pass shows, for people and for the model."""
    timeout_s: Seconds = 60
    memory_mb: Megabytes = 1024
    """Cap over the whole process tree."""
    env: dict[str, str] = {}
    retries: Annotated[int, msgspec.Meta(ge=0, le=3)] = 0
    """For gates known to be flaky: how often a failure is tried again; the report says so."""
    junit: str | None = None
    """File (relative to the app) that the command writes as JUnit XML; merged into the run's."""
    smoke: bool = False
    """Also run by web_smoke before it serves (a build)."""


class Page(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One page that web_smoke fetches, and what must hold of the answer."""

    path: Annotated[str, msgspec.Meta(pattern=r"^/")]
    status: int = 200
    contains: list[str] = []
    """Texts that must stand in the body."""
    lacks: list[str] = []
    """Texts that must not stand in the body."""
    content_type: str | None = None
    """Prefix of the Content-Type header."""
    headers: dict[str, str] = {}
    """Header name -> text its value must contain."""
    brief_words: bool = False
    """The brief's words must stand in this page or in the scripts it loads."""


class Serve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the app is served for probes. The server listens on 127.0.0.1:{port} inside the sandbox."""

    argv: Argv
    pages: Annotated[list[Page], msgspec.Meta(min_length=1)]
    ready: str = "/"
    """Path that is fetched until any answer comes."""
    ready_timeout_s: Seconds = 30
    memory_mb: Megabytes = 1024
    env: dict[str, str] = {}
    browser: bool = False
    """A page for people: ``--browser`` opens it and fails on console errors."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much a model may plan and write."""

    max_files: Annotated[int, msgspec.Meta(ge=1, le=200)] = 24
    max_file_kb: Annotated[int, msgspec.Meta(ge=1, le=2048)] = 96
    max_output_tokens: Annotated[int, msgspec.Meta(ge=256)] = 8192
    """First cap of one file request; doubled once when the answer was cut short."""


class Prompts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What this recipe adds to the workflow's prompts, plain text."""

    plan: str = ""
    file: str = ""
    repair: str = ""


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The contents of a ``recipe.yaml``."""

    version: Literal[1]
    name: Name
    title: str
    summary: str
    """What it makes, one line."""
    toolchain: Toolchain
    allowed: Annotated[list[str], msgspec.Meta(min_length=1)]
    """Globs of the paths a plan may name; ``*`` stays inside a folder, ``**`` does not."""
    required: list[str] = []
    """Globs that each need at least one planned file."""
    dependencies: list[str] = []
    """Packages that the code may import besides the language's own; told to the model and checked."""
    gates: Annotated[list[Gate], msgspec.Meta(min_length=1)]
    serve: Serve | None = None
    limits: Limits = Limits()
    prompts: Prompts = Prompts()

    def allows(self, path: str) -> bool:
        """Tell whether a plan may name `path` (posix, relative)."""
        return any(matches(pattern, path) for pattern in self.allowed)


def matches(pattern: str, path: str) -> bool:
    """Tell whether `path` fits a glob: ``*`` and ``?`` stay inside one folder, ``**`` crosses them."""
    return _compile(pattern).fullmatch(PurePosixPath(path).as_posix()) is not None


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_as_regex(part) for part in _GLOB_PARTS.findall(pattern)))


def _as_regex(part: str) -> str:
    fixed = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part)
    if fixed is not None:
        return fixed
    if part.startswith("[") and part.endswith("]"):
        inner = part[1:-1].replace("\\", "\\\\").replace("[", "\\[")
        return f"[^{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"
    return re.escape(part)
