"""Changes people make to exchanges and runs, each with its way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from workbench.domain.exchange import Exchange
from workbench.domain.run import Run

if TYPE_CHECKING:
    from workbench.store.store import Store
    from workbench.tui.source import Source

Item = Exchange | Run
Verb = Callable[["Store"], None]


class Change(NamedTuple):
    """Something done to exchanges or runs, and what undoes it."""

    name: str
    items: Sequence[Item]
    verb: Verb
    undo: Verb

    @property
    def back(self) -> Change:
        """The change that takes this one back."""
        return Change(f"undo {self.name}", self.items, self.undo, self.verb)

    def apply(self, source: Source) -> list[Exchange]:
        """Do it and return new readings of the exchanges among them. Blocks."""
        source.change(self.verb)
        return source.fresh([item for item in self.items if isinstance(item, Exchange)])


def pin(items: Sequence[Item]) -> Change:
    """Pin all, or unpin all when all are pinned."""
    wanted = not all(item.pinned for item in items)

    def verb(store: Store) -> None:
        for item in items:
            store.set_pinned(item.id, wanted)

    def undo(store: Store) -> None:
        for item in items:
            store.set_pinned(item.id, item.pinned)

    return Change("pin" if wanted else "unpin", items, verb, undo)


def tag(items: Sequence[Item], text: str) -> Change:
    """Add the tags named in `text`, take away those written with a minus."""
    words = text.replace(",", " ").split()
    added = [word.lstrip("+#") for word in words if not word.startswith("-")]
    gone = [word[1:] for word in words if word.startswith("-") and len(word) > 1]

    def verb(store: Store) -> None:
        for item in items:
            store.tag(item.id, *added)
            store.untag(item.id, *gone)

    def undo(store: Store) -> None:
        for item in items:
            store.untag(item.id, *(name for name in added if name not in item.tags))
            store.tag(item.id, *(name for name in gone if name in item.tags))

    return Change("tag", items, verb, undo)


def note(item: Item, text: str) -> Change:
    """Set or take away a note."""

    def verb(store: Store) -> None:
        store.set_note(item.id, text or None)

    def undo(store: Store) -> None:
        store.set_note(item.id, item.note)

    return Change("note", [item], verb, undo)
