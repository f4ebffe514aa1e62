"""Carrying out a prune plan: small transactions, repeatable, and space given back in steps.

Order: a run's exchanges, then its folders, then its row. Whoever is stopped in the middle leaves a run that
the next plan finds again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.store.compaction import give_back, merge_index
from workbench.store.deletion import delete_in_batches, delete_run, tell_writers
from workbench.store.folders import remove

if TYPE_CHECKING:
    from workbench.store.folders import Found
    from workbench.store.retention import PrunePlan, RunToGo
    from workbench.store.store import Store

Progress = Callable[[int, int], None]
"""Called with exchanges done and exchanges to do."""
_GROUP = 10_000


class PruneResult(msgspec.Struct, kw_only=True):
    """What went. `bytes` is what the store's file and the deleted files gave back to the disk."""

    exchanges: int = 0
    runs: int = 0
    bodies: int = 0
    chunks: int = 0
    files: int = 0
    bytes: int = 0
    duration_ms: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the form ``prune --json`` prints."""
        return msgspec.structs.asdict(self)


def prune(
    store: Store,
    plan: PrunePlan,
    progress: Progress | None = None,
    *,
    stop: Callable[[], bool] = lambda: False,
    pause_s: float = 0.0,
) -> PruneResult:
    """Do what `plan` says and return what was done; `stop` ends it early between two batches.

    `pause_s` is slept after each batch, for a background that must leave others room.
    """
    began = time.monotonic()
    before = store.path.stat().st_size
    work = _Work(store, plan, progress, stop, pause_s)
    work.rows()
    work.files()
    _end_sessions(store)
    result = work.result
    if result.exchanges or result.bodies:
        merge_index(store)
        give_back(store)
    result.bytes += max(0, before - store.path.stat().st_size)
    result.duration_ms = round((time.monotonic() - began) * 1000, 1)
    return result


class _Work:
    def __init__(
        self,
        store: Store,
        plan: PrunePlan,
        progress: Progress | None,
        stop: Callable[[], bool],
        pause_s: float,
    ) -> None:
        self.result = PruneResult()
        self._store = store
        self._plan = plan
        self._progress = progress
        self._stop = stop
        self._pause_s = pause_s
        self._total = plan.total_exchanges + len(plan.bodies)

    def rows(self) -> None:
        """Delete exchanges, bodies and runs."""
        self.result.exchanges += self._drain(self._plan.exchanges, bodies_only=False)
        self.result.bodies += self._drain(self._plan.bodies, bodies_only=True)
        for run in self._plan.runs:
            if self._stop():
                return
            self._run(run)

    def files(self) -> None:
        """Delete folders and logs that go alone."""
        for item in () if self._stop() else (*self._plan.folders, *self._plan.logs):
            self._remove(item)

    def _drain(self, seqs: list[int], *, bodies_only: bool) -> int:
        done = 0
        for start in range(0, len(seqs), _GROUP):
            if self._stop():
                break
            part = seqs[start : start + _GROUP]
            self.result.chunks += delete_in_batches(
                self._store, part, bodies_only=bodies_only, pause_s=self._pause_s
            )
            done += len(part)
            self._tell(done)
        return done

    def _run(self, run: RunToGo) -> None:
        def files() -> None:
            for item in run.folders:
                self._remove(item)

        self.result.chunks += delete_run(self._store, run.key, files=files)
        self.result.runs += 1
        self.result.exchanges += run.exchanges
        self._tell(0)

    def _remove(self, item: Found) -> None:
        remove(item.path, self._plan.home)
        self.result.files += 1
        self.result.bytes += item.size

    def _tell(self, more: int) -> None:
        if self._progress is not None:
            self._progress(self.result.exchanges + self.result.bodies + more, self._total)


def _end_sessions(store: Store) -> None:
    """Delete sessions that have lost their last exchange."""
    with store.change() as connection:
        gone = connection.execute(
            "DELETE FROM runs WHERE kind = 'session' AND NOT pinned AND note IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM exchanges WHERE session = runs.seq)"
            " AND NOT EXISTS (SELECT 1 FROM exchanges WHERE run = runs.seq)"
        )
        if gone.rowcount:
            tell_writers(connection)
