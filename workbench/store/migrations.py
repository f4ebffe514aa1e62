"""Bring a store to this program's schema, or say why not.

A new store is made in one transaction, and each migration of an older one runs in one together with its
record, so a crash leaves either all of it or none. A store that holds data is backed up beside itself before
it is changed.
"""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

from workbench.domain.errors import StoreUnavailable
from workbench.store.connection import transaction
from workbench.store.schema import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Migration = tuple[str, tuple[str, ...]]
_RECORDS = (
    "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) WITHOUT ROWID"
)


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StoreUnavailable unless this program can read the store as it is."""
    version = _version(connection)
    if version > len(MIGRATIONS):
        raise StoreUnavailable(
            f"the store {path} was made by a newer workbench (schema {version}; this one knows "
            f"{len(MIGRATIONS)})",
            hint="upgrade the workbench, or use another --home",
        )
    if version < len(MIGRATIONS):
        raise StoreUnavailable(
            f"the store {path} has schema {version}; this workbench needs {len(MIGRATIONS)}",
            hint="workbench router start, which migrates it after a backup",
        )


def migrate(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration] = MIGRATIONS
) -> Path | None:
    """Apply what is missing; return the backup's path if one was made.

    Raises StoreUnavailable for a newer schema, and for a SQLite file that is not a store.
    """
    version = _version(connection)
    if version == len(migrations):
        return None
    if version == 0:
        _make(connection, path, migrations)
        return migrate(connection, path, migrations)
    if version > len(migrations):
        check_version(connection, path)
    backup = _backup(connection, path, version)
    for number in range(version, len(migrations)):
        _apply(connection, number, *migrations[number])
    return backup


def _make(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    """Make a new store whole: who looks meanwhile sees none of it, and takes no half of it for an old one."""
    with transaction(connection):
        if _version(connection):
            return  # another process was faster
        if _tables(connection) - {"migrations"}:
            raise StoreUnavailable(
                f"{path} is a SQLite file, but not a workbench store", hint="use another --home"
            )
        for number, (name, statements) in enumerate(migrations):
            _run(connection, number, name, statements)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _backup(connection: sqlite3.Connection, path: Path, version: int) -> Path:
    target = path.with_name(f"{path.name}.schema-{version}.bak")
    if not target.exists():
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        part.unlink(missing_ok=True)
        connection.execute("VACUUM INTO ?", (str(part),))
        if _version(connection) == version:
            part.replace(target)
        else:
            part.unlink()  # another process was faster, with the backup too
    return target


def _apply(connection: sqlite3.Connection, number: int, name: str, statements: Sequence[str]) -> None:
    with transaction(connection):
        if _version(connection) == number:  # else another process was faster
            _run(connection, number, name, statements)


def _run(connection: sqlite3.Connection, number: int, name: str, statements: Sequence[str]) -> None:
    connection.execute(_RECORDS)
    for statement in statements:
        connection.execute(statement)
    connection.execute("INSERT INTO migrations VALUES (?, datetime('now'))", (name,))
    connection.execute(f"PRAGMA user_version={number + 1}")
