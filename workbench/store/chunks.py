"""Content-addressed slices as they are written: stored once, indexed once, found again by hash."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.store.compression import PLAIN, ZSTD
from workbench.store.events import Packed, Stream, pack_events
from workbench.store.repeats import pack_repeat
from workbench.store.texts import ANSWER, OTHER, piece_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.store.compression import Codecs

_REMEMBERED = 100_000
"""Hashes kept in memory; about 20 MB."""
_RARE = 256
"""Shorter pieces than this are often said again."""
_CAREFUL = 1_000
"""For so many groups everything is looked up after a guess was wrong: then traffic repeats itself."""
_FIND = "SELECT id, indexed FROM chunks WHERE hash = ?"
_INSERT = (
    "INSERT INTO chunks (id, hash, size, kind, indexed, codec, data, base) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_MERGE_AT = 8
"""Words are merged half as often as with the index's own 4; a search reads a few more parts."""
_ADD_WORDS = "INSERT INTO messages_fts (rowid, text) VALUES (?, ?)"


class Said(msgspec.Struct, frozen=True):
    """An answer, as the next turn of its conversation repeats it; `content` is that of `Codecs.content`."""

    words: str
    chunk: int
    content: bytes


class PieceExists(Exception):
    """A piece that was taken for a new one is in the store already."""


class _New(msgspec.Struct, frozen=True, gc=False):
    """A piece that is written at the end of its group."""

    number: int
    digest: bytes
    piece: bytes
    kind: int
    indexed: int
    repeated: Said | None
    parts: Packed | None


