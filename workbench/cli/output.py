"""How commands speak: data to stdout, talk to stderr.

What came from a model, a server or a file is made printable on the way; only ``exchanges body`` writes
raw bytes, and does so by itself.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from workbench.domain.text import one_line, printable

STYLES: dict[str, dict[str, Any]] = {
    "ok": {"fg": "green"},
    "warn": {"fg": "yellow"},
    "bad": {"fg": "red"},
    "dim": {"dim": True},
    "head": {"bold": True},
}

_STATES = {
    **dict.fromkeys(("ok", "passed", "complete", "closed", "ready", "same", "equivalent"), "ok"),
    **dict.fromkeys(("failed", "bad", "open!", "different", "error"), "bad"),
    **dict.fromkeys(
        ("warn", "degraded", "running", "waiting", "interrupted", "similar", "cooling down", "probing"),
        "warn",
    ),
}
# What json.dumps leaves raw and a terminal may act on: C1, bidi and other invisible characters.
_RISKY = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")


LEAST_FLEXIBLE = 10
"""Columns on screen that a cut column keeps."""


def talk(text: str) -> None:
    """Print a line for people on stderr."""
    click.echo(printable(text), err=True)


def to_json(data: Any, *, indent: int | None = 2) -> str:
    """Return JSON that is safe on a terminal and loses nothing: invisible characters are escaped."""
    import json

    text = json.dumps(data, indent=indent, ensure_ascii=False, default=str)
    text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") if not text.isascii() else text
    return _RISKY.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def emit(data: Any) -> None:
    """Print one JSON document (an array for lists, an object for one thing) on stdout."""
    click.echo(to_json(data))


def emit_line(data: Any) -> None:
    """Print one JSON line and flush, for streams of events."""
    click.echo(to_json(data, indent=None))
    sys.stdout.flush()


def say(text: str = "") -> None:
    """Print text for people on stdout, made printable."""
    click.echo(printable(text))


def style(text: str, kind: str, *, color: bool) -> str:
    """Return `text` (made printable) in a named style, or plain."""
    return click.style(printable(text), **STYLES[kind]) if color else printable(text)


def state_style(state: str) -> str | None:
    """Return the style's name for a state word, None for a neutral one."""
    return _STATES.get(state)


def facts(pairs: Iterable[tuple[str, Any]], *, color: bool = False) -> None:
    """Print ``name  value`` lines, names aligned; None is left out."""
    shown = [(name, value) for name, value in pairs if value is not None and value != ""]
    width = max((len(name) for name, _ in shown), default=0)
    words = {True: "yes", False: "no"}
    for name, value in shown:
        text = words[value] if isinstance(value, bool) else str(value)
        click.echo(f"{style(name.ljust(width), 'dim', color=color)}  {printable(text)}")


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    right: Sequence[str] = (),
    color: bool = False,
    flexible: str | None = None,
    optional: Sequence[str] = (),
) -> None:
    """Print aligned columns on stdout.

    `right` names columns of figures. To fit a terminal, the column `flexible` is cut, then the `optional`
    ones are left out, the first first; nothing is missing when stdout is no terminal. Cells that are state
    words get their colour.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    if sys.stdout.isatty():
        columns, cells = _fitting(columns, cells, flexible, optional)
    widths = _widths(columns, cells)
    if flexible in columns and sys.stdout.isatty():
        _shrink(widths, columns.index(flexible))
    head = _line([name.upper() for name in columns], widths, columns, right)
    click.echo(style(head, "head", color=color))
    for row in cells:
        click.echo(_line(row, widths, columns, right, color=color))


def _widths(columns: Sequence[str], cells: list[list[str]]) -> list[int]:
    return [max([_width(name), *(_width(row[i]) for row in cells)]) for i, name in enumerate(columns)]


def _fitting(
    columns: Sequence[str], cells: list[list[str]], flexible: str | None, optional: Sequence[str]
) -> tuple[Sequence[str], list[list[str]]]:
    """Return what fits the terminal's width: without the first few of the optional columns."""
    import shutil

    room = shutil.get_terminal_size().columns
    for name in optional:
        widths = dict(zip(columns, _widths(columns, cells), strict=True))
        if flexible in widths:
            widths[flexible] = min(widths[flexible], LEAST_FLEXIBLE)
        if sum(widths.values()) + 2 * (len(widths) - 1) <= room:
            break
        index = columns.index(name)
        columns = [*columns[:index], *columns[index + 1 :]]
        cells = [[*row[:index], *row[index + 1 :]] for row in cells]
    return columns, cells


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return one_line(str(value), 4000)


def _line(
    row: Sequence[str],
    widths: Sequence[int],
    columns: Sequence[str],
    right: Sequence[str],
    *,
    color: bool = False,
) -> str:
    parts = []
    for name, cell, width in zip(columns, row, widths, strict=True):
        text = _cut(cell, width)
        space = " " * (width - _width(text))
        kind = state_style(text) if color else None
        shown = style(text, kind, color=True) if kind else text
        parts.append(space + shown if name in right else shown + space)
    return "  ".join(parts).rstrip()


def _shrink(widths: list[int], index: int) -> None:
    import shutil

    room = shutil.get_terminal_size().columns - sum(widths) - 2 * (len(widths) - 1) + widths[index]
    widths[index] = max(LEAST_FLEXIBLE, min(widths[index], room))


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _cut(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    if text.isascii():
        return text[: width - 1] + "…"
    from rich.cells import set_cell_size

    return set_cell_size(text, width - 1).rstrip() + "…"
