"""SQLite connections: how they are opened, how their errors become ours, deadlines, transactions."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from workbench.domain.errors import QueryTimeout, StatementFailed, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY_TIMEOUT_MS = 15_000
"""How long a writer waits for another one; every transaction of ours is far shorter."""
CACHE_KIB = 16_384
"""Page cache of one connection."""
_WAL_LIMIT = 64 * 1024 * 1024
_TRY_S = 0.001
_PROGRESS_STEPS = 1_000


def connect_reader(path: Path, cache_kib: int = CACHE_KIB) -> sqlite3.Connection:
    """Open `path` read-only, with a page cache of that size. Raises StoreUnavailable, also when there is no
    such file.

    A folder that can't be written has no room for the shared-memory file of the write-ahead log;
    then the file is opened as immutable, which is right as long as nobody writes, and nobody can.
    """
    if not path.is_file():
        raise StoreUnavailable(f"no store at {path}", hint="workbench router start")
    with translated(path):
        try:
            return _open(_uri(path, "mode=ro"), cache_kib)
        except sqlite3.OperationalError:
            return _open(_uri(path, "mode=ro&immutable=1"), cache_kib)


def _open(uri: str, cache_kib: int) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA query_only=1")
        connection.execute(f"PRAGMA cache_size=-{cache_kib}")
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open `path` for reading and writing, creating file and folder. Raises StoreUnavailable."""
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    # auto_vacuum can only be chosen before the first page is written, and switching to the
    # write-ahead log writes one: this order matters.
    if connection.execute("PRAGMA page_count").fetchone()[0] == 0:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(f"PRAGMA journal_size_limit={_WAL_LIMIT}")
    connection.execute("PRAGMA wal_autocheckpoint=4000")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB * 2}")
    connection.execute("PRAGMA temp_store=MEMORY")
    # Some builds of SQLite overwrite every deleted page; ours do so only where it costs no writing.
    connection.execute("PRAGMA secure_delete=FAST")


def _uri(path: Path, query: str) -> str:
    return f"file:{quote(str(path.absolute()))}?{query}"


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Run the block in one write transaction, taken at once so that it can't fail half way for a lock."""
    begin(connection)
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        roll_back(connection)
        raise


def roll_back(connection: sqlite3.Connection) -> None:
    """Undo the transaction; a full disk or an I/O error may have done so already."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def begin(connection: sqlite3.Connection) -> None:
    """Take the write lock, asking for it every millisecond.

    SQLite's own waiting sleeps longer and longer between two tries, up to 100 ms, and misses the short gaps
    that another process leaves between its transactions.
    """
    connection.execute("PRAGMA busy_timeout=0")
    end = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                time.sleep(_TRY_S)
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


@contextlib.contextmanager
def deadline(connection: sqlite3.Connection, seconds: float | None) -> Iterator[None]:
    """Stop any statement of the block that is still running after `seconds`; raises QueryTimeout."""
    if seconds is None:
        yield
        return
    end = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > end, _PROGRESS_STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_INTERRUPT":
            raise
        raise QueryTimeout(
            f"the query took longer than {seconds:g} s", hint="narrow it, for example with since:1d"
        ) from None
    finally:
        connection.set_progress_handler(None, 0)


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's and the system's errors about `path` into StoreUnavailable with a hint."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise unavailable(error, path) from error
    except OSError as error:
        raise StoreUnavailable(f"the store {path} can't be used: {error.strerror or error}") from error


def unavailable(error: sqlite3.Error, path: Path) -> StoreUnavailable:
    """Return what `error` means for the person who owns `path`."""
    name = getattr(error, "sqlite_errorname", None) or ""
    for start, (message, hint) in _MEANINGS.items():
        if name.startswith(start):
            return StoreUnavailable(f"the store {path} {message} ({error})", hint=hint)
    return StatementFailed(f"the store {path} failed: {error}", hint="workbench store verify")


_MEANINGS: dict[str, tuple[str, str]] = {
    "SQLITE_NOTADB": ("is not a SQLite file", "workbench store verify; to start afresh, move the file aside"),
    "SQLITE_CORRUPT": ("is damaged", "workbench store verify shows which exchanges can still be read"),
    "SQLITE_FULL": ("can't grow: the disk is full", "free some space, or workbench prune --max-size 1GB"),
    "SQLITE_READONLY": ("can't be written", "check the folder's permissions, or use another --home"),
    "SQLITE_CANTOPEN": ("can't be opened", "check the folder's permissions, or use another --home"),
    "SQLITE_BUSY": ("is locked by another process", "try again; workbench doctor shows who uses it"),
    "SQLITE_PROTOCOL": ("is locked by another process", "try again; workbench doctor shows who uses it"),
    "SQLITE_NOMEM": ("can't be used: there is no memory left", "end what takes it, then try again"),
    "SQLITE_IOERR": ("has an input/output error", "check the disk, then workbench store verify"),
}
