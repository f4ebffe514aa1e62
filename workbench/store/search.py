"""Pages of exchanges that match a filter, their count, and the lines around hits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.domain.errors import QueryTimeout
from workbench.store.compile import Condition, condition
from workbench.store.connection import deadline
from workbench.store.page import Cursor
from workbench.store.rows import SELECT, SEQ_SHIFT

if TYPE_CHECKING:
    import sqlite3

    from workbench.store.compression import Codecs
    from workbench.store.filter import Filter

Row = tuple[Any, ...]


def page(
    connection: sqlite3.Connection,
    codecs: Codecs,
    wanted: Filter,
    *,
    before: Cursor | None,
    after: Cursor | None,
    limit: int,
) -> tuple[list[Row], bool]:
    """Return rows of `SELECT`, newest first, and whether there are more in the direction asked."""
    where = condition(wanted.root)
    terms, values = [where.sql], list(where.values)
    if before is not None:
        terms.append("e.seq < ?")
        values.append(place(connection, before))
    if after is not None:
        terms.append("e.seq > ?")
        values.append(place(connection, after))
    # Newer ones are read upwards from the place, so that a list grows without a gap.
    order = "ASC" if after is not None else "DESC"
    rows = connection.execute(
        f"{SELECT} WHERE {' AND '.join(terms)} ORDER BY e.seq {order} LIMIT ?", [*values, limit + 1]
    ).fetchall()
    more = len(rows) > limit
    rows = rows[:limit]
    return (rows[::-1] if after is not None else rows), more


def place(connection: sqlite3.Connection, cursor: Cursor) -> int:
    """Return the row key at a cursor; where its exchange is gone, the moment's first."""
    row = connection.execute("SELECT seq FROM exchanges WHERE id = ?", (cursor.id,)).fetchone()
    return int(row[0]) if row else cursor.started_at << SEQ_SHIFT


def count(
    connection: sqlite3.Connection, _codecs: Codecs, wanted: Filter, deadline_s: float | None
) -> int | None:
    """Return how many exchanges match, None if it took too long."""
    where: Condition = condition(wanted.root)
    try:
        with deadline(connection, deadline_s):
            row = connection.execute(f"SELECT count(*) FROM exchanges AS e WHERE {where.sql}", where.values)
            return int(row.fetchone()[0])
    except QueryTimeout:
        return None
