"""Chunks as they are read: their bytes again, with the help of those they repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.store.compression import ZSTD
from workbench.store.repeats import unpack_repeat

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from workbench.store.compression import Codecs


def read_pieces(connection: sqlite3.Connection, codecs: Codecs, ids: Sequence[int]) -> list[bytes]:
    """Return the bytes of chunks, in the order asked. Raises ValueError when one is gone or damaged."""
    rows = _rows(connection, ids)
    models = _rows(connection, [row[3] for row in rows.values() if row[3] is not None and row[3] not in rows])
    found: dict[int, bytes] = {}
    for number in ids:
        if number not in found:
            found[number] = _piece(connection, codecs, number, rows, models)
    return [found[number] for number in ids]


_Row = tuple[int, int, bytes, int | None]


def _rows(connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, _Row]:
    """Return codec, size, data and base of chunks by id."""
    wanted = list(dict.fromkeys(ids))
    found: dict[int, _Row] = {}
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        marks = ",".join("?" * len(part))
        select = f"SELECT id, codec, size, data, base FROM chunks WHERE id IN ({marks})"
        found.update({row[0]: row[1:] for row in connection.execute(select, part)})
    return found


def _piece(
    connection: sqlite3.Connection,
    codecs: Codecs,
    number: int,
    rows: dict[int, _Row],
    models: dict[int, _Row],
) -> bytes:
    codec, size, data, base = _row(number, rows, models)
    if base is None:
        return codecs.decompress(connection, codec, data, size)
    model = _content(connection, codecs, base, rows, models)
    return codecs.decompress_like(data, model, size) if codec == ZSTD else unpack_repeat(data, model)


def _content(
    connection: sqlite3.Connection,
    codecs: Codecs,
    number: int,
    rows: dict[int, _Row],
    models: dict[int, _Row],
) -> bytes:
    """Return the content of a chunk that others are read with."""
    codec, size, data, base = _row(number, rows, models)
    if base is None:
        return codecs.content(connection, codec, data, size)
    return _piece(connection, codecs, number, rows, models)


def _row(number: int, rows: dict[int, _Row], models: dict[int, _Row]) -> _Row:
    row = rows.get(number) or models.get(number)
    if row is None:
        msg = f"chunk {number} is missing"
        raise ValueError(msg)
    return row
