"""What retention no longer keeps: the policy, and the plan that a dry run prints.

A workflow or replay run goes as a whole: its rows, its folder, its generated app. Exchanges of sessions and
of no run go one by one. Pinned things, what belongs to them, and what is still going on are never in a
plan.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.domain.times import iso, parse_duration_us
from workbench.store import instances
from workbench.store.filter import parse_size
from workbench.store.folders import Found, all_run_folders, measure, old_logs, run_folders
from workbench.store.rows import SEQ_SHIFT

if TYPE_CHECKING:
    import sqlite3

    from workbench.settings.home import Home
    from workbench.settings.sections import RetentionSettings

_ORPHAN_S = 3600
"""A folder without a run may be one that is just being made; not after this long."""
_AT_ONCE = 200_000
"""Exchanges in one plan; a larger store is pruned by several."""


class PrunePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept; None: no such limit. Ages in microseconds, size in bytes."""

    max_age: int | None = None
    max_size: int | None = None
    max_runs: int | None = None
    bodies_age: int | None = None
    generated_age: int | None = None
    logs_age: int | None = None

    @classmethod
    def of(cls, settings: RetentionSettings) -> PrunePolicy:
        """Return the policy that settings describe."""
        return cls(
            max_age=_age(settings.max_age),
            max_size=parse_size(settings.max_size) if settings.max_size else None,
            max_runs=settings.max_runs,
            bodies_age=_age(settings.bodies_older_than),
            generated_age=_age(settings.generated_older_than),
            logs_age=_age(settings.logs_older_than),
        )


def _age(text: str | None) -> int | None:
    return parse_duration_us(text) if text else None


class RunToGo(msgspec.Struct, frozen=True, kw_only=True):
    """A run that goes as a whole."""

    key: int
    id: str
    kind: str
    title: str
    last_at: int
    exchanges: int
    folders: tuple[Found, ...]
    why: str


class PrunePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What would go. `exchanges` and `bodies` are row keys; `row_bytes` is an estimate, file sizes are
    exact.
    """

    home: Home
    runs: list[RunToGo]
    exchanges: list[int]
    bodies: list[int]
    folders: list[Found]
    """Generated apps that go alone, and orphans: folders whose run is gone."""
    logs: list[Found]
    row_bytes: int
    missing: list[str]
    """Runs whose generated app is gone already; nothing to delete, but good to know."""

    @property
    def total_exchanges(self) -> int:
        """Exchanges that go, those of runs included."""
        return len(self.exchanges) + sum(run.exchanges for run in self.runs)

    @property
    def file_bytes(self) -> int:
        """Bytes of folders and files that go."""
        found = [item for run in self.runs for item in run.folders] + self.folders + self.logs
        return sum(item.size for item in found)

    @property
    def empty(self) -> bool:
        """Whether nothing would go."""
        return not (self.runs or self.exchanges or self.bodies or self.folders or self.logs)

    def to_json(self) -> dict[str, Any]:
        """Return the form ``prune --dry-run --json`` prints."""
        return {
            "exchanges": self.total_exchanges,
            "runs": [
                {
                    "id": run.id, "kind": run.kind, "title": run.title, "last_at": iso(run.last_at), "why":
                    run.why, "exchanges": run.exchanges, "folders": [_shown(item) for item in run.folders],
                    } for run in self.runs ], "bodies": len(self.bodies), "folders": [_shown(item) for item
                    in self.folders], "logs": [_shown(item) for item in self.logs], "row_bytes":
                    self.row_bytes, "file_bytes": self.file_bytes, "bytes": self.row_bytes +
                    self.file_bytes, "missing": self.missing, }  # fmt: skip


def _shown(item: Found) -> dict[str, Any]:
    return {"path": str(item.path), "bytes": item.size}


_HELD_RUNS = (
    # Pinned, still going on, or holding something pinned or running.
    "SELECT seq FROM runs WHERE pinned OR (kind <> 'session' AND status = 'waiting')"
    " UNION SELECT run FROM exchanges WHERE run IS NOT NULL AND seq IN"
    " (SELECT seq FROM exchanges WHERE pinned UNION ALL SELECT seq FROM exchanges WHERE state <> 'complete'"
    " AND state = 'running')"
)
_LOOSE = (
    # Exchanges that go one by one.
    "NOT e.pinned AND e.state <> 'running' AND (e.run IS NULL OR e.run IN (SELECT seq FROM runs "
    "WHERE kind = 'session'))"
    " AND (e.session IS NULL OR e.session NOT IN (SELECT seq FROM runs WHERE pinned))"
    " AND (e.run IS NULL OR e.run NOT IN (SELECT seq FROM runs WHERE pinned))"
)


def plan_prune(
    connection: sqlite3.Connection, policy: PrunePolicy, home: Home, *, now_us: int | None = None
) -> PrunePlan:
    """Return what `policy` no longer keeps. Reads only."""
    now = time.time_ns() // 1000 if now_us is None else now_us
    held = _held(connection)
    doomed = _runs(connection, policy, now, held)
    loose = _loose(connection, policy, now)
    _to_size(connection, policy, held, doomed, loose)
    runs = [_whole(connection, home, key, why) for key, why in doomed.items()]
    count, row_bytes = len(loose) + sum(run.exchanges for run in runs), 0
    if count:
        live, total = _live(connection)
        row_bytes = live * count // max(1, total)
    alive = _ids(connection)
    gone = {run.id for run in runs}
    return PrunePlan(
        home=home,
        runs=runs,
        exchanges=sorted(loose),
        bodies=_bodies(connection, policy, now, loose, doomed, held),
        folders=_folders(home, policy, now, alive, gone, held),
        logs=old_logs(home, (now - policy.logs_age) / 1e6) if policy.logs_age is not None else [],
        row_bytes=row_bytes,
        missing=_missing(connection, home, gone),
    )


def _held(connection: sqlite3.Connection) -> set[int]:
    held = {row[0] for row in connection.execute(_HELD_RUNS)}
    rows = connection.execute(
        "SELECT seq, pid, pid_started FROM runs WHERE kind <> 'session' AND status IN ('running', 'pending')"
    )
    return held | {
        key for key, pid, started in rows if pid is None or instances.process_alive(pid, started or 0.0)
    }


def _runs(connection: sqlite3.Connection, policy: PrunePolicy, now: int, held: set[int]) -> dict[int, str]:
    """Return keys of runs to go, oldest first, with the reason."""
    rows = connection.execute(
        "SELECT seq, max(last_at, coalesce(ended_at, 0)) AS at FROM runs WHERE kind <> 'session' "
        "ORDER BY at DESC"
    ).fetchall()
    doomed: dict[int, str] = {}
    for place, (key, at) in enumerate(rows):
        if key in held:
            continue
        if policy.max_age is not None and at < now - policy.max_age:
            doomed[key] = "age"
        elif policy.max_runs is not None and place >= policy.max_runs:
            doomed[key] = "number of runs"
    return dict(reversed(doomed.items()))


def _loose(connection: sqlite3.Connection, policy: PrunePolicy, now: int) -> set[int]:
    if policy.max_age is None:
        return set()
    before = max(0, now - policy.max_age) << SEQ_SHIFT
    rows = connection.execute(
        f"SELECT e.seq FROM exchanges AS e WHERE e.seq < ? AND {_LOOSE} ORDER BY e.seq LIMIT ?",
        (before, _AT_ONCE),
    )
    return {row[0] for row in rows}


def _to_size(
    connection: sqlite3.Connection,
    policy: PrunePolicy,
    held: set[int],
    doomed: dict[int, str],
    loose: set[int],
) -> None:
    """Add the oldest until the live bytes should fit; the next plan measures again."""
    if policy.max_size is None:
        return
    live, total = _live(connection)
    if live <= policy.max_size or not total:
        return
    going = len(loose) + sum(_count(connection, key) for key in doomed)
    needed = -(-(live - policy.max_size) * total // live) - going
    if needed <= 0:
        return
    rows = connection.execute(
        f"SELECT e.seq, NULL AS run, 1 AS size FROM exchanges AS e WHERE {_LOOSE} UNION ALL"
        " SELECT max(last_at, coalesce(ended_at, 0)) * 1024, seq, (SELECT count(*) FROM exchanges "
        "WHERE run = r.seq)"
        " FROM runs AS r WHERE kind <> 'session' ORDER BY 1 LIMIT ?",
        (needed + len(loose) + len(doomed) + len(held),),
    )
    for seq, run, size in rows:
        if needed <= 0:
            return
        if run in held or run in doomed or (run is None and seq in loose):
            continue
        needed -= size
        if run is None:
            loose.add(seq)
        else:
            doomed[run] = "size"


def _live(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return the bytes in use and the number of exchanges."""
    page, pages, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_size", "page_count", "freelist_count")
    )
    return (pages - free) * page, connection.execute("SELECT count(*) FROM exchanges").fetchone()[0]


