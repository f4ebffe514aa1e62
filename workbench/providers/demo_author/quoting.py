"""Putting foreign text into programs so that it stays text: one function for each place it may stand.

Every function takes any string at all (quotes, newlines, control characters, lone surrogates, ``</script>``)
and returns source that a compiler reads back as that text, or as its printable form.
"""

from __future__ import annotations

import html
import json

from workbench.domain.text import one_line, printable


def python(text: str) -> str:
    """Return a double-quoted ASCII Python literal of exactly `text`."""
    escaped = text.encode("unicode_escape").decode("ascii").replace('"', '\\"')
    return f'"{escaped}"'


def docstring(text: str) -> str:
    """Return `text` on one line, fit to stand inside a triple-quoted docstring."""
    return _no_surrogates(one_line(text, 90)).replace("\\", "\\\\").replace('"', "'")


def javascript(text: str) -> str:
    """Return a double-quoted JavaScript or TypeScript literal of `text`, safe inside HTML too."""
    literal = json.dumps(_no_surrogates(text), ensure_ascii=False)
    for char, escape in {"<": "\\u003c", "\u2028": "\\u2028", "\u2029": "\\u2029"}.items():
        literal = literal.replace(char, escape)
    return literal


def markup(text: str) -> str:
    """Return `text` for HTML text and double-quoted attributes, on one line."""
    return html.escape(_no_surrogates(" ".join(printable(text).split())), quote=True).replace("&#x27;", "'")


def markdown(text: str, limit: int = 2000) -> str:
    """Return `text` as a Markdown quotation: every line begins with ``>``, nothing in it acts."""
    cut = text[:limit] + (" …" if len(text) > limit else "")
    lines = _no_surrogates(printable(cut)).splitlines() or [""]
    return "\n".join(f"> {_inert(line)}".rstrip() for line in lines)


def _inert(line: str) -> str:
    for char in "\\`*_[]<>#|!~":
        line = line.replace(char, f"\\{char}")
    return line


def _no_surrogates(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
