"""A copy of the store while it is in use, and what can be saved of a damaged one."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.errors import StoreUnavailable, UsageError
from workbench.store.connection import connect_reader, translated
from workbench.store.migrations import check_version

if TYPE_CHECKING:
    from workbench.domain.exchange import Exchange
    from workbench.store.reader import Reader
    from workbench.store.transfer.copying import Copied


def backup(path: Path, target: Path) -> int:
    """Write a compact copy of the store at `path` to `target`; return its bytes.

    Others may go on writing: the copy is the store as it was at one moment. Nothing is left behind when it
    fails. Raises StoreUnavailable, and UsageError when `target` exists.
    """
    part = _part(target)
    try:
        with contextlib.closing(connect_reader(path)) as connection, translated(path):
            check_version(connection, path)
            connection.execute("PRAGMA query_only=0")
            connection.execute("VACUUM INTO ?", (str(part),))
        _sync(part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


def salvage(path: Path, target: Path, progress: Callable[[int], None] | None = None) -> Copied:
    """Write a new store with all that can still be read of the one at `path`.

    Exchanges that can't be read whole are left out and named. Raises StoreUnavailable when nothing can be
    read, and UsageError when `target` exists.
    """
    from workbench.store.reader import Reader
    from workbench.store.transfer.copying import Copied, import_items, records, with_runs

    part = _part(target)
    read = Copied()
    try:
        with Reader.open(path) as reader:
            found = records(reader, _readable(reader, read, progress), read)
            written = import_items(part, with_runs(reader, found, read))
        written.damaged = read.damaged
        part.replace(target)
    finally:
        for suffix in ("", "-wal", "-shm"):
            part.with_name(part.name + suffix).unlink(missing_ok=True)
    return written


def _readable(reader: Reader, read: Copied, progress: Callable[[int], None] | None) -> Iterator[Exchange]:
    """Yield exchanges oldest first, one by one, stepping over rows that can't be read."""
    with reader.connection() as connection:
        keys = _keys(connection)
    for count, (_, given) in enumerate(keys):
        try:
            exchange = reader.exchange(given)
        except StoreUnavailable as error:
            read.damaged[given] = error.message
            continue
        if progress is not None:
            progress(count)
        yield exchange


def _keys(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    """Return keys and ids from the table, or, where that is hurt, from the index of ids."""
    for source in ("exchanges NOT INDEXED", "exchanges INDEXED BY sqlite_autoindex_exchanges_1"):
        try:
            return sorted(connection.execute(f"SELECT seq, id FROM {source} WHERE id > ''"))
        except sqlite3.DatabaseError:
            continue
    raise StoreUnavailable("no list of exchanges can be read", hint="restore a backup")


def _part(target: Path) -> Path:
    if target.exists():
        raise UsageError(f"{target} exists already", hint="give another file name")
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{target} can't be written: {error.strerror}") from None
    return part


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
