"""Reading runs, their steps, and the sums over their exchanges."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from workbench.store.page import Cursor, RunPage
from workbench.store.rows import RUN_SELECT, STEP_COLUMNS, read_run, read_step
from workbench.store.run_filter import SESSION_OPEN_US, of_state, run_condition

if TYPE_CHECKING:
    import sqlite3

    from workbench.domain.run import Run, Step
    from workbench.store.filter import Filter


def list_runs(
    connection: sqlite3.Connection,
    wanted: Filter,
    *,
    kind: str | None = None,
    status: str | None = None,
    before: Cursor | None = None,
    after: Cursor | None = None,
    limit: int = 50,
) -> RunPage:
    """Return a page of runs, newest first: those older than `before`, or the ones just newer than `after`."""
    where = run_condition(wanted.root)
    terms, values = [where.sql], [*where.values]
    if kind is not None:
        terms.append("r.kind = ?")
        values.append(kind)
    if status is not None:
        state = of_state(status)
        terms.append(state.sql)
        values += state.values
    edge = before or after
    if edge is not None:
        terms.append(f"(r.started_at, r.id) {'<' if before else '>'} (?, ?)")
        values += [edge.started_at, edge.id]
    order = "ASC" if after is not None and before is None else "DESC"
    rows = connection.execute(
        f"{RUN_SELECT} WHERE {' AND '.join(terms)} ORDER BY r.started_at {order}, r.id {order} LIMIT ?",
        [*values, limit + 1],
    ).fetchall()
    found = rows[:limit] if order == "DESC" else rows[limit - 1 :: -1]
    items = [whole_run(connection, row) for row in found]
    return RunPage(items, Cursor.of(items[-1]) if len(rows) > limit else None)


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
