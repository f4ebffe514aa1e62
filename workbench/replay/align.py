"""Which tokens two texts share, in one order: patience matching, refined where a gap is small.

`difflib` alone takes time that grows with the square of the length and worse; here unique tokens that both
texts have are anchors, and only the small gaps between them are matched exhaustively.
"""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_EXHAUSTIVE = 60_000
"""Product of two gaps' lengths up to which they are matched exhaustively; a few milliseconds."""


class Block(NamedTuple):
    """`size` tokens from `left` on in one sequence equal those from `right` on in the other."""

    left: int
    right: int
    size: int


class _Gap(NamedTuple):
    """What is not matched yet: two half-open ranges."""

    left: int
    left_end: int
    right: int
    right_end: int


def align(left: Sequence[str], right: Sequence[str]) -> list[Block]:
    """Return the blocks that both have, in order. Equal sequences give one block."""
    blocks: list[Block] = []
    gaps = [_Gap(0, len(left), 0, len(right))]
    while gaps:
        gap = _trim(left, right, gaps.pop(), blocks)
        if gap.left == gap.left_end or gap.right == gap.right_end:
            continue
        if (gap.left_end - gap.left) * (gap.right_end - gap.right) <= _EXHAUSTIVE:
            blocks += _exhaustive(left, right, gap)
        else:
            gaps += _between(gap, _anchors(left, right, gap))
    return _joined(sorted(blocks))


def _trim(left: Sequence[str], right: Sequence[str], gap: _Gap, blocks: list[Block]) -> _Gap:
    """Take equal beginnings and ends as blocks; return what is left between them."""
    start, left_end, right_start, right_end = gap
    size = 0
    while (
        start + size < left_end
        and right_start + size < right_end
        and left[start + size] == right[right_start + size]
    ):
        size += 1
    if size:
        blocks.append(Block(start, right_start, size))
    start, right_start, size = start + size, right_start + size, 0
    while left_end > start and right_end > right_start and left[left_end - 1] == right[right_end - 1]:
        left_end, right_end, size = left_end - 1, right_end - 1, size + 1
    if size:
        blocks.append(Block(left_end, right_end, size))
    return _Gap(start, left_end, right_start, right_end)


def _exhaustive(left: Sequence[str], right: Sequence[str], gap: _Gap) -> list[Block]:
    matcher = difflib.SequenceMatcher(
        None, left[gap.left : gap.left_end], right[gap.right : gap.right_end], autojunk=False
    )
    return [
        Block(gap.left + match.a, gap.right + match.b, match.size)
        for match in matcher.get_matching_blocks()
        if match.size
    ]


def _anchors(left: Sequence[str], right: Sequence[str], gap: _Gap) -> list[tuple[int, int]]:
    """Return the places of tokens that occur once in each side of the gap, rising in both."""
    mine = Counter(left[gap.left : gap.left_end])
    theirs = Counter(right[gap.right : gap.right_end])
    places = {right[place]: place for place in range(gap.right, gap.right_end) if theirs[right[place]] == 1}
    pairs = [
        (place, places[left[place]])
        for place in range(gap.left, gap.left_end)
        if mine[left[place]] == 1 and left[place] in places
    ]
    return _rising(pairs)


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return a longest part of `pairs` (sorted by the first) whose second members rise."""
    tails: list[int] = []
    at: list[int] = []
    before: list[int | None] = []
    for index, (_, place) in enumerate(pairs):
        length = bisect_left(tails, place)
        tails[length : length + 1] = [place]
        at[length : length + 1] = [index]
        before.append(at[length - 1] if length else None)
    return list(_chain(pairs, at, before))[::-1]


def _chain(
    pairs: Sequence[tuple[int, int]], at: Sequence[int], before: Sequence[int | None]
) -> Iterator[tuple[int, int]]:
    index = at[-1] if at else None
    while index is not None:
        yield pairs[index]
        index = before[index]


def _between(gap: _Gap, anchors: Sequence[tuple[int, int]]) -> Iterator[_Gap]:
    """Yield the gaps that begin at each anchor (which is trimmed off as their equal beginning).

    Without an anchor nothing is yielded: the two sides have nothing to hold on to.
    """
    if not anchors:
        return
    first_left, first_right = anchors[0]
    yield _Gap(gap.left, first_left, gap.right, first_right)
    ends = [*anchors[1:], (gap.left_end, gap.right_end)]
    for (left, right), (left_end, right_end) in zip(anchors, ends, strict=True):
        yield _Gap(left, left_end, right, right_end)


def _joined(blocks: Sequence[Block]) -> list[Block]:
    joined: list[Block] = []
    for block in blocks:
        last = joined[-1] if joined else None
        if last and (last.left + last.size, last.right + last.size) == (block.left, block.right):
            joined[-1] = Block(last.left, last.right, last.size + block.size)
        else:
            joined.append(block)
    return joined
