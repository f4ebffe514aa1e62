"""Training the store's own zstd dictionaries, from what it holds.

Small pieces compress badly alone. A dictionary trained on some thousand of them makes them a third smaller;
a second one, trained when there is much more to learn from, replaces the first for what comes later.
"""

from __future__ import annotations

import contextlib
import logging
import random
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

from workbench.domain.errors import StoreUnavailable
from workbench.store.compression import FIRST_DICTIONARY, Codecs, train
from workbench.store.connection import connect_reader, transaction

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)
_DUE = (2_000, 100_000)
"""Chunks in the store at which the first and the second dictionary are trained."""
_SAMPLES = 6_000
_SAMPLE_BYTES = 8_192
_CHECK_S = 1.0


class Trainer:
    """Trains in a thread of its own while the writer goes on; the writer polls it between its groups."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread: threading.Thread | None = None
        self._trained: bytes | None = None
        self._next = 0.0

    def poll(self, connection: sqlite3.Connection) -> None:
        """Store a dictionary that is ready, or start training one that is due."""
        if self._thread is not None:
            if self._thread.is_alive():
                return
            self._thread = None
            if self._trained is not None:
                add_dictionary(connection, self._trained)
                self._trained = None
            return
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _CHECK_S
            if is_due(connection):
                self._thread = threading.Thread(target=self._train, name="workbench-dictionary", daemon=True)
                self._thread.start()

    def _train(self) -> None:
        try:
            with contextlib.closing(connect_reader(self._path)) as connection:
                self._trained = train_dictionary(connection)
        except (StoreUnavailable, sqlite3.Error, ValueError):
            _log.warning("no dictionary could be trained; the next try is later", exc_info=True)


def is_due(connection: sqlite3.Connection) -> bool:
    """Tell whether the store has grown enough for its first or next dictionary."""
    made = int(connection.execute("SELECT count(*) FROM dictionaries").fetchone()[0])
    if made >= len(_DUE):
        return False
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM chunks").fetchone()[0]) >= _DUE[made]


def train_dictionary(connection: sqlite3.Connection) -> bytes | None:
    """Return a dictionary trained on chunks from all over the store, or None if that can't be."""
    codecs = Codecs()
    chance = random.Random(0)
    last = int(connection.execute("SELECT coalesce(max(id), 0) FROM chunks").fetchone()[0])
    samples: list[bytes] = []
    for number in sorted(chance.sample(range(1, last + 1), min(last, _SAMPLES))):
        row = connection.execute(
            "SELECT codec, size, data FROM chunks WHERE id = ? AND base IS NULL", (number,)
        ).fetchone()
        if row is not None:
            samples.append(codecs.content(connection, row[0], row[2], row[1])[:_SAMPLE_BYTES])
    return train(samples)


def add_dictionary(connection: sqlite3.Connection, data: bytes) -> int:
    """Store a dictionary; new chunks use it from now on. Returns its codec number."""
    with transaction(connection):
        newest = connection.execute("SELECT max(id) FROM dictionaries").fetchone()[0]
        number = FIRST_DICTIONARY if newest is None else int(newest) + 1
        connection.execute(
            "INSERT INTO dictionaries (id, created_at, data) VALUES (?, ?, ?)",
            (number, time.time_ns() // 1000, data),
        )
    return number
