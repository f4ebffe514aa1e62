"""Finding a word in a document of any size; run it off the event loop."""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator

from workbench.tui.body import Body
from workbench.tui.document import Document

Hit = tuple[int, int]
"""(line, character offset within it)"""

MAX_HITS = 5_000
_BLOCK = 1 << 20
_WAIT_S = 0.01


def compile_term(term: str) -> re.Pattern[str]:
    """Return the pattern of a plain term; upper case in it makes it case-sensitive."""
    return re.compile(re.escape(term), 0 if any(char.isupper() for char in term) else re.IGNORECASE)


def find_all(document: Document, term: str, cancelled: Callable[[], bool] = lambda: False) -> list[Hit]:
    """Return where `term` stands, in order, at most `MAX_HITS`; empty when cancelled."""
    if not term:
        return []
    pattern = compile_term(term)
    found = _in_body(document, pattern, term) if isinstance(document, Body) else _in_lines(document, pattern)
    hits: list[Hit] = []
    for hit in found:
        if hit is None:
            if cancelled():
                return []
            continue
        hits.append(hit)
        if len(hits) >= MAX_HITS:
            break
    return hits


def _in_lines(document: Document, pattern: re.Pattern[str]) -> Iterator[Hit | None]:
    for index in range(len(document)):
        for found in pattern.finditer(document.line(index).text):
            yield index, found.start()
        if index % 1000 == 0:
            yield None


def _in_body(body: Body, pattern: re.Pattern[str], term: str) -> Iterator[Hit | None]:
    """Search block by block: a scan in one call would hold the interpreter for as long as it takes.

    Waits for what is still missing of the body.
    """
    plain, exact = body.ascii and term.isascii(), any(char.isupper() for char in term)
    at = 0
    while True:
        end, complete = at + _BLOCK + len(term) - 1, body.complete
        if body.size < end and not complete:
            time.sleep(_WAIT_S)
            yield None
            continue
        block = body.text(at, end)
        starts = (
            _plain(block, term, exact=exact) if plain else (hit.start() for hit in pattern.finditer(block))
        )
        yield from (body.position(at + start) for start in starts if start < _BLOCK)
        yield None
        at += _BLOCK
        if at >= body.size:
            return


def _plain(block: str, term: str, *, exact: bool) -> Iterator[int]:
    """Find without a pattern, several times as fast; only where lower case keeps every character's place."""
    block = block if exact else block.lower()
    at = block.find(term)
    while at >= 0:
        yield at
        at = block.find(term, at + len(term))


def nearest(hits: list[Hit], line: int) -> int:
    """Return the index of the first hit at or after `line`, wrapping to the first."""
    at = bisect_right(hits, (line, -1))
    return at if at < len(hits) else 0
