"""Ending an exchange whose router died: what had been flushed becomes its answer."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from workbench.store.timing import unpack_writes

if TYPE_CHECKING:
    import sqlite3

    from workbench.domain.exchange import Write
    from workbench.store.answers import AnswerBodies
    from workbench.store.compression import Codecs

REASON = "the router ended before the answer did"


def read_partials(connection: sqlite3.Connection, codecs: Codecs, seq: int) -> tuple[bytes, list[Write]]:
    """Return what has been flushed of a running answer. Raises ValueError when it is damaged."""
    pieces: list[bytes] = []
    writes: list[Write] = []
    rows = connection.execute(
        "SELECT size, codec, data, timing FROM partials WHERE exchange = ? ORDER BY number", (seq,)
    )
    for size, codec, data, timing in rows:
        pieces.append(codecs.decompress(connection, codec, data, size))
        writes += unpack_writes(timing)
    return b"".join(pieces), writes


def interrupt(connection: sqlite3.Connection, codecs: Codecs, answers: AnswerBodies, seq: int) -> None:
    """Mark the exchange interrupted and fold its partial answer; inside a write transaction."""
    try:
        data, writes = read_partials(connection, codecs, seq)
    except (ValueError, zlib.error):
        data, writes = b"", []
    answers.put_partial(seq, data, writes)
    connection.execute("DELETE FROM partials WHERE exchange = ?", (seq,))
    connection.execute(
        "UPDATE exchanges SET state = 'interrupted', error = coalesce(error, ?), response_bytes = ?"
        " WHERE seq = ?",
        (REASON, len(data), seq),
    )
