"""How `replay` and `diff` print what they found: verdict, figures, marked lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from workbench.cli.output import say, state_style, style, table
from workbench.domain.text import printable
from workbench.domain.verdict import Comparison
from workbench.replay.marks import MarkedLine, marked_lines

_LINE_COLORS = {"-": "red", "+": "green", "@": "cyan", " ": None}


def print_verdict(comparison: Comparison, *, color: bool) -> None:
    """Print the verdict with its reasons on one line."""
    kind = state_style(comparison.verdict)
    word = style(comparison.verdict, kind, color=color) if kind else comparison.verdict
    why = f": {'; '.join(comparison.reasons)}" if comparison.reasons else ""
    click.echo(f"{word} (similarity {comparison.similarity:.2f}){printable(why)}")


def print_facts(facts: Mapping[str, tuple[Any, Any]], *, color: bool) -> None:
    """Print the figures of both sides, with a star where they differ; what both lack is left out."""
    rows = [
        (name, shown(before), shown(after), "" if before == after else "*")
        for name, (before, after) in facts.items()
        if (before, after) not in ((None, None), ([], []))
    ]
    table(("figure", "original", "replay", ""), rows, right=("original", "replay"), color=color)


def print_diff(first: str, second: str, *, color: bool) -> None:
    """Print the marked diff of two texts; without colour changed words stand in ``[-…-]`` and ``{+…+}``."""
    print_lines(marked_lines(first, second), color=color)


def print_lines(lines: Iterable[MarkedLine], *, color: bool) -> None:
    """Print the lines of a diff."""
    for line in lines:
        if color:
            click.echo(_colored(line))
        else:
            say(line.plain())


def _colored(line: MarkedLine) -> str:
    color = _LINE_COLORS[line.mark]
    parts = [
        click.style(printable(piece.text), fg=color, reverse=piece.mark != "same") for piece in line.pieces
    ]
    return click.style(line.mark, fg=color) + "".join(parts)


def shown(value: Any) -> str:
    """Return a figure as people read it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".") if abs(value) < 1 else f"{value:.1f}"
    return ", ".join(map(str, value)) or "-" if isinstance(value, list) else str(value)
