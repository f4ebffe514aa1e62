"""Checkpoints in a thread of their own: committed pages go from the write-ahead log into the file meanwhile.

Inside a commit they make a group wait for the disk. Here the writer goes on; its own checkpoint, which alone
lets the log begin again, comes far later and finds little left to do.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from typing import TYPE_CHECKING

from workbench.domain.errors import StoreUnavailable
from workbench.store.connection import connect_writer

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)
WRITER_PAGES = 12_000
"""Pages in the log at which the writer has to checkpoint itself; about 50 MB."""
_EVERY_S = 0.25


class Checkpoints:
    """Runs until `close`; a failure is only logged, because the writer's own commits will tell."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._due = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="workbench-checkpoints", daemon=True)
        self._thread.start()

    def due(self) -> None:
        """Note that something was committed."""
        self._due.set()

    def close(self) -> None:
        """End the thread, after the checkpoint that is under way."""
        self._ended.set()
        self._due.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            with contextlib.closing(connect_writer(self._path)) as connection:
                self._serve(connection)
        except (StoreUnavailable, sqlite3.Error) as error:
            _log.warning("no checkpoints besides the writer's own: %s", error)

    def _serve(self, connection: sqlite3.Connection) -> None:
        while not self._ended.wait(_EVERY_S):
            self._due.wait()
            self._due.clear()
            if not self._ended.is_set():
                # Passive: it waits for nobody, and nobody for it.
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
