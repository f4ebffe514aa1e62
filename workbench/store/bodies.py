"""Reading bodies back: exact bytes, proven by their checksum."""

from __future__ import annotations

import sqlite3
import zlib
from typing import TYPE_CHECKING

from workbench.domain.errors import BodyDamaged
from workbench.store.codec import unpack_ids
from workbench.store.headers import unpack
from workbench.store.interrupted import read_partials
from workbench.store.pieces import read_pieces
from workbench.store.timing import unpack_writes

if TYPE_CHECKING:
    from workbench.domain.exchange import Headers, Side, Write
    from workbench.store.compression import Codecs

_HINT = "workbench store verify lists what is damaged"


def part_of(side: Side, attempt: int = 0) -> int:
    """Return the number under which a side of the exchange, or of one of its attempts, is stored."""
    return 2 * attempt + (side == "response")


def read_body(
    connection: sqlite3.Connection, codecs: Codecs, seq: int, part: int, *, exchange: str
) -> bytes | None:
    """Return the stored bytes, or None when there are none of that part. Raises BodyDamaged."""
    row = connection.execute(
        "SELECT size, crc, chunks FROM bodies WHERE exchange = ? AND part = ?", (seq, part)
    ).fetchone()
    try:
        if row is None:
            return read_partials(connection, codecs, seq)[0] or None if part == 1 else None
        size, crc, packed = row
        if packed is None:
            if size:
                raise ValueError("its bytes were pruned")
            return b""
        body = b"".join(read_pieces(connection, codecs, unpack_ids(packed)))
    except (ValueError, sqlite3.DatabaseError) as error:
        raise BodyDamaged(_damage(exchange, part, str(error)), exchange=exchange, hint=_HINT) from error
    if len(body) != size or zlib.crc32(body) != crc:
        raise BodyDamaged(_damage(exchange, part, "the checksum differs"), exchange=exchange, hint=_HINT)
    return body


def _damage(exchange: str, part: int, what: str) -> str:
    side = "response" if part % 2 else "request"
    attempt = f" of attempt {part // 2}" if part > 1 else ""
    return f"the {side} body{attempt} of {exchange} can't be read: {what}"


def read_headers(
    connection: sqlite3.Connection, codecs: Codecs, seq: int, part: int, *, exchange: str
) -> Headers:
    """Return the headers of one side; none when none were stored. Raises BodyDamaged."""
    row = connection.execute(
        "SELECT headers FROM bodies WHERE exchange = ? AND part = ?", (seq, part)
    ).fetchone()
    try:
        return unpack(connection, codecs, row[0]) if row else []
    except ValueError as error:
        raise BodyDamaged(
            f"the headers of {exchange} can't be read: {error}", exchange=exchange, hint=_HINT
        ) from error


def read_writes(connection: sqlite3.Connection, codecs: Codecs, seq: int, *, exchange: str) -> list[Write]:
    """Return the writes of the answer, in order. Raises BodyDamaged."""
    row = connection.execute("SELECT timing FROM bodies WHERE exchange = ? AND part = 1", (seq,)).fetchone()
    try:
        if row is None:
            return read_partials(connection, codecs, seq)[1]
        return unpack_writes(row[0] or b"", lambda: read_body(connection, codecs, seq, 1, exchange=exchange))
    except ValueError as error:
        raise BodyDamaged(
            f"the timing of {exchange} can't be read: {error}", exchange=exchange, hint=_HINT
        ) from error
