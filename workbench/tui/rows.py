"""Where lines break on a screen of a given width: logical lines to rows, made as far as they are needed."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_right

from rich.cells import cell_len

from workbench.tui.body import Body
from workbench.tui.document import Document, Line

WORD_LIMIT = 20_000
"""Longer lines break anywhere: their rows are arithmetic instead of a scan."""
UNWRAPPED = 4_096
"""Cells of a line that can be scrolled to while lines are not wrapped; wrapping shows all of it."""


def breaks(text: str, width: int, *, words: bool) -> list[int]:
    """Return the offsets at which the rows of one line begin; the first is 0.

    `width` is in cells. A row of a line that is short enough to scan ends between words where `words`
    is set; wide characters never straddle the edge.
    """
    if len(text) <= width and (text.isascii() or cell_len(text) <= width):
        return [0]
    if len(text) > WORD_LIMIT:
        return list(range(0, len(text), _step(text, width)))
    return _scan(text, width, words=words)


def _step(text: str, width: int) -> int:
    # A character takes two cells at most: half the width always fits.
    return width if text.isascii() else max(1, width // 2)


def _slice(sub: int, step: int, length: int) -> tuple[int, int]:
    return sub * step, min((sub + 1) * step, length)


def _scan(text: str, width: int, *, words: bool) -> list[int]:
    starts = [0]
    ascii_only = text.isascii()
    while True:
        start = starts[-1]
        end = start + width if ascii_only else _fitting(text, start, width)
        if end >= len(text):
            return starts
        if words:
            space = text.rfind(" ", start + width // 3, end + 1)
            end = space + 1 if space > start else end
        starts.append(max(end, start + 1))


def _fitting(text: str, start: int, width: int) -> int:
    used, at = 0, start
    while at < len(text):
        used += cell_len(text[at])
        if used > width:
            break
        at += 1
    return at


class RowIndex:
    """Rows of a document at one width. Grows on demand: the first screen never waits for the last line."""

    def __init__(self, document: Document, width: int, *, wrap: bool = True) -> None:
        self.document = document
        self.width = max(8, width)
        self.wrap = wrap
        self._starts = array("Q")
        self._rows = 0
        self._open = False
        """Whether the last line was still growing when it was measured."""

    @property
    def rows(self) -> int:
        """Rows known so far."""
        return self._rows

    @property
    def lines(self) -> int:
        """Lines indexed so far."""
        return len(self._starts)

    @property
    def done(self) -> bool:
        """Whether every line that the document has now is indexed."""
        return len(self._starts) >= len(self.document)

    @property
    def final(self) -> bool:
        """Whether nothing is to come: the document is complete, and all of it is indexed."""
        return self.document.complete and self.done and not self._open

    def extend(self, budget_s: float, *, until_row: int = 0) -> bool:
        """Index on for at most `budget_s` seconds, but at least to `until_row`; return `done`."""
        deadline = time.perf_counter() + budget_s
        if self._open:
            self._rows = self._starts.pop()
        complete, total = self.document.complete, len(self.document)
        index = len(self._starts)
        while index < total:
            stop = min(index + 256, total)
            for at in range(index, stop):
                self._starts.append(self._rows)
                self._rows += self._height(at)
            index = stop
            if self._rows > until_row and time.perf_counter() > deadline:
                break
        self._open = not complete and index >= total > 0
        return self.done

    def first_row(self, line: int) -> int:
        """Return the row on which an indexed line begins."""
        return self._starts[line]

    def locate(self, row: int) -> tuple[int, int]:
        """Return (line, row within the line) for a known row."""
        line = bisect_right(self._starts, row) - 1
        return line, row - self._starts[line]

    def row_of(self, line: int, offset: int = 0) -> int:
        """Return the row on which a character of an indexed line stands."""
        if not self.wrap:
            return self._starts[line]
        if self.giant(line) and isinstance(self.document, Body):
            step = self.width if self.document.ascii else max(1, self.width // 2)
            return self._starts[line] + offset // step
        found = self.document.line(line)
        starts = self.breaks(found)
        return self._starts[line] + bisect_right(starts, offset) - 1

    def breaks(self, line: Line) -> list[int]:
        """Return where the rows of this line begin."""
        if not self.wrap:
            return [0]
        return breaks(line.text, self.width - line.indent, words=self.document.words)

    def row_text(self, line: Line, sub: int) -> tuple[int, int]:
        """Return (start, end) of one row of a line, by arithmetic for very long lines."""
        if not self.wrap:
            return 0, min(len(line.text), UNWRAPPED)
        width = self.width - line.indent
        if len(line.text) > WORD_LIMIT:
            return _slice(sub, _step(line.text, width), len(line.text))
        starts = self.breaks(line)
        end = starts[sub + 1] if sub + 1 < len(starts) else len(line.text)
        return starts[sub], end

    def giant(self, index: int) -> bool:
        """Whether a line is too long to be made for each of its rows; ask `giant_row` then."""
        return isinstance(self.document, Body) and self.document.length(index) > WORD_LIMIT

    def giant_row(self, index: int, sub: int) -> tuple[int, int, str]:
        """Return (start, end, text) of one row of a giant line, at the cost of that row."""
        document = self.document
        assert isinstance(document, Body)
        step = self.width if document.ascii else max(1, self.width // 2)
        start, end = _slice(sub, step, document.length(index)) if self.wrap else (0, UNWRAPPED)
        return start, end, document.piece(index, start, end)

    def _height(self, index: int) -> int:
        if not self.wrap:
            return 1
        document = self.document
        if isinstance(document, Body):
            length = document.length(index)
            if length <= self.width // 2:
                return 1
            if length > WORD_LIMIT:
                return -(-length // (self.width if document.ascii else max(1, self.width // 2)))
        line = document.line(index)
        return len(self.breaks(line)) if line.text else 1
