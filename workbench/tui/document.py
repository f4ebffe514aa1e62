"""What a `TextView` shows: lines of text, however many there are, without drawing or wrapping any of them.

Everything in here is printable already (`workbench.domain.text.printable`): a document is the place where
text from outside becomes text for a terminal. Copying takes the original, never a document.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from workbench.domain.text import printable

if TYPE_CHECKING:
    from typing import Self

TAB = "    "
BAR = "▍"
"""A gutter that is drawn on every row of its line."""


class Line(NamedTuple):
    """One logical line."""

    text: str
    kind: str = "text"
    """How to emphasise it: a lexer of `workbench.tui.highlight` or the name of a style."""
    indent: int = 0
    """Cells to the left of the text, on every row it wraps to."""
    gutter: str = ""
    """Drawn in the indent of the first row."""
    gutter_style: str = "faint"


class Document(Protocol):
    """Lines by number. A document may grow while it is shown; only its last line may change by that."""

    words: bool
    """Wrap between words; else anywhere."""

    @property
    def complete(self) -> bool:
        """Whether its last line is whole."""

    def __len__(self) -> int: ...

    def line(self, index: int) -> Line:
        """Return a line; `index` is below ``len``."""


class Lines:
    """A document of ready lines."""

    words = True
    complete = True

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self.lines = list(lines)

    def __len__(self) -> int:
        return len(self.lines)

    def line(self, index: int) -> Line:
        return self.lines[index]

    def add(self, text: str, kind: str = "text", *, indent: int = 0) -> None:
        """Append raw text, split into lines and made printable."""
        self.lines += [Line(part, kind, indent) for part in clean(text).split("\n")]


def plain(text: str, kind: str = "text") -> Lines:
    """Return a document of raw text."""
    document = Lines()
    document.add(text, kind)
    return document


def clean(text: str) -> str:
    """Return text for a document: printable, tabs as blanks, CRLF as line breaks."""
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    return printable(text).replace("\t", TAB)


def join(documents: Sequence[Lines]) -> Lines:
    """Return one document of several."""
    return Lines(line for document in documents for line in document.lines)


class Folding:
    """Lines of which some head a block that can be hidden; `closed` holds the heads whose block is."""

    words = True
    complete = True

    def __init__(self, lines: list[Line], blocks: dict[int, int], closed: set[int] | None = None) -> None:
        """`blocks` maps a head's index to the index after its block's last line."""
        self._all = lines
        self._blocks = blocks
        self.closed = closed or set()
        self._visible = array("L")
        self._lay_out()

    def copy(self) -> Self:
        """Return the same lines, to be folded on their own."""
        return type(self)(self._all, self._blocks, set(self.closed))

    def __len__(self) -> int:
        return len(self._visible)

    def line(self, index: int) -> Line:
        at = self._visible[index]
        line = self._all[at]
        if at in self.closed:
            hidden = self._blocks[at] - at - 1
            return line._replace(text=f"{line.text} … {hidden} line{'s' if hidden != 1 else ''}")
        return line

    def foldable(self, index: int) -> bool:
        """Whether the shown line `index` heads a block."""
        return self._visible[index] in self._blocks

    def toggle(self, index: int) -> None:
        """Open or close the block that the shown line heads, or the nearest one around it."""
        at: int | None = self._visible[index]
        if at not in self._blocks:
            at = self._around(index)
        if at is not None:
            self.closed ^= {at}
            self._lay_out()

    def fold_all(self, *, close: bool) -> None:
        """Close every block but the outermost, or open all."""
        outer = min(self._blocks, default=0)
        self.closed = set(self._blocks) - {outer} if close else set()
        self._lay_out()

    def _around(self, index: int) -> int | None:
        line = self._visible[index]
        heads = [head for head, end in self._blocks.items() if head < line < end]
        return max(heads, default=None)

    def _lay_out(self) -> None:
        self._visible = array("L")
        at = 0
        while at < len(self._all):
            self._visible.append(at)
            at = self._blocks[at] if at in self.closed else at + 1


class JsonTree(Folding):
    """JSON, indented, every object and array a block."""

    words = False

    @classmethod
    def of_text(cls, text: str) -> JsonTree:
        """Take indented JSON, printable already."""
        lines = [Line(part, "json") for part in text.split("\n")]
        blocks: dict[int, int] = {}
        heads: list[int] = []
        for at, line in enumerate(lines):
            last = line.text.rstrip(",")[-1:]
            if last in {"}", "]"} and line.text.strip(" ,") in {"}", "]"} and heads:
                blocks[heads.pop()] = at
            elif last in {"{", "["}:
                heads.append(at)
        return cls(lines, {head: end for head, end in blocks.items() if end - head > 1})
