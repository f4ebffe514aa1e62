"""A document in rows as wide as the widget. Nothing ever waits for its last line: a screen's worth of rows is
known before the first paint, the rest is indexed in slices of a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.timer import Timer

from workbench.tui.document import Document, Lines
from workbench.tui.rows import UNWRAPPED, RowIndex
from workbench.tui.widgets.drawn import Drawn

_SLICE_S = 0.008
_BETWEEN_S = 0.004
_NEWS_S = 0.05
"""How often a document that still comes in is looked at."""


class RowView(ScrollView, Drawn):
    """Where each line of a document stands; wraps, follows its end, goes to a line once that is known."""

    def __init__(self, document: Document | None = None, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.document: Document = Lines() if document is None else document
        self.follow = False
        self.wrap = True
        self._index = RowIndex(self.document, 80)
        self._indexing: Timer | None = None
        self._goal: tuple[int, Callable[[], None]] | None = None

    @property
    def line_at_top(self) -> int:
        """The logical line on the first row."""
        row = self.scroll_offset.y
        return self._index.locate(row)[0] if row < self._index.rows else 0

    def show_line(self, number: int) -> None:
        """Bring a line to the top of the screen."""
        self._reach(number, partial(self._put_on_top, number))

    def grown(self) -> None:
        """The document has new lines at its end."""
        self._index_on()
        self.refresh()

    # -- going to a line

    def _reach(self, line: int, then: Callable[[], None]) -> None:
        """Call `then` once a line is indexed, at once if it is; the goal before is given up."""
        self._goal = line, then
        if line >= self._index.lines:
            self._index.extend(_SLICE_S)
        self._resize()
        self._arrive()
        self._go_on(_BETWEEN_S)

    def _arrive(self) -> None:
        if self._goal is not None and self._goal[0] < self._index.lines:
            (_, then), self._goal = self._goal, None
            then()

    def _put_on_top(self, line: int) -> None:
        self.scroll_to(y=self._index.first_row(line), animate=False)

    def _keep_visible(self, row: int, *, margin: int) -> None:
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if row < top + margin:
            self.scroll_to(y=max(0, row - margin), animate=False)
        elif row >= top + height - margin:
            self.scroll_to(y=row - height + 1 + margin, animate=False)

    # -- layout

    def _size_updated(
        self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True
    ) -> bool:
        """Break lines for another width before they are drawn; the line that was on top stays there."""
        changed = super()._size_updated(size, virtual_size, container_size, layout)
        if self.size and (self._text_width() != self._index.width or not self._index.lines):
            self._lay_out()
        return changed

    def _text_width(self) -> int:
        return max(8, self.scrollable_content_region.width)

    def _lay_out(self) -> None:
        """Index the document anew, at the present width; the line on top stays there, or the end does."""
        line = self.line_at_top
        if line and self._goal is None and not self.follow:
            self._goal = line, partial(self._put_on_top, line)
        self._index = RowIndex(self.document, self._text_width(), wrap=self.wrap)
        if not self.size:
            return  # not laid out yet: `_size_updated` comes with the width
        self._index.extend(_SLICE_S, until_row=self.size.height)
        self._resize()
        if self.follow:
            self.scroll_end(animate=False, immediate=True)
        self._arrive()
        self.refresh()
        self._go_on(_BETWEEN_S)

    def _go_on(self, pause_s: float) -> None:
        """Index on after a pause, unless all is indexed and nothing is to come."""
        if self._indexing is None and not self._index.final:
            self._indexing = self.set_timer(pause_s, self._index_on)

    def _index_on(self) -> None:
        """Index another slice."""
        if self._indexing is not None:
            self._indexing.stop()
            self._indexing = None
        rows = self._index.rows
        caught_up = self._index.extend(_SLICE_S)
        self._resize()
        if rows <= self.scroll_offset.y + self.size.height:
            self.refresh()  # the last rows that were known are on the screen
        if self.follow:
            self.scroll_end(animate=False, immediate=True)
        self._arrive()
        self._go_on(_NEWS_S if caught_up else _BETWEEN_S)

    def _resize(self) -> None:
        width = self._index.width if self.wrap else max(self._index.width, UNWRAPPED)
        size = Size(width, self._index.rows)
        shown = self.show_vertical_scrollbar
        if not self.wrap or shown != (size.height > self.container_size.height):
            self.virtual_size = size
            return
        # The bar stays or stays away, so nothing moves: the screen need not be laid out again.
        self.set_reactive(RowView.virtual_size, size)
        if shown:
            self.vertical_scrollbar.window_virtual_size = size.height
        self.scroll_y = min(self.scroll_y, self.max_scroll_y)
