"""What can be read off a brief without a model: its telling words and the names of a template."""

from __future__ import annotations

import keyword
import re
import sys

_FILLER_WORDS = """
a an and any app application are as at be build by can create for from has have i in into is it its library
make me module my of on one or our package page please program project service simple small so some that the
their this to tool using want we website which with write you landing site web python typescript react vite
next nextjs fastapi cli tests test tested
"""
_FILLER = frozenset(_FILLER_WORDS.split())
MAX_TITLE = 100
_IMPORTED_BY_GATES = """
pytest pluggy iniconfig packaging mypy ruff tests conftest src fastapi starlette uvicorn httpx pydantic anyio
"""
_DEVICES = [
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{number}" for port in ("com", "lpt") for number in range(10)),
]
_TAKEN = frozenset(
    [*keyword.kwlist, *keyword.softkwlist, *sys.stdlib_module_names, *_IMPORTED_BY_GATES.split(), *_DEVICES]
)
"""Names that a package can't have: not importable, hiding what the gates import, or a device's on Windows."""


def brief_words(brief: str, limit: int = 12) -> list[str]:
    """Return the brief's telling words, lower case, in order, without repeats or filler."""
    words = re.findall(r"[^\W\d_][\w'-]*", brief.lower())
    telling = [word for word in words if len(word) > 2 and word not in _FILLER]
    return list(dict.fromkeys(telling))[:limit]


def title(brief: str) -> str:
    """Return the brief's first line that says something, cut to `MAX_TITLE` characters."""
    return next((line.strip() for line in brief.splitlines() if line.strip()), "untitled")[:MAX_TITLE]


def variables(brief: str) -> dict[str, str]:
    """Return the values of a template's placeholders: name (kebab), package (snake), title, brief.

    The same brief always gives the same names, so that a fork or a resume finds the same paths.
    """
    plain = [re.sub(r"[^a-z0-9]", "", word) for word in brief_words(brief)]
    kept = [word for word in plain if word and word[0].isalpha()][:3] or ["generated"]
    name = "-".join(kept)[:40].strip("-")
    if name in _TAKEN:
        name = f"{name}-kit"
    return {"name": name, "package": name.replace("-", "_"), "title": title(brief), "brief": brief}
