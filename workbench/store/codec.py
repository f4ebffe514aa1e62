"""The packed forms inside blobs: id lists, headers.

Numbers are LEB128 varints. Chunk ids are stored as zigzag differences, because the chunks of one
conversation were made one after another.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import msgspec

from workbench.domain.exchange import Headers
from workbench.store.numbers import put_varint, read_varints, summed, zigzag

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEADERS = msgspec.json.Decoder(Headers)


def pack_ids(ids: Iterable[int], last: int = 0) -> bytes:
    """Return `ids` packed; `last` is the id before the first one, for appending to a packed list."""
    out = bytearray()
    for number in ids:
        step = number - last
        last = number
        step = zigzag(step)
        if step < 0x80:
            out.append(step)
        else:
            put_varint(out, step)
    return bytes(out)


def unpack_ids(data: bytes) -> list[int]:
    """Return the ids of a packed list. Raises ValueError when it is cut off."""
    return summed(read_varints(data))


def pack_headers(headers: Iterable[tuple[str, str | None]]) -> bytes:
    """Return header lines as compact JSON; what is no valid text (lone surrogates) is replaced."""
    # The same lines come with every request of a client.
    return b"[" + b",".join([_line(name, value) for name, value in headers]) + b"]"


@functools.lru_cache(maxsize=4096)
def _line(name: str, value: str | None) -> bytes:
    return msgspec.json.encode((_text(name), None if value is None else _text(value)))


def _text(value: str) -> str:
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def unpack_headers(data: bytes) -> Headers:
    """Return headers in order. Raises ValueError when the bytes are damaged."""
    return _HEADERS.decode(data)
