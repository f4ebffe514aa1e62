"""Questions in SQL, read-only, with a limit on time and rows."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.domain.errors import StoreUnavailable, UsageError

if TYPE_CHECKING:
    from workbench.store.reader import Reader

_ALLOWED = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
_SHOWN_BYTES = 200
# A value this large is built in one step, which no deadline interrupts.
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 50_000_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
}


class Found(msgspec.Struct, frozen=True):
    """Column names and rows; `more` when rows were left out. Bytes are shown as their beginning in hex."""

    columns: list[str]
    rows: list[list[Any]]
    more: bool


def query(reader: Reader, statement: str, *, limit: int, deadline_s: float) -> Found:
    """Run one SELECT. Raises UsageError for anything else or bad SQL, QueryTimeout at the deadline."""
    with reader.connection(deadline_s) as connection:
        before = {name: connection.setlimit(name, value) for name, value in _LIMITS.items()}
        connection.set_authorizer(_authorize)
        try:
            cursor = connection.execute(statement)
            rows = cursor.fetchmany(limit + 1)
        except sqlite3.DatabaseError as error:
            raise _explained(error) from None
        finally:
            connection.set_authorizer(None)
            for name, value in before.items():
                connection.setlimit(name, value)
    if cursor.description is None:
        raise UsageError(
            "only a SELECT can be run", hint='workbench store sql "SELECT count(*) FROM exchanges"'
        )
    columns = [column[0] for column in cursor.description]
    return Found(columns, [[_shown(value) for value in row] for row in rows[:limit]], len(rows) > limit)


def _authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    if action == sqlite3.SQLITE_FUNCTION and second in {"load_extension", "fts3_tokenizer"}:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA:
        # pragma_table_info and its like read only; settings take an argument we do not allow.
        return (
            sqlite3.SQLITE_OK if first in {"table_info", "table_xinfo", "index_list"} else sqlite3.SQLITE_DENY
        )
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _explained(error: sqlite3.DatabaseError) -> Exception:
    name = error.sqlite_errorname if hasattr(error, "sqlite_errorname") else ""
    if name == "SQLITE_INTERRUPT":
        return error
    if name == "SQLITE_AUTH":
        return UsageError(f"only reading is allowed: {error}", hint="the statement must be one SELECT")
    if name in {"SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR"}:
        return StoreUnavailable(f"the store is damaged: {error}", hint="workbench store verify")
    return UsageError(f"SQL: {error}", hint="docs/store.md describes the tables")


def _shown(value: Any) -> Any:
    if isinstance(value, bytes):
        head = value[:_SHOWN_BYTES].hex()
        return f"x'{head}'" + (
            f" and {len(value) - _SHOWN_BYTES} bytes more" if len(value) > _SHOWN_BYTES else ""
        )
    return value
