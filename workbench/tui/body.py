"""A body as lines: its beginning stands at once, however large the rest is.

The exact bytes stay with whoever holds the exchange; bytes that are not UTF-8 show as U+FFFD.
"""

from __future__ import annotations

import codecs
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator

from workbench.tui.document import Line, clean

_BEGINNING = 1 << 16
"""More bytes than fit on any screen."""
_BLOCK = 1 << 18


class Body:
    """Text in blocks, and where its lines begin: no list of strings, and nothing that is copied as it grows.

    One thread fills it while others read. The last line may grow until it is `complete`; the others stay as
    they are.
    """

    words = False

    def __init__(self, blocks: Iterator[str], kind: str, *, ascii_only: bool) -> None:
        """`blocks`: printable text, made as it is asked for."""
        self.kind = kind
        self.ascii = ascii_only
        """Whether every character is one cell wide and one byte long."""
        self.complete = False
        """Whether all of it is here."""
        self._rest = blocks
        self._blocks: list[str] = []
        self._offsets = array("Q")
        self._starts = array("Q", [0])
        self._known = (1, 0)

    @classmethod
    def begin(cls, data: bytes, kind: str = "text") -> Body:
        """Return a body with its beginning; `fill` adds the rest. Takes some milliseconds."""
        body = cls(_decoded(data), kind, ascii_only=data.isascii())
        body._take()
        if len(data) <= _BEGINNING:
            body.fill()
        return body

    @classmethod
    def of(cls, data: bytes, kind: str = "text") -> Body:
        """Return a whole body. Takes long for a large one: run it in a thread."""
        body = cls.begin(data, kind)
        body.fill()
        return body

    @classmethod
    def of_text(cls, text: str, kind: str = "text") -> Body:
        """Return a whole body of text that is printable already."""
        body = cls(iter([text]), kind, ascii_only=text.isascii())
        body.fill()
        return body

    def fill(self, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Add what is still missing, block by block, so that other threads get their turn."""
        while not self.complete and not cancelled():
            self._take()

    @property
    def size(self) -> int:
        """Characters that are here."""
        return self._known[1]

    def __len__(self) -> int:
        return self._known[0]

    def line(self, index: int) -> Line:
        return Line(self.text(*self._bounds(index)), self.kind)

    def piece(self, index: int, start: int, end: int) -> str:
        """Return part of a line without making all of it."""
        first, last = self._bounds(index)
        return self.text(first + start, min(first + end, last))

    def length(self, index: int) -> int:
        """Characters of a line, without making it."""
        start, end = self._bounds(index)
        return end - start

    def position(self, offset: int) -> tuple[int, int]:
        """Return (line, offset within it) of a character."""
        line = bisect_right(self._starts, offset) - 1
        return line, offset - self._starts[line]

    def text(self, start: int, end: int) -> str:
        """Return characters `start` to `end` of all that is here."""
        parts: list[str] = []
        at = max(0, bisect_right(self._offsets, start) - 1)
        while at < len(self._offsets) and self._offsets[at] < end:
            offset = self._offsets[at]
            parts.append(self._blocks[at][max(0, start - offset) : end - offset])
            at += 1
        return parts[0] if len(parts) == 1 else "".join(parts)

    def _bounds(self, index: int) -> tuple[int, int]:
        lines, size = self._known
        return self._starts[index], self._starts[index + 1] - 1 if index + 1 < lines else size

    def _take(self) -> None:
        """Add one block. Readers go by `_known`, which is set last."""
        block = next(self._rest, None)
        if block is None:
            self._rest = iter(())
            self.complete = True
            return
        size = self._known[1]
        self._blocks.append(block)
        self._offsets.append(size)
        at = block.find("\n")
        while at >= 0:
            self._starts.append(size + at + 1)
            at = block.find("\n", at + 1)
        self._known = len(self._starts), size + len(block)


def _decoded(data: bytes) -> Iterator[str]:
    """Yield the body as printable text; no character and no CRLF is cut in two."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    at, size, held = 0, _BEGINNING, ""
    while at < len(data):
        last = at + size >= len(data)
        text = held + decoder.decode(data[at : at + size], last)
        held = "\r" if text.endswith("\r") and not last else ""
        yield clean(text.removesuffix(held))
        at, size = at + size, _BLOCK
