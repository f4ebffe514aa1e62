"""A message that repeats an answer, as what stands before and behind a copy out of that answer.

The next turn of a conversation sends the answer back inside a message of its own. Mostly the words stand
there byte for byte; naming their place costs far less than compressing the message.
"""

from __future__ import annotations

from typing import Literal

from workbench.store.numbers import read_varint, varint

_Order = Literal["little", "big"]

_PROBE = 24
_CONTENT = b'"content":"'
_LEAST = 64
_EDGE = 64
_GAIN = 8


def pack_repeat(data: bytes, model: bytes) -> bytes | None:
    """Return `data` as a copy out of `model` with its edges; None if that does not save much."""
    size = len(data)
    if size < _LEAST:
        return None
    start = data.find(_CONTENT) + len(_CONTENT)
    end = data.rfind(b'"')
    place = model.find(data[start:end]) if start < end else -1
    if place < 0:
        start, end, place = _longest(data, model)
    else:
        # Role and key often stand before the words in both.
        more = _same_end(data[max(0, start - _EDGE) : start], model[max(0, place - _EDGE) : place])
        start, place = start - more, place - more
    if (start + size - end) * _GAIN > size:
        return None
    return varint(start) + data[:start] + varint(place) + varint(end - start) + data[end:]


def _longest(data: bytes, model: bytes) -> tuple[int, int, int]:
    """Return start and end of what is repeated around the middle of `data`, and where that is in `model`."""
    middle = len(data) // 2
    found = model.find(data[middle : middle + _PROBE])
    if found < 0:
        return middle, middle, 0
    before = _same_end(data[:middle], model[max(0, found - middle) : found])
    behind = _same_start(data[middle:], model[found : found + len(data) - middle])
    return middle - before, middle + behind, found - before


def unpack_repeat(packed: bytes, model: bytes) -> bytes:
    """Return what `pack_repeat` packed. Raises ValueError when it is damaged."""
    before, at = read_varint(packed, 0)
    head = packed[at : at + before]
    place, at = read_varint(packed, at + before)
    length, at = read_varint(packed, at)
    copy = model[place : place + length]
    if len(head) != before or len(copy) != length:
        msg = "it repeats more than there is"
        raise ValueError(msg)
    return head + copy + packed[at:]


def _same_start(one: bytes, other: bytes) -> int:
    """Return how many bytes at the start are equal."""
    size = min(len(one), len(other))
    return _equal_low_bytes(one[:size], other[:size], "little", size)


def _same_end(one: bytes, other: bytes) -> int:
    """Return how many bytes at the end are equal."""
    size = min(len(one), len(other))
    return _equal_low_bytes(one[len(one) - size :], other[len(other) - size :], "big", size)


def _equal_low_bytes(one: bytes, other: bytes, order: _Order, size: int) -> int:
    # As whole numbers, millions of bytes are compared in one step.
    differs = int.from_bytes(one, order) ^ int.from_bytes(other, order)
    return ((differs & -differs).bit_length() - 1) // 8 if differs else size
