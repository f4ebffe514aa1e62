"""Giving space back without holding anybody up: free pages in steps, the index merged in steps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.store.chunks import add_words
from workbench.store.compression import Codecs
from workbench.store.deletion import sweep
from workbench.store.pace import Pace
from workbench.store.pieces import read_pieces
from workbench.store.texts import piece_text

if TYPE_CHECKING:
    from workbench.store.store import Store

_UNUSED = "SELECT id FROM chunks WHERE id NOT IN (SELECT chunk FROM uses)"
_SWEEP = 200
_PAGES = 1_024
_STEPS = 100_000
_MERGE_PAGES = 500
_TRIES = 20
_AGAIN_S = 0.01


class Compaction(msgspec.Struct, kw_only=True):
    """What `compact` did."""

    unused_chunks: int = 0
    freed_bytes: int = 0
    file_bytes: int = 0
    duration_ms: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the form ``store compact --json`` prints."""
        return msgspec.structs.asdict(self)


def compact(store: Store, *, full: bool = False, index: bool = False) -> Compaction:
    """Take away what nothing uses, merge the search index, give free space back.

    In short steps, while others write. `full` rewrites the file once more and `index` builds the search index
    anew: both keep others from writing, for seconds a gigabyte.
    """
    began = time.monotonic()
    before = store.path.stat().st_size
    done = Compaction(unused_chunks=sweep_unused(store))
    if index:
        rebuild_index(store)
    merge_index(store)
    give_back(store)
    if full:
        with store.exclusive() as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    done.file_bytes = store.path.stat().st_size
    done.freed_bytes = max(0, before - done.file_bytes)
    done.duration_ms = round((time.monotonic() - began) * 1000, 1)
    return done


def sweep_unused(store: Store) -> int:
    """Delete chunks no exchange uses, in short transactions; return how many.

    There are none unless a program of another version, or a hand, has deleted rows.
    """
    codecs = Codecs()
    with store.connection() as connection:
        found = [row[0] for row in connection.execute(_UNUSED)]
    gone = start = 0
    pace = Pace(10, _SWEEP)
    while start < len(found):
        size = pace.size
        with store.change() as connection:
            pace.begin()
            gone += sweep(connection, codecs, set(found[start : start + size]))
        start += size
        pace.end()
    return gone


def rebuild_index(store: Store) -> None:
    """Build the search index anew from the chunks, in one transaction."""
    codecs = Codecs()
    with store.change() as connection:
        connection.execute("INSERT INTO messages_fts (messages_fts) VALUES ('delete-all')")
        rows = connection.execute("SELECT id, kind FROM chunks WHERE indexed ORDER BY id")
        for number, kind in rows:
            try:
                words = piece_text(kind, read_pieces(connection, codecs, [number])[0])
            except ValueError:
                continue  # damaged: verify names it
            add_words(connection, number, words)


def give_back(store: Store, *, at_most: int | None = None) -> int:
    """Return free pages to the disk, step by step; return how many bytes the file shrank by."""
    freed = 0
    pace = Pace(64, _PAGES)
    with store.exclusive() as connection:
        page = int(connection.execute("PRAGMA page_size").fetchone()[0])
    for _ in range(_STEPS):
        with store.exclusive() as connection:
            before = connection.execute("PRAGMA freelist_count").fetchone()[0]
            if not before:
                break
            pace.begin()
            # Through `execute` Python steps the statement once, which frees a single page.
            connection.executescript(f"PRAGMA incremental_vacuum({pace.size})")
            after = connection.execute("PRAGMA freelist_count").fetchone()[0]
        freed += (before - after) * page
        if after >= before or (at_most is not None and freed >= at_most):
            break
        pace.end()
    _write_back(store)
    return freed


def _write_back(store: Store) -> None:
    """Write the log back into the file, which shrinks only then."""
    for _ in range(_TRIES):
        with store.exclusive() as connection:
            _, there, written = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if there == written:
            return
        time.sleep(_AGAIN_S)
    with store.exclusive() as connection:
        # Somebody always writes or reads in between: this one keeps writers waiting, for the little left.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def merge_index(store: Store) -> None:
    """Merge the full-text index step by step, so that what was deleted leaves it."""
    first = True
    pace = Pace(50, _MERGE_PAGES)
    for _ in range(_STEPS):
        with store.change() as connection:
            pace.begin()
            before = connection.total_changes
            pages = -pace.size if first else pace.size
            connection.execute("INSERT INTO messages_fts (messages_fts, rank) VALUES ('merge', ?)", (pages,))
            done = connection.total_changes - before
        first = False
        # FTS5's own measure: fewer than two changes mean that there was nothing left to merge.
        if done < 2:
            return
        pace.end()
