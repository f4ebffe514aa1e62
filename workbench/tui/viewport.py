"""Which rows of a window are on the screen, and which one the cursor is on: a decision without I/O.

The cursor is on an item: pages and news that come in above it move its row, never the cursor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, Literal

from workbench.tui.window import R, Window

Edge = Literal["newest", "oldest", "older", "newer"]


class Viewport(Generic[R]):
    """`at`: the cursor's row in the window; `top`: the first row on the screen, which holds `height`."""

    def __init__(self) -> None:
        self.window: Window[R] = Window()
        self.at = 0
        self.top = 0
        self.height = 1
        self.total: int | None = None
        """Rows of the whole list; None when not known."""
        self.tail = True
        """Whether the cursor on the newest item goes along with what is newer."""
        self.unseen = 0
        """Items that came while the cursor was elsewhere."""

    @property
    def current(self) -> R | None:
        """The item under the cursor."""
        return self.window.rows[self.at] if self.at < len(self.window) else None

    @property
    def position(self) -> int | None:
        """The current item's number in the whole list, 1 for the newest; None when not known."""
        if self.window.above is not None:
            return self.window.above + self.at + 1
        if self.window.at_oldest and self.total is not None:
            return self.total - (len(self.window) - self.at) + 1
        return None

    def on_screen(self) -> list[R]:
        """The items on the screen."""
        return self.window.rows[self.top : self.top + self.height]

    # -- pages

    def reset(self, items: Sequence[R], *, more: bool, newest: bool = True) -> None:
        """Begin with a page; the cursor stays on its item if that is in the newest one."""
        keep = self.current.id if self.current is not None else None
        self.window.reset(items, more=more, newest=newest, above=None)
        found = self.window.index(keep) if keep is not None and newest else None
        self.at = found or (0 if newest else max(0, len(items) - 1))
        self.top = self.unseen = 0

    def take_older(self, items: Sequence[R], *, more: bool) -> None:
        """Add a page below."""
        self._shift(-self.window.add_older(items, more=more))

    def take_newer(self, items: Sequence[R], *, more: bool) -> None:
        """Add a page above."""
        self._shift(self.window.add_newer(items, more=more))

    @property
    def following(self) -> bool:
        """Whether the cursor goes along with what is newer."""
        return self.tail and self.at == 0 and self.top == 0 and self.window.at_newest

    def take_news(self, items: Sequence[R], *, more: bool) -> bool:
        """Take the newest page again, and follow it or stay; False when it no longer reaches the window."""
        following, item = self.following, self.current
        added = self.window.merge_newest(items, more=more)
        if added is None:
            self.unseen = max(self.unseen, 1)
            return False
        if following:
            self.at = self.top = 0
        elif item is not None:
            found = self.window.index(item.id)
            self._shift((found if found is not None else self.at) - self.at)
            self.unseen += added
        return True

    def wanted(self) -> Iterator[tuple[Edge, R]]:
        """Yield the edges where a page will be missing soon, with the row next to each."""
        rows = self.window.rows
        if rows and not self.window.at_oldest and self.top + 4 * self.height >= len(rows):
            yield "older", rows[-1]
        if rows and not self.window.at_newest and self.top <= 3 * self.height:
            yield "newer", rows[0]

    # -- moving

    def go(self, at: int) -> None:
        """Put the cursor on a row."""
        self.at = at
        self.settle()

    def page(self, pages: float) -> None:
        """Turn pages; the cursor keeps its row on the screen."""
        step = int(pages * max(1, self.height - 1))
        self.top = self._in_range(self.top + step)
        self.go(self.at + step)

    def scroll(self, step: int) -> None:
        """Move the rows; the cursor comes along at the edge."""
        self.top = self._in_range(self.top + step)
        self.go(max(self.top, min(self.at, self.top + self.height - 1)))

    def settle(self) -> None:
        """Bring the cursor into the list and the rows to the cursor."""
        self.at = max(0, min(self.at, len(self.window) - 1))
        if self.at < self.top:
            self.top = self.at
        elif self.at >= self.top + self.height:
            self.top = self.at - self.height + 1
        self.top = self._in_range(self.top)
        if self.at == 0 and self.window.at_newest:
            self.unseen = 0

    def thumb(self) -> range | None:
        """Return where the screen is, in rows of the position bar; None when all is on the screen."""
        place = self.position
        total = self.total if self.total is not None else len(self.window)
        if total <= self.height or place is None:
            return None
        first = place - 1 - (self.at - self.top)
        length = max(1, round(self.height * self.height / total))
        start = min(round(first / total * self.height), self.height - length)
        return range(start, start + length)

    def _shift(self, rows: int) -> None:
        """Rows were added above (or dropped, below 0)."""
        self.at = max(0, self.at + rows)
        self.top = max(0, self.top + rows)

    def _in_range(self, top: int) -> int:
        return max(0, min(top, len(self.window) - self.height))
