"""Read-only connections: one a thread, opened when first needed, closed together."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

from workbench.store.connection import CACHE_KIB, connect_reader, deadline, translated
from workbench.store.migrations import check_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_BEING_MADE_S = 2.0


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
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    def get(self) -> sqlite3.Connection:
        """Return this thread's connection. Raises StoreUnavailable."""
        known: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if known is None:
            known = connect_reader(self.path, self._cache_kib)
            try:
                with translated(self.path):
                    _await_schema(known)
                    check_version(known, self.path)
            except BaseException:
                known.close()
                raise
            with self._lock:
                self._all.append(known)
            self._local.connection = known
        return known

    @contextlib.contextmanager
    def use(self, deadline_s: float | None = None) -> Iterator[sqlite3.Connection]:
        """Give this thread's connection; errors become StoreUnavailable, a late query QueryTimeout."""
        connection = self.get()
        with translated(self.path), deadline(connection, deadline_s):
            yield connection

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
        self._local = threading.local()
