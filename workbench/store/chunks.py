"""Content-addressed slices: stored once, indexed once, found again by hash."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from workbench.store.texts import ANSWER, OTHER, piece_text, text_key

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
        self._uses: list[tuple[int, int]] = []
        self.answered: int | None = None
        """Key of the words of the answer that was stored last."""

    def forget(self) -> None:
        """Drop what is remembered."""
        self._ids.clear()
        self._uses.clear()

    def put(self, piece: bytes, kind: int = OTHER, *, said: int | None = None) -> int:
        """Return the id of `piece`, storing and indexing it if it is new.

        Words with the key `said` are not indexed: the exchange before has just said them.
        """
        digest = hashlib.blake2b(piece, digest_size=16).digest()
        known = self._ids.get(digest)
        if known is None:
            known = self._insert(digest, piece, kind, said)
            if len(self._ids) >= _REMEMBERED:
                self._ids.clear()
            self._ids[digest] = known
        return known

    def _insert(self, digest: bytes, piece: bytes, kind: int, said: int | None) -> int:
        # Most pieces that are not remembered are new: trying to insert saves the look-up before it.
        codec, data = self._codecs.compress(piece)
        words = piece_text(kind, piece) if kind != OTHER else ""
        key = text_key(words) if words else None
        if kind == ANSWER:
            self.answered = key
        indexed = key is not None and key != said
        cursor = self._connection.execute(
            "INSERT INTO chunks (hash, size, codec, kind, indexed, data) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (digest, len(piece), codec, kind, indexed, data),
        )
        if cursor.rowcount:
            number = int(cursor.lastrowid or 0)
            if indexed:
                add_words(self._connection, number, words)
            return number
        number, known = self._connection.execute(
            "SELECT id, indexed FROM chunks WHERE hash = ?", (digest,)
        ).fetchone()
        if indexed and not known:
            # The same bytes were stored before as something that was not to be found.
            self._connection.execute("UPDATE chunks SET kind = ? WHERE id = ?", (kind, number))
            index_chunk(self._connection, number, words)
        return int(number)

    def use(self, exchange: int, ids: Iterable[int]) -> None:
        """Note that `exchange` brought these chunks into its conversation; `flush` writes it."""
        self._uses += [(chunk, exchange) for chunk in ids]

    def flush(self) -> None:
        """Write what `use` noted, before the transaction ends."""
        if self._uses:
            self._connection.executemany(
                "INSERT OR IGNORE INTO uses (chunk, exchange) VALUES (?, ?)", self._uses
            )
            self._uses.clear()


def index_chunk(connection: sqlite3.Connection, chunk: int, words: str) -> None:
    """Enter a chunk that was not indexed so far into the full-text index."""
    connection.execute("UPDATE chunks SET indexed = 1 WHERE id = ?", (chunk,))
    add_words(connection, chunk, words)


def add_words(connection: sqlite3.Connection, chunk: int, words: str) -> None:
    """Enter the words of a chunk into the full-text index."""
    connection.execute("INSERT INTO messages_fts (rowid, text) VALUES (?, ?)", (chunk, clean_text(words)))


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
