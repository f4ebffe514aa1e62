"""The part of an endless, newest-first list that is in memory: pages in, rows out, a bounded number kept.

A decision without I/O: whoever shows the window asks for pages where it says that they are missing. Items
are ordered by ``(started_at, id)``, newest first, and known by their id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar


class Record(Protocol):
    """What a list can hold: an exchange or a run."""

    id: str
    started_at: int


R = TypeVar("R", bound=Record)
LIMIT = 3_000
"""Rows kept; the far side is dropped when a page makes it more."""


def _order(item: Record) -> tuple[int, str]:
    return item.started_at, item.id


class Window(Generic[R]):
    """Rows ``[0]`` newest. `at_newest` and `at_oldest` say whether an edge is the data's own edge."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.rows: list[R] = []
        self.at_newest = True
        self.at_oldest = True
        self.above: int | None = 0
        """How many rows are newer than ``rows[0]``; None when not known."""
        self._limit = limit

    def __len__(self) -> int:
        return len(self.rows)

    def reset(self, items: Sequence[R], *, more: bool, newest: bool = True, above: int | None = 0) -> None:
        """Start anew with a page. `more`: there are older ones; `newest`: the page begins at the newest."""
        self.rows = list(items)
        self.at_newest, self.at_oldest = newest, not more
        self.above = 0 if newest else above

    def add_older(self, items: Sequence[R], *, more: bool) -> int:
        """Append a page; return how many rows were dropped at the newest edge."""
        known = {item.id for item in self.rows[-len(items) - 1 :]}
        self.rows += [item for item in items if item.id not in known]
        self.at_oldest = not more
        drop = max(0, len(self.rows) - self._limit)
        if drop:
            del self.rows[:drop]
            self.at_newest = False
            self.above = None if self.above is None else self.above + drop
        return drop

    def add_newer(self, items: Sequence[R], *, more: bool) -> int:
        """Prepend a page; return how many rows are new at the front."""
        known = {item.id for item in self.rows[: len(items) + 1]}
        fresh = [item for item in items if item.id not in known]
        self.rows[:0] = fresh
        self.at_newest = not more
        if self.at_newest:
            self.above = 0
        elif self.above is not None:
            self.above = max(0, self.above - len(fresh))
        if len(self.rows) > self._limit:
            del self.rows[self._limit :]
            self.at_oldest = False
        return len(fresh)

    def merge_newest(self, items: Sequence[R], *, more: bool) -> int | None:
        """Take the newest page again; return how many rows are new, or None when the page no longer reaches
        the window (then the window's newest edge is open).

        Rows may have been inserted a little out of order, so the page is merged, not prepended.
        """
        if not self.rows or not self.at_newest:
            if not self.rows:
                self.reset(items, more=more)
                return len(self.rows)
            return None
        known = {item.id for item in self.rows}
        fresh = [item for item in items if item.id not in known]
        if items and len(fresh) == len(items) and more and _order(items[-1]) > _order(self.rows[0]):
            self.at_newest = False
            self.above = None
            return None
        self.update(items)
        if fresh:
            self.rows = sorted([*fresh, *self.rows], key=_order, reverse=True)
            if len(self.rows) > self._limit:
                del self.rows[self._limit :]
                self.at_oldest = False
        return len(fresh)

    def update(self, items: Sequence[R]) -> bool:
        """Replace rows that are here by newer readings of them; return whether any was."""
        newer = {item.id: item for item in items}
        changed = False
        for at, row in enumerate(self.rows):
            found = newer.get(row.id)
            if found is not None and found != row:
                self.rows[at] = found
                changed = True
        return changed

    def remove(self, ids: set[str]) -> None:
        """Forget rows."""
        self.rows = [row for row in self.rows if row.id not in ids]

    def index(self, item_id: str) -> int | None:
        """Return where a row is, or None."""
        return next((at for at, row in enumerate(self.rows) if row.id == item_id), None)
