"""A list of any length over keyset pages: the cursor is on an item, and news never move it.

It draws only the rows on the screen and does no I/O: it posts `Wanted` where a page is missing and takes
what the screen's worker brings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from workbench.tui.paint import Piece
from workbench.tui.viewport import Edge, Viewport
from workbench.tui.widgets.drawn import Drawn
from workbench.tui.widgets.rowstrips import RowStrips
from workbench.tui.window import R, Record

if TYPE_CHECKING:
    from typing import Self

T = TypeVar("T", bound=Record)
C_contra = TypeVar("C_contra", bound=Record, contravariant=True)


class Row(Protocol[C_contra]):
    """How an item is drawn: one line of a given width."""

    def head(self, width: int) -> list[Piece]:
        """Return the names of the columns."""

    def row(self, item: C_contra, width: int) -> list[Piece]:
        """Return one item's cells."""


class RecordList(Drawn, Generic[R], can_focus=True):
    """Virtual list: keys, pages, marks, a position bar, and a tail that does not steal the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False, id="list.down"),
        Binding("up,k", "move(-1)", "Up", show=False, id="list.up"),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, id="list.page-down"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, id="list.page-up"),
        Binding("ctrl+d", "page(0.5)", "Half page down", show=False, id="list.half-down"),
        Binding("ctrl+u", "page(-0.5)", "Half page up", show=False, id="list.half-up"),
        Binding("g,home", "newest", "Newest", show=False, id="list.newest"),
        Binding("G,end", "oldest", "Oldest", show=False, id="list.oldest"),
        Binding("enter,l,right", "choose", "Open", show=False, id="list.open"),
        Binding("m,space", "mark", "Mark", show=False, id="list.mark"),
    ]

    class Wanted(Message, Generic[T]):
        """A page is missing at `edge`; `item` is the row next to it, None for a fresh start."""

        def __init__(self, sender: RecordList[T], edge: Edge, item: T | None) -> None:
            super().__init__()
            self.sender = sender
            self.edge = edge
            self.item = item

        @property
        def control(self) -> Widget:
            return self.sender

    class Highlighted(Message, Generic[T]):
        """The cursor is on another item (or on none)."""

        def __init__(self, sender: RecordList[T], item: T | None) -> None:
            super().__init__()
            self.sender = sender
            self.item = item

        @property
        def control(self) -> Widget:
            return self.sender

    class Chosen(Message, Generic[T]):
        """The item was opened: `enter` or a second click."""

        def __init__(self, sender: RecordList[T], item: T) -> None:
            super().__init__()
            self.sender = sender
            self.item = item

        @property
        def control(self) -> Widget:
            return self.sender

    def __init__(self, row: Row[R], *, id: str | None = None, empty: str = "Nothing here yet.") -> None:  # noqa: A002
        super().__init__(id=id)
        self.view: Viewport[R] = Viewport()
        self.marked: dict[str, R] = {}
        self.empty = empty
        self.loading_text = "Reading…"
        self.loaded = False
        self._row = row
        self._asked: set[Edge] = set()
        self._named: str | None = None
        self._width = 0
        self._lines: dict[int, Strip] = {}
        self._strips = RowStrips()
        self._thumb: range | None = None

    # -- what is in it

    @property
    def current(self) -> R | None:
        """The item under the cursor."""
        return self.view.current

    @property
    def chosen(self) -> list[R]:
        """The marked items, oldest mark first; without marks the current one."""
        if self.marked:
            return list(self.marked.values())
        return [self.current] if self.current is not None else []

    def on_screen(self) -> list[R]:
        """The items on the screen."""
        return self.view.on_screen()

    def reset(self, items: Sequence[R], *, more: bool, newest: bool = True) -> None:
        """Show a first page."""
        self._asked.clear()
        self.loaded = True
        self.view.reset(items, more=more, newest=newest)
        self._settle()

    def start_over(self) -> None:
        """Forget everything and ask for the newest page; what is shown stays until it comes."""
        self._asked.clear()
        self._ask("newest", None)

    def take_older(self, items: Sequence[R], *, more: bool) -> None:
        """Add a page below."""
        self._asked.discard("older")
        self.view.take_older(items, more=more)
        self._settle()

    def take_newer(self, items: Sequence[R], *, more: bool) -> None:
        """Add a page above."""
        self._asked.discard("newer")
        self.view.take_newer(items, more=more)
        self._settle()

    def take_news(self, items: Sequence[R], *, more: bool) -> None:
        """Take the newest page again; one that the rows here don't reach is shown only to who follows."""
        self.loaded = True
        following = self.view.following
        if self.view.take_news(items, more=more):
            self._settle()
        elif following:
            self.reset(items, more=more)
        else:
            self.refresh()

    def update_items(self, items: Sequence[R]) -> None:
        """Show newer readings of items that are here."""
        for item in items:
            if item.id in self.marked:
                self.marked[item.id] = item
        if self.view.window.update(items):
            self._named = None
            self._settle()

    def forget(self, ids: set[str]) -> None:
        """Take items out."""
        self.view.window.remove(ids)
        for gone in ids:
            self.marked.pop(gone, None)
        self._settle()

    # -- keys

    def action_move(self, step: int) -> None:
        self._go(self.view.at + step)

    def action_page(self, pages: float) -> None:
        self.view.page(pages)
        self._settle()

    def action_newest(self) -> None:
        self.view.unseen = 0
        if self.view.window.at_newest:
            self._go(0)
        else:
            self.view.at = self.view.top = 0
            self._ask("newest", None)

    def action_oldest(self) -> None:
        if self.view.window.at_oldest:
            self._go(len(self.view.window) - 1)
        else:
            self._ask("oldest", None)

    def action_choose(self) -> None:
        if self.current is not None:
            self.post_message(self.Chosen(self, self.current))

    def action_mark(self) -> None:
        """Mark or unmark, then go down, so that holding the key marks a range."""
        item = self.current
        if item is None:
            return
        if self.marked.pop(item.id, None) is None:
            self.marked[item.id] = item
        self._go(self.view.at + 1)
        self._named = None
        self._settle()

    def clear_marks(self) -> None:
        """Unmark all."""
        self.marked.clear()
        self._named = None
        self._settle()

    def select(self, item_id: str) -> bool:
        """Put the cursor on an item if it is in the window."""
        found = self.view.window.index(item_id)
        if found is not None:
            self._go(found)
        return found is not None

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll the rows; the cursor comes along at the edge."""
        event.stop()
        self.view.scroll(3)
        self._settle()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll the rows; the cursor comes along at the edge."""
        event.stop()
        self.view.scroll(-3)
        self._settle()

    def on_click(self, event: events.Click) -> None:
        """A click selects, a second one opens."""
        at = self.view.top + event.y - 1
        if event.y < 1 or at >= len(self.view.window):
            return
        if at == self.view.at and event.chain > 1:
            self.action_choose()
        else:
            self._go(at)

    # -- moving

    def _go(self, at: int) -> None:
        view = self.view
        top, left = view.top, view.at
        view.go(at)
        self._look_around()
        if view.top == top:
            self.refresh(*(Region(0, row - top + 1, self.size.width, 1) for row in {left, view.at}))
        else:
            self.refresh()

    def _settle(self) -> None:
        self.view.settle()
        self._look_around()
        self.refresh()

    def _look_around(self) -> None:
        """Ask for what will be missing, tell who listens."""
        for edge, item in self.view.wanted():
            self._ask(edge, item)
        self._tell()

    def _ask(self, edge: Edge, item: R | None) -> None:
        if edge not in self._asked:
            self._asked.add(edge)
            self.post_message(self.Wanted(self, edge, item))

    def failed(self) -> None:
        """The pages asked for will not come; ask again at the next move."""
        self._asked.clear()
        self.loaded = True
        self.refresh()

    def _tell(self) -> None:
        item = self.current
        name = item.id if item is not None else ""
        if name != self._named:
            self._named = name
            self.post_message(self.Highlighted(self, item))

    # -- drawing

    def _size_updated(
        self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True
    ) -> bool:
        """Take the rows that there are below the columns' names."""
        changed = super()._size_updated(size, virtual_size, container_size, layout)
        self.view.height = max(1, self.size.height - 1)
        return changed

    def on_resize(self) -> None:
        """Keep the cursor on the screen."""
        self._settle()

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Draw everything again, or only the lines of some regions."""
        if regions:
            for y in {y for region in regions for y in region.line_range}:
                self._lines.pop(y, None)
        else:
            self._lines.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the lines of a region.

        The list has no border, padding or opacity, so Textual's box model, which costs as much as the rows
        themselves, is left out.
        """
        width = self.size.width
        if width != self._width:
            self._width = width
            self._lines.clear()
        self._base, self._thumb = None, self.view.thumb()
        lines = [self._line(y) for y in crop.line_range]
        ground = self.background_colors[1]
        for one in self.get_line_filters():
            lines = [line.apply_filter(one, ground) for line in lines]
        return lines if crop.column_span == (0, width) else [line.crop(*crop.column_span) for line in lines]

    def _line(self, y: int) -> Strip:
        line = self._lines.get(y)
        if line is None:
            line = self._lines[y] = self.render_line(y)
        return line

    def render_line(self, y: int) -> Strip:
        paint, width, base = self.paint, self._width, self.base
        at = self.view.top + y - 1
        if y == 0:
            head = [("  ", ""), *self._row.head(width - 3)]
            return paint.strip(head, width, base + paint.style("faint"))
        if at < len(self.view.window):
            return self._row_line(at, y)
        text = (
            (self.empty if self.loaded else self.loading_text) if not len(self.view.window) and y == 2 else ""
        )
        return paint.strip([("  " + text, "dim")], width, base)

    def _row_line(self, at: int, y: int) -> Strip:
        item, here, focused = self.view.window.rows[at], at == self.view.at, self.has_focus
        ground = ("cursor" if focused else "cursor-blurred") if here else ""
        row: list[Piece] = [
            ("▌" if here else " ", "accent" if focused else "faint"),
            ("◆" if item.id in self.marked else " ", "mark"),
            *self._row.row(item, self._width - 3),
        ]
        return self._strips.draw(self.paint, self.base, row, self._bar(y), width=self._width, ground=ground)

    def _bar(self, y: int) -> Piece:
        if self._thumb is None:
            return " ", ""
        return ("┃", "faint") if y - 1 in self._thumb else ("│", "line")
