"""One of a few: all on one or more lines, the chosen one stands out; left and right choose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from workbench.domain.text import one_line
from workbench.tui.paint import Piece
from workbench.tui.widgets.drawn import Drawn

Option = tuple[str, str]
"""(value, sentence about it)"""


class Choices(Drawn, can_focus=True):
    """Options that fit on the screen; `about` says what the chosen one is."""

    DEFAULT_CSS = "Choices { height: auto; width: 1fr; max-width: 110; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,down,j", "step(1)", "Next choice", show=False, id="choices.next"),
        Binding("left,h,up,k", "step(-1)", "Previous choice", show=False, id="choices.previous"),
    ]

    class Changed(Message):
        """Another option is chosen."""

        def __init__(self, sender: Choices, value: str, about: str) -> None:
            super().__init__()
            self.sender = sender
            self.value = value
            self.about = about

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.options: list[Option] = []
        self.value = ""
        self._preferred: str | None = None

    def offer(self, options: Sequence[Option], chosen: str | None) -> None:
        """Replace the options; the chosen one stays chosen if it is still offered."""
        if list(options) == self.options and chosen is None:
            return
        self.options = list(options)
        names = [name for name, _ in self.options]
        for wanted in (self.value, chosen, self._preferred, names[0] if names else ""):
            if wanted in names:
                self._choose(wanted)
                break
        self.refresh(layout=True)

    def prefer(self, value: str) -> None:
        """Choose this one as soon as it is offered, unless something was chosen by then."""
        self._preferred = value
        if any(name == value for name, _ in self.options):
            self._choose(value)

    def _choose(self, value: str | None) -> None:
        about = next((about for name, about in self.options if name == value), "")
        self.value = value or ""
        self.post_message(self.Changed(self, self.value, about))
        self.refresh()

    def action_step(self, step: int) -> None:
        names = [name for name, _ in self.options]
        if names:
            at = names.index(self.value) if self.value in names else 0
            self._choose(names[(at + step) % len(names)])

    def on_click(self, event: events.Click) -> None:
        """Choose what was clicked."""
        for row, column, name in self._places(self.size.width):
            if event.y == row and column <= event.x < column + cell_len(name) + 2:
                self._choose(name)

    def take(self, name: str) -> None:
        """Choose an option and take the focus."""
        self.focus()
        self._choose(name)

    def places_on_screen(self) -> list[tuple[int, int, str]]:
        """Return (column, row, name) of every option."""
        return [(column, row, name) for row, column, name in self._places(self.size.width)]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        places = self._places(width)
        return places[-1][0] + 1 if places else 1

    def _places(self, width: int) -> list[tuple[int, int, str]]:
        """Return (row, column, name), wrapped to the width."""
        places: list[tuple[int, int, str]] = []
        row = column = 0
        for name, _ in self.options:
            shown = one_line(name, 60)
            size = cell_len(shown) + 2
            if column and column + size > width:
                row, column = row + 1, 0
            places.append((row, column, shown))
            column += size + 1
        return places

    def render_line(self, y: int) -> Strip:
        paint, width, base = self.paint, self.size.width, self.base
        if not self.options:
            return paint.strip([("…", "faint")], width, base)
        pieces: list[Piece] = []
        for row, _, name in self._places(width):
            if row == y:
                here = name == one_line(self.value, 60)
                style = ("reverse bold accent" if self.has_focus else "chip bold accent") if here else "dim"
                pieces += [(f" {name} ", style), (" ", "")]
        return paint.strip(pieces, width, base)
