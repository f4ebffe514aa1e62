"""The packed forms inside blobs: id lists, write timings, headers.

Numbers are LEB128 varints. Chunk ids are stored as zigzag differences, because the chunks of one
conversation were made one after another; times are stored as differences for the same reason.
"""

from __future__ import annotations

import functools
import zlib
from typing import TYPE_CHECKING

import msgspec

from workbench.domain.exchange import Headers, Write

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_HEADERS = msgspec.json.Decoder(Headers)
_DEFLATE_FROM = 96
"""Below this many bytes packing costs more than it saves."""


def _put(out: bytearray, number: int) -> None:
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def _numbers(data: bytes) -> list[int]:
    numbers: list[int] = []
    number = shift = 0
    for byte in data:
        if byte > 0x7F:
            number |= (byte & 0x7F) << shift
            shift += 7
        else:
            numbers.append(number | byte << shift)
            number = shift = 0
    if shift:
        msg = "a number is cut off"
        raise ValueError(msg)
    return numbers


def pack_ids(ids: Iterable[int], last: int = 0) -> bytes:
    """Return `ids` packed; `last` is the id before the first one, for appending to a packed list."""
    out = bytearray()
    for number in ids:
        step = number - last
        last = number
        step = step << 1 if step >= 0 else (-step << 1) - 1
        if step < 0x80:
            out.append(step)
        else:
            _put(out, step)
    return bytes(out)


def unpack_ids(data: bytes) -> list[int]:
    """Return the ids of a packed list. Raises ValueError when it is cut off."""
    ids = []
    last = 0
    for step in _numbers(data):
        last += -((step + 1) >> 1) if step & 1 else step >> 1
        ids.append(last)
    return ids


def pack_writes(writes: Sequence[Write]) -> bytes:
    """Return write lengths and times packed, first all lengths, then all time differences."""
    out = bytearray()
    for write in writes:
        _put(out, write.length)
    last = 0
    for write in writes:
        _put(out, max(0, write.at_us - last))
        last = max(last, write.at_us)
    plain = bytes(out)
    packed = zlib.compress(plain, 6, -15) if len(plain) >= _DEFLATE_FROM else plain
    return b"\1" + packed if len(packed) < len(plain) else b"\0" + plain


def unpack_writes(data: bytes) -> list[Write]:
    """Return what `pack_writes` packed. Raises ValueError when it is damaged."""
    if not data:
        return []
    try:
        numbers = _numbers(zlib.decompress(data[1:], -15) if data[:1] == b"\1" else data[1:])
    except zlib.error as error:
        raise ValueError(str(error)) from None
    half = len(numbers) // 2
    writes = []
    at = 0
    for length, step in zip(numbers[:half], numbers[half:], strict=True):
        at += step
        writes.append(Write(length, at))
    return writes


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
