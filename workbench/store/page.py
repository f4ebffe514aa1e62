"""What lists are made of: a page of items and the place where the next one starts."""

from __future__ import annotations

import msgspec

from workbench.domain.exchange import Exchange
from workbench.domain.run import Run


class Cursor(msgspec.Struct, frozen=True):
    """A place in the order of exchanges or runs: after the item with this moment and id.

    Keyset, not offset: it stays right while rows are added and costs the same at any depth.
    """

    started_at: int
    id: str

    @classmethod
    def of(cls, item: Exchange | Run) -> Cursor:
        """Return the place of `item`."""
        return cls(item.started_at, item.id)


class Page(msgspec.Struct, frozen=True):
    """Exchanges, newest first; `next` is the place to continue at, None when there is no more."""

    items: list[Exchange]
    next: Cursor | None


class RunPage(msgspec.Struct, frozen=True):
    """Runs, newest first; `next` as in `Page`."""

    items: list[Run]
    next: Cursor | None
