"""Which table uses how much of the file."""

from __future__ import annotations

import sqlite3
from typing import Any

_GROUPS = {
    "bodies": ("chunks", "bodies", "partials", "uses", "dictionaries", "header_sets"),
    "search": ("messages_fts",),
    "exchanges": ("exchanges", "attempts", "routes", "labels"),
    "runs": ("runs", "steps"),
}


def space(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return name and bytes of each group of tables with their indexes, largest first; exact.

    Empty where SQLite was built without ``dbstat``. Reads the whole file: about a second a gigabyte.
    """
    try:
        rows = connection.execute(
            "SELECT coalesce(m.tbl_name, d.name), sum(d.pgsize) FROM dbstat AS d"
            " LEFT JOIN sqlite_master AS m ON m.name = d.name WHERE d.aggregate = 1 GROUP BY 1"
        ).fetchall()
    except sqlite3.DatabaseError:
        return []
    sums: dict[str, int] = {}
    for table, size in rows:
        group = _group(str(table))
        sums[group] = sums.get(group, 0) + size
    return [{"name": name, "bytes": size} for name, size in sorted(sums.items(), key=lambda item: -item[1])]


def _group(table: str) -> str:
    for group, tables in _GROUPS.items():
        if table in tables or any(table.startswith(f"{name}_") for name in tables):
            return group
    return "other"
