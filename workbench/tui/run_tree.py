"""The tree of Runs: rows, what is inside them, and which are unfolded. No I/O: pages in, rows out.

A row's id is the way to it (``run_1/step:2/gate:tests``), so that the same run can stand in two places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import msgspec

from workbench.domain.exchange import Exchange
from workbench.domain.run import FINISHED, Run
from workbench.tui.window import LIMIT, Window

Kind = Literal["run", "step", "gate", "turn", "fork", "result", "exchange", "attempt", "more"]
PAGE = 100
"""Rows of one unfolded row that are read at a time."""
MOST = 3_000
"""Rows of one unfolded row that are kept; what is beyond is in the list of its exchanges (`x`)."""


class Node(msgspec.Struct, kw_only=True):
    """One row. `run` is the run it belongs to; for a run it is that run."""

    id: str
    started_at: int
    kind: Kind
    run: Run
    exchange: Exchange | None = None
    """What `enter` opens and the keys act on, where it is or belongs to an exchange."""
    value: Any = None
    """A Step, a gate's result (dict) or an Attempt."""
    inside: bool = False
    """Whether it can be unfolded."""
    forks: int = 0
    figures: tuple[int, int, float] | None = None
    """Exchanges, tokens and USD of a step."""

    @property
    def parent(self) -> str:
        """The id of the row it is inside of; empty at the top."""
        return self.id.rpartition("/")[0]


def top(run: Run) -> Node:
    """Return a run's row."""
    return Node(
        id=run.id, started_at=run.started_at, kind="run", run=run, inside=bool(run.steps or run.exchanges)
    )


class Branch(msgspec.Struct):
    """What is known of the inside of one row; `more`: there is more behind it. `asked`: it is being read."""

    rows: list[Node] = []
    more: bool = True
    asked: bool = False

    @property
    def full(self) -> bool:
        """Whether no more rows are kept."""
        return len(self.rows) >= MOST


