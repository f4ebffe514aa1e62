"""A diff by line whose changed lines show which words changed: for terminals and the TUI alike."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from workbench.replay.similarity import Piece, pieces

_WORTH_MARKING = 0.2
"""Share of a changed block that must be left for marks within it to help rather than to flicker."""

LineMark = Literal[" ", "-", "+", "@"]


class MarkedLine(msgspec.Struct, frozen=True):
    """One line of a diff. `mark` as in a unified diff; ``@`` tells where a part left out ends.

    The texts of `pieces` joined are the line.
    """

    mark: LineMark
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The line without marks."""
        return "".join(piece.text for piece in self.pieces)

    def plain(self) -> str:
        """Return the line with its marks as signs: ``-the [-quick-] fox``, for terminals without colour."""
        return self.mark + "".join(_signed(piece, self.mark) for piece in self.pieces)


def marked_lines(first: str, second: str, *, context: int = 3) -> list[MarkedLine]:
    """Return the diff of two texts; empty when their lines are equal.

    `context` is the number of equal lines around each change.
    """
    left, right = first.splitlines(), second.splitlines()
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=len(left) + len(right) > 20_000)
    out: list[MarkedLine] = []
    for group in matcher.get_grouped_opcodes(context):
        start = group[0]
        out.append(_plain_line("@", f"line {start[1] + 1}, now {start[3] + 1}"))
        for tag, left_from, left_to, right_from, right_to in group:
            if tag == "equal":
                out += [_plain_line(" ", line) for line in left[left_from:left_to]]
            else:
                out += _changed(left[left_from:left_to], right[right_from:right_to])
    return out


def _changed(gone: Sequence[str], come: Sequence[str]) -> Iterator[MarkedLine]:
    parts = list(pieces("\n".join(gone), "\n".join(come)))
    kept = sum(len(part.text) for part in parts if part.mark == "same" and not part.text.isspace())
    if kept < _WORTH_MARKING * max(sum(map(len, gone)), sum(map(len, come)), 1):
        yield from (_plain_line("-", line) for line in gone)
        yield from (_plain_line("+", line) for line in come)
        return
    yield from _lines("-", (part for part in parts if part.mark != "added"))
    yield from _lines("+", (part for part in parts if part.mark != "removed"))


def _lines(mark: LineMark, parts: Iterator[Piece]) -> Iterator[MarkedLine]:
    current: list[Piece] = []
    for part in parts:
        head, *rest = part.text.split("\n")
        current += [Piece(part.mark, head)] if head else []
        for line in rest:
            yield MarkedLine(mark, tuple(current))
            current = [Piece(part.mark, line)] if line else []
    yield MarkedLine(mark, tuple(current))


def _plain_line(mark: LineMark, text: str) -> MarkedLine:
    return MarkedLine(mark, (Piece("same", text),))


def _signed(piece: Piece, mark: LineMark) -> str:
    if piece.mark == "same" or not piece.text.strip():
        return piece.text
    return f"[-{piece.text}-]" if mark == "-" else f"{{+{piece.text}+}}"
