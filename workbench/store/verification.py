"""Proving a store: is the file sound, is every body whole, does everything refer to what is there.

Damage is named by the exchanges it hurts. A hurt place is stepped over: what can be read is checked.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.domain.errors import BodyDamaged
from workbench.store.bodies import read_body
from workbench.store.codec import unpack_ids
from workbench.store.compression import Codecs
from workbench.store.pieces import read_pieces
from workbench.store.timing import unpack_writes

if TYPE_CHECKING:
    from workbench.store.reader import Reader

Progress = Callable[[int, int], None]
_NAMED = 200
_BATCH = 500


class Verification(msgspec.Struct, kw_only=True):
    """What was checked and found. `problems` are sentences; `damaged` names exchanges that can't be read
    whole.
    """

    exchanges: int = 0
    bodies: int = 0
    chunks: int = 0
    problems: list[str] = []
    damaged: dict[str, str] = {}
    unused_chunks: int = 0
    """Chunks no exchange uses: wasted space, no damage; `compact` takes them away."""
    pruned_bodies: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems and not self.damaged

    def to_json(self) -> dict[str, Any]:
        """Return the form ``store verify --json`` prints."""
        return {"ok": self.sound, **msgspec.structs.asdict(self)}

    def note(self, problem: str) -> None:
        """Add a problem, unless there are very many already."""
        if len(self.problems) < _NAMED:
            self.problems.append(problem)


def verify(reader: Reader, progress: Progress | None = None) -> Verification:
    """Check everything; takes about a minute per gigabyte. Raises StoreUnavailable if nothing can be read."""
    found = Verification()
    with reader.connection() as connection:
        _file(connection, found)
        bad = _chunks(connection, found)
        _bodies(connection, found, bad, progress)
        _references(connection, found)
        _index(connection, found)
    return found


def _file(connection: sqlite3.Connection, found: Verification) -> None:
    try:
        rows = connection.execute("PRAGMA quick_check(20)").fetchall()
    except sqlite3.DatabaseError as error:
        found.note(f"file: {error}")
        return
    for (line,) in rows:
        if line != "ok":
            found.note(f"file: {line}")


def _chunks(connection: sqlite3.Connection, found: Verification) -> set[int]:
    """Unpack every chunk and compare its hash; return the ids of those that are not what they were."""
    codecs = Codecs()
    bad: set[int] = set()
    for rows in _batches(connection, "SELECT id, hash FROM chunks", "id", found):
        for number, digest in rows:
            found.chunks += 1
            try:
                (piece,) = read_pieces(connection, codecs, [number])
            except (ValueError, sqlite3.DatabaseError):
                bad.add(number)
                continue
            if hashlib.blake2b(piece, digest_size=16).digest() != digest:
                bad.add(number)
    if bad:
        found.note(f"chunks: {len(bad)} are damaged")
    return bad


def _batches(
    connection: sqlite3.Connection, select: str, key: str, found: Verification
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield rows in key order, in batches; around a damaged page single rows are tried."""
    last = -1
    while True:
        try:
            rows = connection.execute(
                f"{select} WHERE {key} > ? ORDER BY {key} LIMIT {_BATCH}", (last,)
            ).fetchall()
        except sqlite3.DatabaseError as error:
            rows = list(_singly(connection, select, key, last, last + _BATCH))
            if not rows:
                found.note(f"{select.rsplit(' ', 1)[-1]}: can't be read behind {key} {last}: {error}")
                following = _skip(connection, select, key, last)
                if following is None:
                    return
                last = following
                continue
        if not rows:
            return
        yield rows
        last = rows[-1][0]


def _singly(
    connection: sqlite3.Connection, select: str, key: str, low: int, high: int
) -> Iterator[tuple[Any, ...]]:
    for number in range(low + 1, high + 1):
        try:
            row = connection.execute(f"{select} WHERE {key} = ?", (number,)).fetchone()
        except sqlite3.DatabaseError:
            continue
        if row is not None:
            yield row


def _skip(connection: sqlite3.Connection, select: str, key: str, last: int) -> int | None:
    """Return a key behind the damage from which reading goes on, or None."""
    table = select.rsplit(" ", 1)[-1]
    try:
        top = connection.execute(f"SELECT max({key}) FROM {table}").fetchone()[0]
    except sqlite3.DatabaseError:
        return None
    step = _BATCH
    while top is not None and last + step < top:
        try:
            row = connection.execute(
                f"{select} WHERE {key} > ? ORDER BY {key} LIMIT 1", (last + step,)
            ).fetchone()
        except sqlite3.DatabaseError:
            step *= 2
            continue
        return None if row is None else int(row[0]) - 1
    return None