class TreeWindow(Window[Node]):
    """A window of runs in which rows unfold; `rows` are those that can be seen."""

    def __init__(self, limit: int = LIMIT) -> None:
        super().__init__(limit)
        self.tops: Window[Node] = Window(limit)
        """The runs alone."""
        self.open: dict[str, None] = {}
        """Ids of unfolded rows; also of rows that are not here."""
        self.lines: dict[str, str] = {}
        """Row id -> the tree's lines in front of it."""
        self._branches: dict[str, Branch] = {}
        self._stale: set[str] = set()

    # -- pages of runs, as `Window` has them

    def reset(self, items: Sequence[Node], *, more: bool, newest: bool = True, above: int | None = 0) -> None:
        self._note_changes(items)
        self.tops.reset(items, more=more, newest=newest, above=above)
        self._lay_out()

    def add_older(self, items: Sequence[Node], *, more: bool) -> int:
        self.tops.add_older(items, more=more)
        before = self.rows
        self._lay_out()
        first = self.rows[0].id if self.rows else ""
        return next((at for at, row in enumerate(before) if row.id == first), 0)

    def add_newer(self, items: Sequence[Node], *, more: bool) -> int:
        first = self.rows[0].id if self.rows else ""
        self.tops.add_newer(items, more=more)
        self._lay_out()
        return self.index(first) or 0

    def merge_newest(self, items: Sequence[Node], *, more: bool) -> int | None:
        self._note_changes(items)
        added = self.tops.merge_newest(items, more=more)
        self._lay_out()
        return added

    def update(self, items: Sequence[Node]) -> bool:
        self._note_changes(items)
        changed = self.tops.update(items)
        if changed:
            self._lay_out()
        return changed

    def remove(self, ids: set[str]) -> None:
        self.tops.remove(ids)
        for branch in self._branches.values():
            branch.rows = [row for row in branch.rows if row.kind != "run" or row.run.id not in ids]
        self._lay_out()

    # -- the inside

    def unfold(self, node: Node) -> None:
        """Show what is inside a row; what is not known yet is asked for by `missing`."""
        if node.inside:
            self.open[node.id] = None
            self._lay_out()

    def fold(self, node_id: str) -> None:
        """Hide what is inside a row; what is unfolded in there stays so, more than a page is read again."""
        if self.open.pop(node_id, "") is None:
            branch = self._branches.get(node_id)
            if branch is not None and len(branch.rows) > PAGE:
                del self._branches[node_id]
            self._lay_out()

    def fold_all(self) -> None:
        """Hide everything but the runs."""
        self.open.clear()
        self._branches.clear()
        self._lay_out()

    def put(self, node_id: str, items: Sequence[Node], *, more: bool, anew: bool) -> None:
        """Take rows of the inside of a row: behind those that are known, or instead of them."""
        branch = self._branches.setdefault(node_id, Branch())
        known = set() if anew else {row.id for row in branch.rows}
        kept = [] if anew else branch.rows
        branch.rows = [*kept, *(item for item in items if item.id not in known)][:MOST]
        branch.more, branch.asked = more, False
        self._stale.discard(node_id)
        self._lay_out()

    def failed(self, node_id: str) -> None:
        """What was asked for does not come; it is asked for again when it is next on the screen."""
        branch = self._branches.get(node_id)
        if branch is not None:
            branch.asked = False

    def missing(self, seen: Iterable[Node]) -> list[tuple[Node, Node | None]]:
        """Return (row, last known row inside) of what rows on the screen show to be missing; each once."""
        found = []
        for node in seen:
            if node.kind != "more":
                continue
            branch = self._branches.setdefault(node.parent, Branch())
            owner = self.find(node.parent)
            if owner is not None and not branch.asked and not branch.full:
                branch.asked = True
                found.append((owner, branch.rows[-1] if branch.rows else None))
        return found

    def stale(self, seen: Iterable[Node]) -> list[tuple[Node, int]]:
        """Return (row, rows to read) of unfolded rows on the screen that may have changed inside."""
        found: dict[str, tuple[Node, int]] = {}
        for node in seen:
            for owner in (node.id, node.parent):
                branch = self._branches.get(owner) if owner in self.open else None
                row = self.find(owner) if branch is not None else None
                if row is None or branch is None or branch.asked or owner in found:
                    continue
                if row.run.status not in FINISHED or row.id.partition("/")[0] in self._stale:
                    found[owner] = row, max(PAGE, len(branch.rows))
        self._stale.clear()
        return list(found.values())

    def full(self, node_id: str) -> bool:
        """Whether as much is shown of the inside of a row as ever will be, and there is more."""
        branch = self._branches.get(node_id)
        return branch is not None and branch.full and branch.more

    def find(self, node_id: str) -> Node | None:
        """Return a row that can be seen."""
        at = self.index(node_id)
        return None if at is None else self.rows[at]

    def replace(self, exchanges: Iterable[Exchange]) -> None:
        """Show newer readings of exchanges wherever they stand."""
        newer = {item.id: item for item in exchanges}
        for branch in self._branches.values():
            for row in branch.rows:
                if row.exchange is not None:
                    row.exchange = newer.get(row.exchange.id, row.exchange)
        self._lay_out()

    def number(self, node: Node | None) -> int:
        """Return which run a row is in, 1 for the first; 0 for none."""
        at = None if node is None else self.tops.index(node.id.partition("/")[0])
        return 0 if at is None else at + 1

    def _note_changes(self, items: Sequence[Node]) -> None:
        known = {row.id: row for row in self.tops.rows}
        self._stale |= {item.id for item in items if item.id in known and known[item.id] != item}

    def _lay_out(self) -> None:
        self.lines.clear()
        self.rows = [row for node in self.tops.rows for row in self._with_inside(node, "")]
        self.at_newest, self.at_oldest = self.tops.at_newest, self.tops.at_oldest
        self.above = self.tops.above

    def _with_inside(self, node: Node, before: str) -> Iterator[Node]:
        yield node
        if node.id not in self.open:
            return
        branch = self._branches.get(node.id) or Branch()
        rows = [*branch.rows, *([_more(node)] if branch.more else [])]
        for at, row in enumerate(rows, 1):
            last = at == len(rows)
            self.lines[row.id] = before + ("└" if last else "├")
            yield from self._with_inside(row, before + ("   " if last else "│  "))


def _more(node: Node) -> Node:
    return Node(id=f"{node.id}/more", started_at=node.started_at, kind="more", run=node.run)
