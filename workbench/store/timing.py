"""When an answer went to the client: the length and the moment of each write, packed.

A write of a stream is mostly one event, or some whole ones. Then their number is kept instead of the length,
and reading needs the body. Moments are kept to the microsecond, as the gaps between them.

The first byte says the form: 0 and 1 are varints (1: deflated), lengths first, then gaps; 2 is lists of
numbers, lengths and gaps; 3 is lists of numbers, events and gaps.
"""

from __future__ import annotations

import zlib
from itertools import accumulate, pairwise
from operator import sub
from typing import TYPE_CHECKING

from workbench.domain.exchange import Write
from workbench.store.events import split_stream
from workbench.store.numbers import pack_numbers, read_varint, read_varints, unpack_numbers, varint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workbench.store.events import Stream

_PLAIN, _DEFLATED, _LENGTHS, _EVENTS = (bytes((form,)) for form in range(4))
_FEW = 8
"""Fewer writes are kept as varints."""
_MOST = 1_000_000
"""More writes are kept as varints, too: a damaged list of numbers could claim any amount of memory."""
_MOST_BYTES = 64 * 1024 * 1024


def pack_writes(writes: Sequence[Write], stream: Stream | None = None) -> bytes:
    """Return writes packed; with the stream they are the writes of, lengths may be left out."""
    gaps = _gaps(writes)
    lengths = [write.length for write in writes]
    if not _FEW <= len(writes) <= _MOST:
        return _PLAIN + b"".join(map(varint, lengths + gaps))
    counts = _events_each(lengths, stream.lengths()) if stream is not None else None
    if counts is None:
        return _LENGTHS + _two_lists(lengths, gaps)
    return _EVENTS + _two_lists(counts, gaps)


def unpack_writes(data: bytes, body: Callable[[], bytes | None] = lambda: None) -> list[Write]:
    """Return what `pack_writes` packed; `body` is called where lengths were left out.

    Raises ValueError when it is damaged, or the body is not what it was.
    """
    if not data:
        return []
    form = data[:1]
    if form in (_LENGTHS, _EVENTS):
        size, at = read_varint(data, 1)
        lengths, gaps = (unpack_numbers(part, _MOST) for part in (data[at : at + size], data[at + size :]))
        if form == _EVENTS:
            stream = split_stream(body() or b"")
            lengths = _lengths(lengths, stream.lengths() if stream is not None else [])
    else:
        numbers = read_varints(_inflated(data[1:]) if form == _DEFLATED else data[1:])
        lengths, gaps = numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]
    return [Write(length, at) for length, at in zip(lengths, accumulate(gaps), strict=True)]


def needs_body(data: bytes | None) -> bool:
    """Tell whether `unpack_writes` needs the body."""
    return data is not None and data[:1] == _EVENTS


def _gaps(writes: Sequence[Write]) -> list[int]:
    moments = [write.at_us for write in writes]
    gaps = list(map(sub, moments, [0, *moments]))
    if not gaps or min(gaps) >= 0:
        return gaps
    gaps = []
    last = 0
    for write in writes:
        # A clock that went back counts as one that stood still.
        gaps.append(max(0, write.at_us - last))
        last = max(last, write.at_us)
    return gaps


def _two_lists(first: list[int], second: list[int]) -> bytes:
    packed = pack_numbers(first)
    return varint(len(packed)) + packed + pack_numbers(second)


def _events_each(lengths: list[int], events: list[int]) -> list[int] | None:
    """Return of how many whole events each write consists; None when one begins or ends within an event."""
    if lengths == events:
        return [1] * len(lengths)
    ends = {end: number for number, end in enumerate(accumulate(events, initial=0))}
    places = [ends.get(end, -1) for end in accumulate(lengths, initial=0)]
    if -1 in places or places[-1] != len(events):
        return None
    return [after - before for before, after in pairwise(places)]


def _lengths(counts: list[int], events: list[int]) -> list[int]:
    """Return what `_events_each` left out."""
    ends = list(accumulate(events, initial=0))
    try:
        places = [ends[number] for number in accumulate(counts, initial=0)]
    except IndexError:
        places = []
    if not places or places[-1] != ends[-1]:
        msg = "the timing is not that of the body"
        raise ValueError(msg)
    return [end - start for start, end in pairwise(places)]


def _inflated(data: bytes) -> bytes:
    """Return deflated varints."""
    try:
        unpacker = zlib.decompressobj(-15)
        out = unpacker.decompress(data, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if unpacker.unconsumed_tail:
        msg = "the timing is too long"
        raise ValueError(msg)
    return out