def _bodies(
    connection: sqlite3.Connection, found: Verification, bad: set[int], progress: Progress | None
) -> None:
    codecs = Codecs()
    total = int(connection.execute("SELECT count(*) FROM exchanges").fetchone()[0])
    for rows in _batches(connection, "SELECT seq, id FROM exchanges", "seq", found):
        for seq, exchange in rows:
            found.exchanges += 1
            _exchange(connection, codecs, seq, exchange, bad, found)
        if progress is not None:
            progress(found.exchanges, total)


def _exchange(
    connection: sqlite3.Connection,
    codecs: Codecs,
    seq: int,
    exchange: str,
    bad: set[int],
    found: Verification,
) -> None:
    try:
        parts = connection.execute(
            "SELECT part, size, chunks, timing FROM bodies WHERE exchange = ?", (seq,)
        ).fetchall()
        for part, size, packed, timing in parts:
            found.bodies += 1
            if packed is None and size:
                found.pruned_bodies += 1
                unpack_writes(timing or b"")
                continue
            if packed is not None and bad.intersection(unpack_ids(packed)):
                found.damaged[exchange] = "one of its chunks is damaged"
                continue
            body = read_body(connection, codecs, seq, part, exchange=exchange)
            unpack_writes(timing or b"", partial(bytes, body or b""))
    except BodyDamaged as error:
        found.damaged[exchange] = error.message
    except (ValueError, sqlite3.DatabaseError) as error:
        found.damaged[exchange] = str(error)


_DANGLING = {
    "bodies without an exchange": (
        "SELECT count(*) FROM bodies WHERE exchange NOT IN (SELECT seq FROM exchanges)"
    ),
    "attempts without an exchange": (
        "SELECT count(*) FROM attempts WHERE exchange NOT IN (SELECT seq FROM exchanges)"
    ),
    "uses without an exchange": "SELECT count(*) FROM uses WHERE exchange NOT IN (SELECT seq FROM exchanges)",
    "uses without a chunk": "SELECT count(*) FROM uses WHERE chunk NOT IN (SELECT id FROM chunks)",
    "labels without an exchange": (
        "SELECT count(*) FROM labels WHERE exchange NOT IN (SELECT seq FROM exchanges)"
    ),
    "steps without a run": "SELECT count(*) FROM steps WHERE run NOT IN (SELECT seq FROM runs)",
    "exchanges of a run that is gone": (
        "SELECT count(*) FROM exchanges WHERE run IS NOT NULL AND run NOT IN (SELECT seq FROM runs)"
    ),
    "exchanges of a session that is gone": (
        "SELECT count(*) FROM exchanges WHERE session IS NOT NULL AND session NOT IN (SELECT seq FROM runs)"
    ),
}


def _references(connection: sqlite3.Connection, found: Verification) -> None:
    for what, sql in _DANGLING.items():
        try:
            number = connection.execute(sql).fetchone()[0]
        except sqlite3.DatabaseError as error:
            found.note(f"{what}: can't be checked: {error}")
            continue
        if number:
            found.note(f"{number} {what}")
    try:
        found.unused_chunks = connection.execute(
            "SELECT count(*) FROM chunks WHERE id NOT IN (SELECT chunk FROM uses)"
        ).fetchone()[0]
    except sqlite3.DatabaseError:
        return


def _index(connection: sqlite3.Connection, found: Verification) -> None:
    """Compare the full-text index with the texts it should hold."""
    try:
        texts = connection.execute(
            "SELECT count(*) FROM chunks WHERE indexed AND id NOT IN (SELECT id FROM messages_fts_docsize)"
        ).fetchone()[0]
        extra = connection.execute(
            "SELECT count(*) FROM messages_fts_docsize WHERE id NOT IN (SELECT id FROM chunks WHERE indexed)"
        ).fetchone()[0]
    except sqlite3.DatabaseError as error:
        found.note(f"search index: {error}")
        return
    if texts:
        found.note(f"search index: {texts} texts are missing (compact --index rebuilds it)")
    if extra:
        found.note(f"search index: {extra} texts are left over (compact --index rebuilds it)")
