"""The regular middle of a streamed answer: events that differ only in what they say.

Of 300 bytes an event some ten are words. Where all events in a row are the same but for the strings of their
deltas, those are cut out with a few fast searches, instead of reading each event.
"""

from __future__ import annotations

import re

import msgspec

DELTA = re.compile(
    rb'"(content|text|delta|arguments|partial_json|reasoning_content|thinking|refusal|obfuscation)":[ ]?'
    rb'"([^"\\]*(?:\\.[^"\\]*)*)"'
)
"""A delta's key, and the string that follows it."""
_STRINGS = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*')
_END = b"\n\n"
_LONGEST = 16_384
_FEWEST = 4
_REMEMBERED = 1024 * 1024


class Frames(msgspec.Struct, frozen=True):
    """A stream as `before`, events of one frame, and `behind`.

    A frame is `literals` with a string's content in each gap; `kinds` are the keys of these strings and
    `columns` what they are, event by event, as it stands in the JSON. Together, in order, these are the
    stream.
    """

    before: bytes
    literals: list[bytes]
    kinds: list[bytes]
    columns: list[list[bytes]]
    behind: bytes

    @property
    def outside(self) -> tuple[bytes, ...]:
        """All that is not in the columns, with each frame once, as it lies between two events."""
        first, *inner, last = self.literals
        return (self.before + first, *inner, last + _END + first, last + self.behind)


def frames(data: bytes) -> Frames | None:
    """Return a stream cut into frames; None when most of it is not that regular.

    What is recorded is asked for several times in a row: the last answer is remembered.
    """
    asked, found = _latest[0]
    if asked is data:
        return found
    found = _cut(data)
    if len(data) <= _REMEMBERED:
        _latest[0] = data, found
    return found


_latest: list[tuple[bytes, Frames | None]] = [(b"", None)]


def _cut(data: bytes) -> Frames | None:
    middle = len(data) // 2
    start, end = data.rfind(_END, 0, middle) + len(_END), data.find(_END, middle)
    if start < len(_END) or not 0 < end - start <= _LONGEST:
        return None
    literals, kinds = _frame(data[start:end])
    if not kinds:
        return None
    head, tail = literals[0], literals[-1]
    events = _events(data)
    fits = [event.startswith(head) and event.endswith(tail) for event in events]
    if sum(fits) < _FEWEST:
        return None
    low = fits.index(True)
    high = fits.index(False, low) if False in fits[low:] else len(fits)
    if True in fits[high:]:
        return None
    size, cut = len(head), -len(tail)
    columns = _columns([event[size:cut] for event in events[low:high]], literals[1:-1])
    if columns is None:
        return None
    before, behind = _END.join([*events[:low], b""]), _END.join([b"", *events[high:]])
    return Frames(before, literals, kinds, columns, behind)


def _events(data: bytes) -> list[bytes]:
    """Return what stands between the ends of events."""
    # Python looks for one byte in half the time that it needs for two.
    lines = data.split(b"\n")
    if len(lines) % 2 and not any(lines[1::2]):
        return lines[::2]
    return data.split(_END)


def _frame(event: bytes) -> tuple[list[bytes], list[bytes]]:
    literals: list[bytes] = []
    kinds: list[bytes] = []
    position = 0
    for match in DELTA.finditer(event):
        literals.append(event[position : match.start(2)])
        kinds.append(match[1])
        position = match.end(2)
    return [*literals, event[position:]], kinds


def _columns(cells: list[bytes], inner: list[bytes]) -> list[list[bytes]] | None:
    """Return the strings of each gap; None unless every cell is strings with `inner` between them."""
    columns = []
    for literal in inner:
        strings, found, cells = map(list, zip(*[cell.partition(literal) for cell in cells], strict=True))
        if not all(found):
            return None
        columns.append(strings)
    columns.append(cells)
    # No string of JSON holds a line's end: between them, it shows whether each is one of its own.
    whole = all(_STRINGS.fullmatch(b"\n".join(strings)) for strings in columns)
    return columns if whole else None
