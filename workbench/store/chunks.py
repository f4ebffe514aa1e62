"""Content-addressed slices: stored once, indexed once, found again by hash."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from workbench.store.texts import OTHER, piece_text, text_key

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from workbench.store.compression import Codecs

_REMEMBERED = 100_000
"""Hashes kept in memory; about 20 MB."""


class ChunkTable:
    """The writer's side of the chunks; use it inside a write transaction only.

    It remembers ids by hash. They are only true until somebody deletes chunks, so whoever owns this
    calls `forget` when the store's GC epoch has changed, and after a rollback.
    """

    def __init__(self, connection: sqlite3.Connection, codecs: Codecs) -> None:
        self._connection = connection
        self._codecs = codecs
        self._ids: dict[bytes, int] = {}

    def forget(self) -> None:
        """Drop what is remembered."""
        self._ids.clear()

    def put(self, piece: bytes, kind: int = OTHER) -> int:
        """Return the id of `piece`, storing and indexing it if it is new."""
        digest = hashlib.blake2b(piece, digest_size=16).digest()
        known = self._ids.get(digest)
        if known is None:
            row = self._connection.execute("SELECT id FROM chunks WHERE hash = ?", (digest,)).fetchone()
            known = row[0] if row else self._insert(digest, piece, kind)
            if len(self._ids) >= _REMEMBERED:
                self._ids.clear()
            self._ids[digest] = known
        return known

    def _insert(self, digest: bytes, piece: bytes, kind: int) -> int:
        codec, data = self._codecs.compress(piece)
        text = self._text(piece_text(kind, piece)) if kind != OTHER else None
        cursor = self._connection.execute(
            "INSERT INTO chunks (hash, size, codec, kind, text, data) VALUES (?, ?, ?, ?, ?, ?)",
            (digest, len(piece), codec, kind, text, data),
        )
        return int(cursor.lastrowid or 0)

    def _text(self, text: str) -> int | None:
        if not text:
            return None
        key = text_key(text)
        row = self._connection.execute("SELECT id FROM texts WHERE hash = ?", (key,)).fetchone()
        if row:
            return int(row[0])
        number = int(self._connection.execute("INSERT INTO texts (hash) VALUES (?)", (key,)).lastrowid or 0)
        self._connection.execute(
            "INSERT INTO messages_fts (rowid, text) VALUES (?, ?)", (number, clean_text(text))
        )
        return number

    def use(self, exchange: int, ids: Iterable[int]) -> None:
        """Note that `exchange` brought these chunks into its conversation."""
        self._connection.executemany(
            "INSERT OR IGNORE INTO uses (chunk, exchange) VALUES (?, ?)", [(chunk, exchange) for chunk in ids]
        )


def clean_text(text: str) -> str:
    """Return text as the index takes it: no lone surrogates, which SQLite can't store, and no NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", " ")


def read_pieces(connection: sqlite3.Connection, codecs: Codecs, ids: Sequence[int]) -> list[bytes]:
    """Return the bytes of chunks, in the order asked. Raises ValueError when one is gone or damaged."""
    found: dict[int, bytes] = {}
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        marks = ",".join("?" * len(part))
        rows = connection.execute(f"SELECT id, codec, size, data FROM chunks WHERE id IN ({marks})", part)
        for number, codec, size, data in rows:
            found[number] = codecs.decompress(connection, codec, data, size)
    try:
        return [found[number] for number in ids]
    except KeyError as error:
        msg = f"chunk {error.args[0]} is missing"
        raise ValueError(msg) from None
