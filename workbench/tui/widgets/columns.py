"""Texts side by side, each under a head of three lines; tabs where there is no room for all of them."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from workbench.tui.document import Document, Lines
from workbench.tui.paint import Paint, Piece
from workbench.tui.widgets.tabline import TabLine
from workbench.tui.widgets.textview import TextView

LEAST = 44
"""Cells a column needs to be read."""
Head = tuple[tuple[Piece, ...], ...]
"""Up to three lines; the first one's text is the column's name on a tab."""


class HeadLines(Widget):
    """The lines over one column; the column with the focus has a bar."""

    DEFAULT_CSS = "HeadLines { height: 3; width: 1fr; background: $surface; }"

    def __init__(self) -> None:
        super().__init__()
        self.head: Head = ()
        self.here = False
        self._paint: Paint | None = None

    def on_mount(self) -> None:
        """Follow the theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._repaint())

    def _repaint(self) -> None:
        self._paint = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        paint = self._paint
        if paint is None:
            paint = self._paint = Paint(self.app.theme_variables)
        pieces = self.head[y] if y < len(self.head) else ()
        bar = ("▌" if self.here else " ", "accent")
        return paint.strip([bar, *pieces], self.size.width, self.rich_style)


class Column(Vertical):
    """One head and one text."""

    DEFAULT_CSS = """
    Column { width: 1fr; height: 100%; border-left: vkey $border-blurred; }
    Column.-first { border-left: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.heads = HeadLines()
        self.text = TextView(Lines())

    def compose(self) -> ComposeResult:
        yield self.heads
        yield self.text


class Columns(Vertical):
    """The first column stays at the left; of the others as many are beside it as there is room for."""

    DEFAULT_CSS = """
    Columns { width: 1fr; height: 1fr; }
    Columns > Horizontal { height: 1fr; }
    """

    class Changed(Message):
        """Another column has the focus."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.current = 0
        self.columns: list[Column] = []
        self._moving = False

    def compose(self) -> ComposeResult:
        tabs = TabLine(("",), id="which")
        tabs.display = False
        yield tabs
        yield Horizontal()

    @property
    def text(self) -> TextView | None:
        """The text of the current column."""
        return self.columns[self.current].text if self.columns else None

    # -- what is in it

    def put(self, heads: Sequence[Head]) -> None:
        """Show these heads; columns come and go at the end."""
        while len(self.columns) < len(heads):
            column = Column()
            self.columns.append(column)
            self.query_one(Horizontal).mount(column)
            self.call_after_refresh(self._follow, column.text)
        for column in self.columns[len(heads) :]:
            column.remove()
        del self.columns[len(heads) :]
        for column, head in zip(self.columns, heads, strict=True):
            if column.heads.head != head:
                column.heads.head = head
                column.heads.refresh()
        self.current = max(0, min(self.current, len(heads) - 1))
        self._lay_out()

    def show(self, index: int, document: Document) -> None:
        """Show a text in a column."""
        if index < len(self.columns) and self.columns[index].text.document is not document:
            self.columns[index].text.show(document)

    def _follow(self, view: TextView) -> None:
        """Scroll all columns when one is scrolled."""
        if view.is_mounted:
            self.watch(view, "scroll_y", lambda top: self._scrolled(view, top), init=False)

    def _scrolled(self, view: TextView, top: float) -> None:
        if self._moving or not view.has_focus:
            return
        self._moving = True
        for column in self.columns:
            if column.text is not view and column.text.display:
                column.text.scroll_to(y=top, animate=False, immediate=True)
        self._moving = False

    # -- which one

    def go(self, index: int) -> None:
        """Give a column the focus."""
        if not self.columns:
            return
        self.current = index % len(self.columns)
        self._lay_out()
        self.columns[self.current].text.focus()
        self.post_message(self.Changed())

    def step(self, by: int) -> None:
        """Go to a neighbour, round and round."""
        self.go(self.current + by)

    def on_descendant_focus(self) -> None:
        """A click gives the focus too."""
        for index, column in enumerate(self.columns):
            if column.text.has_focus and index != self.current:
                self.current = index
                self._lay_out()
                self.post_message(self.Changed())

    @on(TabLine.Changed)
    def _tab(self, message: TabLine.Changed) -> None:
        message.stop()
        index = self.query_one(TabLine).active
        if index != self.current and index < len(self.columns):
            self.go(index)

    # -- layout

    def on_resize(self) -> None:
        """More or fewer fit."""
        self._lay_out()

    def _lay_out(self) -> None:
        room = max(1, self.size.width // LEAST)
        shown = self._shown(room)
        for index, column in enumerate(self.columns):
            column.display = index in shown
            column.set_class(index == min(shown, default=0), "-first")
            column.heads.here = index == self.current
            column.heads.refresh()
        tabs = self.query_one(TabLine)
        tabs.display = room < len(self.columns)
        tabs.names = tuple(_name(column.heads.head) for column in self.columns) or ("",)
        tabs.set_reactive(TabLine.active, self.current)
        tabs.refresh()

    def _shown(self, room: int) -> set[int]:
        count = len(self.columns)
        if room >= count:
            return set(range(count))
        if room == 1:
            return {self.current}
        start = max(1, min(self.current - room + 2, count - room + 1))
        return {0, *range(start, start + room - 1)}


def _name(head: Head) -> str:
    return "".join(text for text, _ in head[0]).strip() if head else "…"
