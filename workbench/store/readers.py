"""Read-only connections: one a thread, opened when first needed, closed together."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from workbench.store.connection import CACHE_KIB, connect_reader, deadline, translated
from workbench.store.migrations import check_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_BEING_MADE_S = 2.0
_BREAK_OFF_S = 1.0


class _Kept(NamedTuple):
    """A thread's connection, and what that thread holds while it reads."""

    connection: sqlite3.Connection
    in_use: threading.RLock


def _await_schema(connection: sqlite3.Connection) -> None:
    """Wait a moment for a store that another process is just making."""
    end = time.monotonic() + _BEING_MADE_S
    while time.monotonic() < end and not connection.execute("PRAGMA user_version").fetchone()[0]:
        time.sleep(0.02)


class Readers:
    """The connections of one `Reader`."""

    def __init__(self, path: Path, cache_kib: int = CACHE_KIB) -> None:
        self.path = path
        self._cache_kib = cache_kib
        self._local = threading.local()
        self._all: list[_Kept] = []
        self._lock = threading.Lock()

    def get(self) -> _Kept:
        """Return this thread's connection. Raises StoreUnavailable."""
        kept: _Kept | None = getattr(self._local, "kept", None)
        if kept is None:
            known = connect_reader(self.path, self._cache_kib)
            try:
                with translated(self.path):
                    _await_schema(known)
                    check_version(known, self.path)
            except BaseException:
                known.close()
                raise
            kept = _Kept(known, threading.RLock())
            with self._lock:
                self._all.append(kept)
            self._local.kept = kept
        return kept

    @contextlib.contextmanager
    def use(self, deadline_s: float | None = None) -> Iterator[sqlite3.Connection]:
        """Give this thread's connection; errors become StoreUnavailable, a late query QueryTimeout."""
        connection, in_use = self.get()
        with in_use, translated(self.path), deadline(connection, deadline_s):
            yield connection

    def close(self) -> None:
        """Close the connections of all threads; what they are reading is broken off."""
        with self._lock:
            for kept in self._all:
                _close(kept)
            self._all.clear()
        self._local = threading.local()


def _close(kept: _Kept) -> None:
    """Close one connection. One that is in use for all our asking stays open: closed under a running query it
    would end the process.
    """
    end = time.monotonic() + _BREAK_OFF_S
    while not kept.in_use.acquire(timeout=0.01):
        kept.connection.interrupt()
        if time.monotonic() > end:
            return
    try:
        kept.connection.close()
    finally:
        kept.in_use.release()
