"""Reading runs, their steps, and the sums over their exchanges."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from workbench.store.page import Cursor, RunPage
from workbench.store.rows import RUN_SELECT, STEP_COLUMNS, read_run, read_step

if TYPE_CHECKING:
    import sqlite3

    from workbench.domain.run import Run, Step

SESSION_OPEN_US = 30 * 60 * 1_000_000
"""A session without a new turn for this long counts as closed."""


def list_runs(
    connection: sqlite3.Connection,
    *,
    kind: str | None = None,
    status: str | None = None,
    before: Cursor | None = None,
    limit: int = 50,
) -> RunPage:
    """Return a page of runs, newest first."""
    terms: list[str] = []
    values: list[Any] = []
    if kind is not None:
        terms.append("r.kind = ?")
        values.append(kind)
    if status is not None:
        term, more = _status(status)
        terms.append(term)
        values += more
    if before is not None:
        terms.append("(r.started_at, r.id) < (?, ?)")
        values += [before.started_at, before.id]
    where = f" WHERE {' AND '.join(terms)}" if terms else ""
    rows = connection.execute(
        f"{RUN_SELECT}{where} ORDER BY r.started_at DESC, r.id DESC LIMIT ?", [*values, limit + 1]
    ).fetchall()
    items = [whole_run(connection, row) for row in rows[:limit]]
    return RunPage(items, Cursor.of(items[-1]) if len(rows) > limit else None)


def _status(status: str) -> tuple[str, list[Any]]:
    limit = time.time_ns() // 1000 - SESSION_OPEN_US
    if status == "open":
        return "r.kind = 'session' AND r.last_at >= ?", [limit]
    if status == "closed":
        return "r.kind = 'session' AND r.last_at < ?", [limit]
    return "r.status = ?", [status]


def whole_run(connection: sqlite3.Connection, row: tuple[Any, ...]) -> Run:
    """Return the run of a row of `RUN_SELECT`, with its sums."""
    run = read_run(row)
    seq, last_at = row[0], row[1]
    sums = connection.execute(
        "SELECT count(*), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),"
        f" coalesce(sum(cost_usd), 0.0) FROM exchanges WHERE {_members(run)}",
        (seq,),
    ).fetchone()
    run.exchanges, run.input_tokens, run.output_tokens, run.cost_usd = sums
    if run.kind == "session":
        run.status = "open" if time.time_ns() // 1000 - last_at < SESSION_OPEN_US else "closed"
    return run


def _members(run: Run) -> str:
    # One row can name a run both ways (X-Workbench-Run with a session's id), so sessions look at both.
    return "session = ? " if run.kind == "session" else "run = ?"


def list_steps(connection: sqlite3.Connection, seq: int, run_id: str) -> list[Step]:
    """Return the steps of a run, in order."""
    rows = connection.execute(
        f"SELECT {', '.join(STEP_COLUMNS)}, detail FROM steps WHERE run = ? ORDER BY seq", (seq,)
    )
    return [read_step(run_id, row) for row in rows]