class ChunkTable:
    """The writer's side of the chunks; use it inside a write transaction only.

    It remembers ids by hash. They are only true until somebody deletes chunks, so whoever owns this
    calls `forget` when the store's GC epoch has changed, and after a rollback.
    """

    def __init__(self, connection: sqlite3.Connection, codecs: Codecs) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._codecs = codecs
        self._ids: dict[bytes, int] = {}
        self._order: deque[bytes] = deque()
        """The digests in `_ids`, oldest first."""
        self._uses: list[tuple[int, int]] = []
        self._words: list[tuple[int, str]] = []
        self._new: list[_New] = []
        self._next: int | None = None
        self._guessing = False
        self._careful = 0
        self.answered: Said | None = None
        """The answer that was stored last, if it was new and says something."""

    def forget(self) -> None:
        """Drop what is remembered."""
        self._ids.clear()
        self._order.clear()
        self._uses.clear()
        self._words.clear()
        self._new.clear()
        self._next = None

    def begin(self, *, guessing: bool) -> None:
        """Begin a group. With `guessing`, what is likely new is not looked up, and `flush` or `put` may raise
        PieceExists: then the group is to be rolled back and written once more without.
        """
        self._guessing = guessing and not self._careful
        self._careful = max(0, self._careful - 1)

    def put(
        self,
        piece: bytes,
        kind: int = OTHER,
        *,
        said: Said | None = None,
        stream: Stream | None = None,
        fresh: bool = False,
    ) -> int:
        """Return the id of `piece`, storing and indexing it if it is new, which it likely is when `fresh`.

        Words that repeat `said` are not indexed, and stored as little more than a reference to it. `stream`
        is the piece cut into events, if it is a stream of them.
        """
        digest = hashlib.blake2b(piece, digest_size=16).digest()
        known = self._ids.get(digest)
        if known is None:
            known = self._insert(digest, piece, kind, said, stream, fresh)
            self._remember(digest, known)
        return known

    def _remember(self, digest: bytes, number: int) -> None:
        """Keep an id in place of the oldest one: clearing all at once would make memory a saw's teeth."""
        if len(self._order) >= _REMEMBERED:
            oldest = self._order.popleft()
            if self._new and self._ids[oldest] >= self._new[0].number:
                self.flush()  # what waits is known by its remembered digest alone
            del self._ids[oldest]
        self._ids[digest] = number
        self._order.append(digest)

    def _insert(
        self, digest: bytes, piece: bytes, kind: int, said: Said | None, stream: Stream | None, fresh: bool
    ) -> int:
        words = piece_text(kind, piece) if kind != OTHER else ""
        repeated = said if said is not None and words == said.words else None
        indexed = int(repeated is None) if words else 0
        fresh = fresh and self._guessing and len(piece) >= _RARE
        row = None if fresh else self._cursor.execute(_FIND, (digest,)).fetchone()
        if row is not None:
            if indexed and not row[1]:
                # The same bytes were stored before as something that was not to be found.
                self._connection.execute("UPDATE chunks SET kind = ? WHERE id = ?", (kind, row[0]))
                index_chunk(self._connection, row[0], words)
            return int(row[0])
        number = self._free()
        parts = pack_events(piece, stream) if stream is not None else None
        self._new.append(_New(number, digest, piece, kind, indexed, repeated, parts))
        if indexed:
            self._words.append((number, clean_text(words)))
        if kind == ANSWER and words:
            self.answered = Said(words, number, piece if parts is None else parts.text)
        return number

    def _free(self) -> int:
        """Return the next free id; nobody else can take it before this transaction ends."""
        if self._next is None:
            self._next = int(self._connection.execute("SELECT max(id) FROM chunks").fetchone()[0] or 0)
        self._next += 1
        return self._next

    def _packed(self, new: _New) -> tuple[int, bytes, int | None]:
        """Return codec, data and base as they are stored."""
        if new.repeated is not None:
            data = pack_repeat(new.piece, new.repeated.content)
            if data is not None:
                return PLAIN, data, new.repeated.chunk
            data = self._codecs.compress_like(new.piece, new.repeated.content)
            if data is not None:
                return ZSTD, data, new.repeated.chunk
        if new.parts is not None:
            return (*self._codecs.compress_parts(new.parts), None)
        return (*self._codecs.compress(new.piece), None)

    def use(self, exchange: int, ids: Iterable[int]) -> None:
        """Note that `exchange` brought these chunks into its conversation; `flush` writes it."""
        self._uses += [(chunk, exchange) for chunk in ids]

    def flush(self) -> None:
        """Write new pieces, their words and what `use` noted, before the transaction ends."""
        if self._new:
            # One after the other: the dictionary's tables then stay in the processor's cache.
            rows = [
                (new.number, new.digest, len(new.piece), new.kind, new.indexed, *self._packed(new))
                for new in self._new
            ]
            self._insert_all(rows)
            self._new.clear()
        self._next = None
        if self._words:
            self._connection.executemany(_ADD_WORDS, self._words)
            self._words.clear()
        if self._uses:
            self._connection.executemany(
                "INSERT OR IGNORE INTO uses (chunk, exchange) VALUES (?, ?)", self._uses
            )
            self._uses.clear()

    def _insert_all(self, rows: list[tuple[Any, ...]]) -> None:
        try:
            self._connection.executemany(_INSERT, rows)
        except sqlite3.IntegrityError as error:
            if not self._guessing:
                raise
            self._careful = _CAREFUL
            raise PieceExists from error


def merge_later(connection: sqlite3.Connection) -> None:
    """Let the full-text index gather more of its parts before it merges them; it remembers that."""
    row = connection.execute("SELECT v FROM messages_fts_config WHERE k = 'automerge'").fetchone()
    if row is None or row[0] != _MERGE_AT:
        connection.execute(
            "INSERT INTO messages_fts (messages_fts, rank) VALUES ('automerge', ?)", (_MERGE_AT,)
        )


def index_chunk(connection: sqlite3.Connection, chunk: int, words: str) -> None:
    """Enter a chunk that was not indexed so far into the full-text index."""
    connection.execute("UPDATE chunks SET indexed = 1 WHERE id = ?", (chunk,))
    add_words(connection, chunk, words)


def add_words(connection: sqlite3.Connection, chunk: int, words: str) -> None:
    """Enter the words of a chunk into the full-text index."""
    connection.execute(_ADD_WORDS, (chunk, clean_text(words)))


def clean_text(text: str) -> str:
    """Return text as the index takes it: no lone surrogates, which SQLite can't store, and no NUL."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", " ")
