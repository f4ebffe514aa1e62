"""Deleting exchanges, their bodies and runs, and exactly those chunks that nothing needs any more.

The rule that makes it safe: every chunk in a body's list is used (`uses`) by the exchange itself or by
one of those it continues (`base`, and so on). When one of those goes, what it brought is handed to the
exchanges that continue it and need it; what is left without a user is deleted, in the same transaction, and
the GC epoch tells other writers to forget the ids they remember.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.errors import BodyDamaged
from workbench.store.bodies import read_writes
from workbench.store.chunks import clean_text, index_chunk
from workbench.store.codec import unpack_ids
from workbench.store.compression import Codecs
from workbench.store.pace import Pace
from workbench.store.pieces import read_pieces
from workbench.store.texts import MESSAGE, piece_text
from workbench.store.timing import needs_body, pack_writes

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence

    from workbench.store.store import Store

_LOOKUP = 500
_AT_ONCE = 5
_TABLES = ("attempts", "bodies", "partials", "labels", "uses")


def delete_exchanges(connection: sqlite3.Connection, codecs: Codecs, seqs: Iterable[int]) -> int:
    """Delete exchanges and what only they need; inside a write transaction. Returns how many chunks went."""
    candidates: set[int] = set()
    # Newest first: a turn that goes together with the ones it continues is not handed anything.
    for seq in sorted(seqs, reverse=True):
        candidates |= _let_go(connection, codecs, seq)
        for table in _TABLES:
            connection.execute(f"DELETE FROM {table} WHERE exchange = ?", (seq,))
        connection.execute("DELETE FROM exchanges WHERE seq = ?", (seq,))
    return sweep(connection, codecs, candidates)


def delete_bodies(connection: sqlite3.Connection, codecs: Codecs, seqs: Iterable[int]) -> int:
    """Delete the bodies of exchanges but keep rows, headers and timing; inside a write transaction."""
    candidates: set[int] = set()
    for seq in sorted(seqs, reverse=True):
        _free_timing(connection, codecs, seq)
        candidates |= _let_go(connection, codecs, seq)
        connection.execute("DELETE FROM uses WHERE exchange = ?", (seq,))
        connection.execute("UPDATE bodies SET chunks = NULL WHERE exchange = ?", (seq,))
    return sweep(connection, codecs, candidates)


def _free_timing(connection: sqlite3.Connection, codecs: Codecs, seq: int) -> None:
    """Store the timing of an answer so that it is read without the body."""
    row = connection.execute("SELECT timing FROM bodies WHERE exchange = ? AND part = 1", (seq,)).fetchone()
    if row is None or not needs_body(row[0]):
        return
    try:
        writes = read_writes(connection, codecs, seq, exchange=str(seq))
    except BodyDamaged:
        return  # verify names it
    connection.execute(
        "UPDATE bodies SET timing = ? WHERE exchange = ? AND part = 1", (pack_writes(writes), seq)
    )


def _speak(connection: sqlite3.Connection, codecs: Codecs, seq: int) -> None:
    """Index what a turn repeated of the answer before it: that answer is about to go."""
    silent = connection.execute(
        "SELECT c.id FROM uses AS u JOIN chunks AS c ON c.id = u.chunk"
        " WHERE u.exchange = ? AND c.kind = ? AND NOT c.indexed",
        (seq, MESSAGE),
    ).fetchall()
    for (chunk,) in silent:
        try:
            words = piece_text(MESSAGE, read_pieces(connection, codecs, [chunk])[0])
        except ValueError:
            continue  # damaged: verify names it
        if words:
            index_chunk(connection, chunk, words)


def _let_go(connection: sqlite3.Connection, codecs: Codecs, seq: int) -> set[int]:
    """Hand what the exchange brought to those that continue it; return the chunks it used."""
    used = {row[0] for row in connection.execute("SELECT chunk FROM uses WHERE exchange = ?", (seq,))}
    children = connection.execute(
        "SELECT e.seq, b.chunks FROM exchanges AS e"
        " LEFT JOIN bodies AS b ON b.exchange = e.seq AND b.part = 0 WHERE e.base = ?",
        (seq,),
    ).fetchall()
    for child, packed in children:
        _speak(connection, codecs, child)
        needed = used.intersection(unpack_ids(packed)) if packed else ()
        connection.executemany(
            "INSERT OR IGNORE INTO uses (chunk, exchange) VALUES (?, ?)", [(chunk, child) for chunk in needed]
        )
        connection.execute(
            "UPDATE exchanges SET base = (SELECT base FROM exchanges WHERE seq = ?) WHERE seq = ?",
            (seq, child),
        )
    return used


def sweep(connection: sqlite3.Connection, codecs: Codecs, candidates: set[int]) -> int:
    """Delete those candidates that no exchange uses, with their words; tell the other writers."""
    unused = [
        chunk
        for chunk in sorted(candidates)
        if connection.execute("SELECT 1 FROM uses WHERE chunk = ? LIMIT 1", (chunk,)).fetchone() is None
    ]
    going = set(unused)
    for chunk in unused:
        _free_those_based_on(connection, codecs, chunk, going)
    # What repeats an answer was made after it, and is read with its help: newest first.
    for chunk in reversed(unused):
        delete_chunk(connection, codecs, chunk)
    tell_writers(connection)
    return len(unused)


def tell_writers(connection: sqlite3.Connection) -> None:
    """Let writers forget the keys they remember; in the transaction that deletes what these lead to."""
    connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'gc_epoch'")


def _free_those_based_on(connection: sqlite3.Connection, codecs: Codecs, chunk: int, going: set[int]) -> None:
    """Store chunks that are read with the help of this one on their own, unless they go too."""
    for (number,) in connection.execute("SELECT id FROM chunks WHERE base = ?", (chunk,)).fetchall():
        if number in going:
            continue
        try:
            codec, data = codecs.compress(read_pieces(connection, codecs, [number])[0])
        except ValueError:
            continue  # damaged already: verify names it
        connection.execute(
            "UPDATE chunks SET codec = ?, data = ?, base = NULL WHERE id = ?", (codec, data, number)
        )


def delete_chunk(connection: sqlite3.Connection, codecs: Codecs, chunk: int) -> None:
    """Delete one chunk, and its words from the index."""
    row = connection.execute("SELECT kind, indexed FROM chunks WHERE id = ?", (chunk,)).fetchone()
    if row is None:
        return
    kind, indexed = row
    words = None
    if indexed:
        try:
            words = piece_text(kind, read_pieces(connection, codecs, [chunk])[0])
        except ValueError:
            words = None  # damaged: the index keeps words that lead nowhere until compact rebuilds it
    connection.execute("DELETE FROM chunks WHERE id = ?", (chunk,))
    if words is not None:
        connection.execute(
            "INSERT INTO messages_fts (messages_fts, rowid, text) VALUES ('delete', ?, ?)",
            (chunk, clean_text(words)),
        )


def _by_conversation(connection: sqlite3.Connection, seqs: Sequence[int]) -> list[int]:
    """Return the keys conversation by conversation, newest turn first.

    So whatever continues an exchange is gone before it, and hardly anything has to be handed over.
    """
    bases: dict[int, int | None] = {}
    for start in range(0, len(seqs), _LOOKUP):
        part = seqs[start : start + _LOOKUP]
        marks = ",".join("?" * len(part))
        bases.update(connection.execute(f"SELECT seq, base FROM exchanges WHERE seq IN ({marks})", part))
    roots: dict[int, int] = {}
    for seq in sorted(seqs):  # a base is older than what continues it
        base = bases.get(seq)
        roots[seq] = roots.get(base, base) if base is not None else seq
    return sorted(seqs, key=lambda seq: (roots[seq], -seq))


def delete_in_batches(
    store: Store, seqs: Sequence[int], *, bodies_only: bool = False, pause_s: float = 0.0
) -> int:
    """Delete many exchanges in short transactions (`Pace`); return how many chunks went.

    What one costs depends on what it shares, which nobody knows before: each transaction takes a few at a
    time until its time is over. `pause_s` is slept after each, where others should have more room.
    """
    remove = delete_bodies if bodies_only else delete_exchanges
    codecs = Codecs()
    chunks = start = 0
    pace = Pace(_AT_ONCE, _AT_ONCE)
    with store.connection() as connection:
        seqs = _by_conversation(connection, seqs)
    while start < len(seqs):
        with store.change() as connection:
            pace.begin()
            codecs.refresh(connection)
            while start < len(seqs):
                chunks += remove(connection, codecs, seqs[start : start + _AT_ONCE])
                start += _AT_ONCE
                if pace.half_over:
                    break
        pace.end(pause_s)
    return chunks


def delete_run(store: Store, run: int, *, files: Callable[[], object] = lambda: None) -> int:
    """Delete a run with its steps and exchanges, then its `files`; return how many chunks went.

    Its row goes last: a stop in the middle can be repeated.
    """
    with store.change() as connection:
        rows = connection.execute(
            "SELECT seq FROM exchanges WHERE run = ? UNION SELECT seq FROM exchanges WHERE session = ?"
            " ORDER BY seq",
            (run, run),
        ).fetchall()
    chunks = delete_in_batches(store, [row[0] for row in rows])
    files()
    with store.change() as connection:
        connection.execute("UPDATE exchanges SET run = NULL WHERE run = ?", (run,))
        connection.execute("UPDATE exchanges SET session = NULL WHERE session = ?", (run,))
        connection.execute("DELETE FROM steps WHERE run = ?", (run,))
        connection.execute("DELETE FROM runs WHERE seq = ?", (run,))
        tell_writers(connection)
    return chunks