def _count(connection: sqlite3.Connection, run: int) -> int:
    return int(connection.execute("SELECT count(*) FROM exchanges WHERE run = ?", (run,)).fetchone()[0])


def _whole(connection: sqlite3.Connection, home: Home, key: int, why: str) -> RunToGo:
    run_id, kind, title, last_at = connection.execute(
        "SELECT id, kind, title, last_at FROM runs WHERE seq = ?", (key,)
    ).fetchone()
    folders = tuple(measure(path) for path in run_folders(home, run_id))
    return RunToGo(
        key=key, id=run_id, kind=kind, title=title, last_at=last_at, exchanges=_count(connection, key),
        folders=folders, why=why,
    )  # fmt: skip


def _ids(connection: sqlite3.Connection) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute("SELECT id, seq FROM runs WHERE kind <> 'session'")}


def _bodies(
    connection: sqlite3.Connection,
    policy: PrunePolicy,
    now: int,
    loose: set[int],
    doomed: dict[int, str],
    held: set[int],
) -> list[int]:
    if policy.bodies_age is None:
        return []
    before = max(0, now - policy.bodies_age) << SEQ_SHIFT
    rows = connection.execute(
        "SELECT DISTINCT e.seq, e.run, e.session FROM exchanges AS e JOIN bodies AS b ON b.exchange = e.seq"
        " WHERE e.seq < ? AND b.chunks IS NOT NULL AND NOT e.pinned AND e.state <> 'running' LIMIT ?",
        (before, _AT_ONCE),
    )
    kept = held | set(doomed)
    return [seq for seq, run, session in rows if seq not in loose and run not in kept and session not in held]


def _folders(
    home: Home, policy: PrunePolicy, now: int, alive: dict[str, int], gone: set[str], held: set[int]
) -> list[Found]:
    found = []
    for path in all_run_folders(home):
        key = alive.get(path.name)
        if path.name in gone or key in held:
            continue
        if key is None:
            item = measure(path)
            if item.changed < now / 1e6 - _ORPHAN_S:
                found.append(item)
        elif path.parent == home.generated and policy.generated_age is not None:
            item = measure(path)
            if item.changed < (now - policy.generated_age) / 1e6:
                found.append(item)
    return found


def _missing(connection: sqlite3.Connection, home: Home, gone: set[str]) -> list[str]:
    rows = connection.execute("SELECT id, path FROM runs WHERE path IS NOT NULL")
    return [run for run, path in rows if run not in gone and not (home.root / Path(path)).exists()]
