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

from workbench.tui.paint import Piece
from workbench.tui.widgets.drawn import Drawn


class Item(NamedTuple):
    """One row. A heading has no key and can't be chosen."""

    key: str
    pieces: tuple[Piece, ...]


class ItemList(ScrollView, Drawn, can_focus=True):
    """Rows that fit in memory; the cursor stays on its key while rows come and go."""

    DEFAULT_CSS = "ItemList { scrollbar-size-vertical: 1; overflow-x: hidden; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False, id="list.down"),
        Binding("up,k", "move(-1)", "Up", show=False, id="list.up"),
        Binding("g,home", "edge(-1)", "First", show=False, id="list.newest"),
        Binding("G,end", "edge(1)", "Last", show=False, id="list.oldest"),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, id="list.page-down"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, id="list.page-up"),
        Binding("n", "hit(1)", "Next hit", show=False, id="list.next"),
        Binding("N", "hit(-1)", "Previous hit", show=False, id="list.previous"),
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

    class Moved(Message):
        """The hit under the cursor is number `at` (1 first) of `total`."""

        def __init__(self, at: int, total: int) -> None:
            super().__init__()
            self.at = at
            self.total = total

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.items: list[Item] = []
        self.key = ""
        self._term = ""

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

    def go(self, key: str) -> None:
        """Put the cursor on a key, as the user's doing."""
        self._go(key, by_user=True)

    def keys_on_screen(self) -> list[tuple[int, str]]:
        """Return (row on the screen, key) of everything that can be chosen there."""
        top = self.scroll_offset.y
        rows = self.items[top : top + self.size.height]
        return [(y, item.key) for y, item in enumerate(rows) if item.key]

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

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self.size.height - 1))

    def find(self, term: str) -> None:
        """Look for a word in the rows and go to the nearest that has it, from the cursor down."""
        self._term = term.lower()
        if term:
            self.action_hit(0)

    def action_hit(self, step: int) -> None:
        """Go to the next row that has the word, round and round."""
        hits = [at for at, item in enumerate(self.items) if self._term and item.key and self._has(item)]
        here = self._row() or 0
        if step < 0:
            found = next((at for at in reversed(hits) if at < here), hits[-1] if hits else None)
        else:
            found = next((at for at in hits if at >= here + step), hits[0] if hits else None)
        if found is not None:
            self._go(self.items[found].key, by_user=True)
        self.post_message(self.Moved(hits.index(found) + 1 if found is not None else 0, len(hits)))

    def _has(self, item: Item) -> bool:
        return self._term in "".join(text for text, _ in item.pieces).lower()

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

    def render_line(self, y: int) -> Strip:
        paint, width, base = self.paint, self.size.width, self.base
        row = self.scroll_offset.y + y
        if row >= len(self.items):
            return Strip.blank(width, base)
        item = self.items[row]
        here = bool(item.key) and item.key == self.key
        style = base + paint.style(("cursor" if self.has_focus else "cursor-blurred") if here else "")
        gutter = ("▌" if here else " ", "accent" if self.has_focus else "faint")
        return paint.strip([gutter, *item.pieces], width, style)
