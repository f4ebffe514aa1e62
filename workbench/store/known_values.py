"""Values that occur, to be offered while a filter is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.store.filter_keys import KEYS

if TYPE_CHECKING:
    import sqlite3

_INDEXED = ("model", "provider", "tenant", "name")
# One descent of the index for each value that occurs, however many rows have it.
_NEXT = (
    "WITH RECURSIVE found(value) AS (SELECT (SELECT {column} FROM {table} WHERE {column} >= ?"
    " ORDER BY {column} LIMIT 1) UNION ALL SELECT (SELECT {column} FROM {table} WHERE {column} > found.value"
    " ORDER BY {column} LIMIT 1) FROM found WHERE found.value IS NOT NULL LIMIT ?)"
    " SELECT value FROM found WHERE value IS NOT NULL"
)


def known_values(connection: sqlite3.Connection, key: str, prefix: str, limit: int) -> list[str]:
    """Return values of a filter key that begin with `prefix`, in order; empty where they are not indexed."""
    known = KEYS.get(key)
    if known is not None and known.choices:
        return [choice for choice in known.choices if choice.startswith(prefix)][:limit]
    if key in {"tag", "tool"}:
        found = _walk(connection, "labels", "label", f"{key}:{prefix}", limit)
        return [label.removeprefix(f"{key}:") for label in found]
    return _walk(connection, "exchanges", key, prefix, limit) if key in _INDEXED else []


def _walk(connection: sqlite3.Connection, table: str, column: str, prefix: str, limit: int) -> list[str]:
    sql = _NEXT.format(table=table, column=column)
    rows = connection.execute(sql, (prefix, limit)).fetchall()
    return [str(value) for (value,) in rows if str(value).startswith(prefix)]
