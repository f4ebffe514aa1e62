"""How alike two texts are, and where they differ: by line for files, by word for eyes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from workbench.replay.align import Block, align

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
Mark = Literal["same", "removed", "added"]


class Piece(msgspec.Struct, frozen=True):
    """A run of text that is in both, only in the first, or only in the second."""

    mark: Mark
    text: str


def fold_space(text: str) -> str:
    """Return `text` with every run of white space as one blank, none at the ends."""
    return " ".join(text.split())


def similarity(first: str, second: str) -> float:
    """Return 0 to 1: the share of characters in words, spaces and signs that both have in one order."""
    if first == second:
        return 1.0
    total = len(first) + len(second)
    matched = sum(len(piece.text) for piece in pieces(first, second) if piece.mark == "same")
    return min(2 * matched / total, 1.0)


def pieces(first: str, second: str) -> Iterator[Piece]:
    """Yield how `first` becomes `second`; the same and removed pieces joined are `first`, the same
    and added ones `second`.
    """
    left, right = _tokens(first), _tokens(second)
    at_left = at_right = 0
    for block in [*align(left, right), Block(len(left), len(right), 0)]:
        if block.left > at_left:
            yield Piece("removed", "".join(left[at_left : block.left]))
        if block.right > at_right:
            yield Piece("added", "".join(right[at_right : block.right]))
        at_left, at_right = block.left + block.size, block.right + block.size
        if block.size:
            yield Piece("same", "".join(left[block.left : at_left]))


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text)


def unified(first: str, second: str, *, names: tuple[str, str], context: int = 3) -> str:
    """Return the unified diff of two texts by line, ``""`` when they are equal."""
    lines = difflib.unified_diff(
        first.splitlines(), second.splitlines(), fromfile=names[0], tofile=names[1], lineterm="", n=context
    )
    return "\n".join(lines)
