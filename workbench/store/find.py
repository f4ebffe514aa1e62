"""Finding an exchange or a run by id or unique prefix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.errors import AmbiguousId, UnknownId
from workbench.domain.ids import EXCHANGE, RUN

if TYPE_CHECKING:
    import sqlite3

_SHOWN = 5


def exchange_key(connection: sqlite3.Connection, given: str) -> tuple[int, str]:
    """Return row key and full id of an exchange. Raises UnknownId or AmbiguousId."""
    return _key(connection, "exchanges", "exchange", EXCHANGE, given)


def run_key(connection: sqlite3.Connection, given: str) -> tuple[int, str]:
    """Return row key and full id of a run, given by id, prefix or name. Raises UnknownId or AmbiguousId."""
    row = connection.execute("SELECT seq, id FROM runs WHERE name = ?", (given,)).fetchone()
    if row and not given.startswith(RUN):
        return int(row[0]), str(row[1])
    return _key(connection, "runs", "run", RUN, given)


def _key(connection: sqlite3.Connection, table: str, kind: str, prefix: str, given: str) -> tuple[int, str]:
    start = given if given.startswith(prefix) else prefix + given
    rows = connection.execute(
        f"SELECT seq, id FROM {table} WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
        (start, start + "\x7f", _SHOWN + 1),
    ).fetchall()
    exact = [row for row in rows if row[1] == start]
    if exact or len(rows) == 1:
        seq, found = (exact or rows)[0]
        return int(seq), str(found)
    if not rows or not given.removeprefix(prefix):
        raise UnknownId(kind, given, hint=f"workbench {kind}s list")
    raise AmbiguousId(given, tuple(row[1] for row in rows[:_SHOWN]))
