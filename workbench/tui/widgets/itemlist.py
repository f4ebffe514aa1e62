"""A short list of things to choose from, with headings between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.tui.paint import Paint, Piece


class Item(NamedTuple):
    """One row. A heading has no key and can't be chosen."""

    key: str
    pieces: tuple[Piece, ...]


class ItemList(ScrollView, can_focus=True):
    """Rows that fit in memory; the cursor stays on its key while rows come and go."""

    DEFAULT_CSS = "ItemList { scrollbar-size-vertical: 1; overflow-x: hidden; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False, id="list.down"),
        Binding("up,k", "move(-1)", "Up", show=False, id="list.up"),
        Binding("g,home", "edge(-1)", "First", show=False, id="list.newest"),
        Binding("G,end", "edge(1)", "Last", show=False, id="list.oldest"),
        Binding("enter,l,right", "choose", "Open", show=False, id="list.open"),
    ]

    class Highlighted(Message):
        """The cursor is on another key; `by_user` unless the program moved it."""

        def __init__(self, sender: ItemList, key: str, *, by_user: bool) -> None:
            super().__init__()
            self.sender = sender
            self.key = key
            self.by_user = by_user

        @property
        def control(self) -> ItemList:
            return self.sender

    class Chosen(Message):
        """Enter, or a second click."""

        def __init__(self, sender: ItemList, key: str) -> None:
            super().__init__()
            self.sender = sender
            self.key = key

        @property
        def control(self) -> ItemList:
            return self.sender

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.items: list[Item] = []
        self.key = ""
        self._paint: Paint | None = None

    def put(self, items: Sequence[Item]) -> None:
        """Show these rows; the cursor stays where it was if its key is still there."""
        self.items = list(items)
        self.virtual_size = Size(self.size.width, len(self.items))
        if self._row() is None:
            first = next((item.key for item in self.items if item.key), "")
            if first != self.key:
                self._go(first, by_user=False)
        self.refresh()

    def select(self, key: str) -> None:
        """Put the cursor on a key without counting as the user's doing."""
        if key != self.key and any(item.key == key for item in self.items):
            self._go(key, by_user=False)

    def _row(self) -> int | None:
        return next((at for at, item in enumerate(self.items) if item.key and item.key == self.key), None)

    def _go(self, key: str, *, by_user: bool) -> None:
        self.key = key
        row = self._row()
        if row is not None:
            self.scroll_to_region(Region(0, row, 1, 1), animate=False)
        self.refresh()
        self.post_message(self.Highlighted(self, key, by_user=by_user))

    def action_move(self, step: int) -> None:
        keys = [item.key for item in self.items if item.key]
        if keys:
            at = keys.index(self.key) if self.key in keys else 0
            self._go(keys[max(0, min(at + step, len(keys) - 1))], by_user=True)

    def action_edge(self, side: int) -> None:
        keys = [item.key for item in self.items if item.key]
        if keys:
            self._go(keys[0 if side < 0 else -1], by_user=True)

    def action_choose(self) -> None:
        if self.key:
            self.post_message(self.Chosen(self, self.key))

    def on_click(self, event: events.Click) -> None:
        """A click selects, a second one opens."""
        row = self.scroll_offset.y + event.y
        if row < len(self.items) and self.items[row].key:
            if event.chain > 1:
                self.action_choose()
            self._go(self.items[row].key, by_user=True)

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
        width, base = self.size.width, self.rich_style
        row = self.scroll_offset.y + y
        if row >= len(self.items):
            return Strip.blank(width, base)
        item = self.items[row]
        here = bool(item.key) and item.key == self.key
        style = base + paint.style(("cursor" if self.has_focus else "cursor-blurred") if here else "")
        gutter = ("▌" if here else " ", "accent" if self.has_focus else "faint")
        return paint.strip([gutter, *item.pieces], width, style)
