"""Streamed answers (server-sent events) as templates and what differs between their events.

A streamed answer says little and repeats much: of 300 bytes an event some ten are its own. Here the events
that one template fits become columns: all words of the answer after each other, their lengths, a counter's
steps. The form is exact for any bytes and knows no dialect; what is no stream of events, or gains nothing,
has no such form.

Two parts: `head`, packed numbers; `text`, the bytes that are left, which zstd packs well. Text is: literals,
columns, events that no template fits, and what follows the last event's end.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from itertools import chain, compress, groupby
from operator import not_
from typing import NamedTuple

from workbench.domain.frames import frames
from workbench.store.numbers import (
    differences,
    pack_numbers,
    read_varint,
    summed,
    unpack_numbers,
    varint,
)
from workbench.store.templates import MOST_CELLS, Template, find_templates

ENDS = (b"\n\n", b"\r\n\r\n")
"""What ends an event; the number is stored."""
_STARTS = (b"data:", b"event:", b"id:", b":")
_FORM = 1
_TEXTS, _COUNTER = 0, 1
"""How a column is stored: bytes and their lengths; differences of decimal numbers."""
_FEWEST, _MOST = 8, 200_000
"""Events of a stream that has such a form."""
MAX_STREAM = 64 * 1024 * 1024
_MAX_DIGITS = 18


class Stream(NamedTuple):
    """A stream cut at its events' ends. `end` is a number in `ENDS`; `rest` follows the last end."""

    end: int
    events: list[bytes]
    rest: bytes

    def lengths(self) -> list[int]:
        """Return the bytes of each event with its end, and of the rest if there is one."""
        size = len(ENDS[self.end])
        lengths = [len(event) + size for event in self.events]
        return [*lengths, len(self.rest)] if self.rest else lengths


class Packed(NamedTuple):
    """The two parts of a stream."""

    head: bytes
    text: bytes


def is_stream(body: bytes) -> bool:
    """Tell whether a body begins as a stream of events does."""
    return body[:16].lstrip().startswith(_STARTS)


def split_stream(body: bytes) -> Stream | None:
    """Return a stream cut into events, or None when the body is none or has very many.

    The timing of stored answers relies on it: it must give the same result for ever.
    """
    if not is_stream(body) or len(body) > MAX_STREAM:
        return None
    first = body.find(b"\n\n")
    end = int(body.find(b"\r\n\r\n", 0, first + 1 if first >= 0 else len(body)) >= 0)
    *events, rest = _split(body, end, one_line=end == 0 and b"\n" not in body[:first])
    return Stream(end, events, rest) if len(events) <= _MOST else None


def _split(body: bytes, end: int, *, one_line: bool) -> list[bytes]:
    if one_line:
        # Python looks for one byte in half the time that it needs for two.
        lines = body.split(b"\n", 2 * _MOST + 2)
        if len(lines) % 2 and not any(lines[1::2]):
            return lines[::2]
    return body.split(ENDS[end], _MOST + 1)


def pack_events(body: bytes, stream: Stream) -> Packed | None:
    """Return the two parts of a body, cut into events before, or None where that is not worth while."""
    if len(stream.events) < _FEWEST:
        return None
    templates = _regular(body, stream) or find_templates(stream.events)
    if not templates:
        return None
    packed = _packed(stream, templates)
    if len(packed.text) > len(body) * 15 // 16:
        return None
    try:
        proven = unpack_events(*packed, len(body)) == body
    except ValueError:
        proven = False
    return packed if proven else None


def _regular(body: bytes, stream: Stream) -> list[Template]:
    """Return the one template of a stream that those who looked for secrets and words found regular."""
    regular = frames(body) if stream.end == 0 else None
    if regular is None:
        return []
    template = Template(regular.literals)
    first = regular.before.count(ENDS[0])
    template.numbers = list(range(first, first + len(regular.columns[0])))
    template.columns = regular.columns
    return [template] if 2 * len(template.numbers) > len(stream.events) else []


def _packed(stream: Stream, templates: list[Template]) -> Packed:
    which = _assigned(len(stream.events), templates)
    runs = [(number, len(list(group))) for number, group in groupby(which)]
    others = list(compress(stream.events, map(not_, which)))
    layout = [stream.end, len(templates)]
    text: list[bytes] = []
    for template in templates:
        layout += [len(template.columns), *map(len, template.literals)]
        text += template.literals
    columns: list[list[int]] = []
    for kind, numbers, texts in map(_column, chain.from_iterable(one.columns for one in templates)):
        layout.append(kind)
        columns.append(numbers)
        text += texts
    places = [[run[0] for run in runs], [run[1] for run in runs], list(map(len, others))]
    blocks = [varint(len(block)) + block for block in map(pack_numbers, [layout, *places, *columns])]
    return Packed(bytes((_FORM,)) + b"".join(blocks), b"".join([*text, *others, stream.rest]))


def _assigned(events: int, templates: list[Template]) -> list[int]:
    """Return for each event the number of its template, from 1 on; 0 for those that none fits."""
    which = [0] * events
    for number, template in enumerate(templates, 1):
        low, high = template.numbers[0], template.numbers[-1] + 1
        if high - low == len(template.numbers):
            which[low:high] = [number] * (high - low)
        else:
            for place in template.numbers:
                which[place] = number
    return which


def _column(column: list[bytes]) -> tuple[int, list[int], list[bytes]]:
    """Return how a column is stored, with its numbers and its text."""
    steps = _counted(column)
    return (_TEXTS, list(map(len, column)), column) if steps is None else (_COUNTER, steps, [])


def _counted(column: list[bytes]) -> list[int] | None:
    """Return the differences of a column of plain decimal numbers, or None for another column."""
    if not column[0].isdigit() or not all(column) or not b"".join(column).isdigit():
        return None
    if max(map(len, column)) > _MAX_DIGITS:
        return None
    numbers = list(map(int, column))
    return differences(numbers) if [b"%d" % number for number in numbers] == column else None


def unpack_events(head: bytes, text: bytes, size: int) -> bytes:
    """Return the `size` bytes of a stream. Raises ValueError when its parts are damaged."""
    if head[:1] != bytes((_FORM,)) or size > MAX_STREAM or len(text) > size:
        raise _damaged()
    try:
        body = _unpacked(_Parts(head, text), size)
    except (StopIteration, IndexError):
        raise _damaged() from None
    if len(body) != size:
        raise _damaged()
    return body


class _Parts:
    """Reads numbers and text from left to right. Raises StopIteration at the end of the numbers."""

    def __init__(self, head: bytes, text: bytes) -> None:
        self._blocks = _blocks(head)
        self._text = BytesIO(text)
        self._left = len(text)

    def numbers(self) -> list[int]:
        """Return the next list of numbers."""
        return unpack_numbers(next(self._blocks), _MOST)

    def cut(self, lengths: list[int]) -> list[bytes]:
        """Return the next bytes of the text, as many as each of `lengths` says."""
        self._left -= sum(lengths)
        if self._left < 0:
            raise _damaged()
        return list(map(self._text.read, lengths))

    def column(self, kind: int, count: int) -> list[bytes]:
        """Return the next column."""
        numbers = self.numbers()
        if len(numbers) != count or kind not in (_TEXTS, _COUNTER):
            raise _damaged()
        return self.cut(numbers) if kind == _TEXTS else [b"%d" % number for number in summed(numbers)]

    def rest(self) -> bytes:
        """Return the text that is left."""
        return self._text.read()


def _unpacked(parts: _Parts, size: int) -> bytes:
    layout = iter(parts.numbers())
    end = ENDS[next(layout)]
    runs = list(zip(parts.numbers(), parts.numbers(), strict=True))
    lengths = parts.numbers()
    literals = [parts.cut([next(layout) for _ in range(next(layout) + 1)]) for _ in range(next(layout))]
    counts = _counts(runs, len(literals))
    # Checked before memory is taken for what they would become.
    needed = sum(count * len(b"".join(one)) for one, count in zip(literals, counts[1:], strict=True))
    cells = sum(count * (len(one) - 1) for one, count in zip(literals, counts[1:], strict=True))
    if needed > size or cells > MOST_CELLS:
        raise _damaged()
    woven = []
    for one, count in zip(literals, counts[1:], strict=True):
        columns = [parts.column(next(layout), count) for _ in one[1:]]
        woven.append(_woven([*one[:-1], one[-1] + end], columns, count))
    others = _woven([b"", end], [parts.cut(lengths)], counts[0])
    return _ordered(runs, [others, *woven]) + parts.rest()


def _counts(runs: list[tuple[int, int]], templates: int) -> list[int]:
    """Return how many events each template has; the first number counts those without one."""
    counts = [0] * (templates + 1)
    for number, length in runs:
        counts[number] += length
    if sum(counts) > _MOST:
        raise _damaged()
    return counts


def _woven(literals: list[bytes], columns: list[list[bytes]], count: int) -> tuple[int, list[bytes]]:
    """Return how many pieces an event of a template has, and those of all its events: literals and holes by
    turns.
    """
    if any(len(column) != count for column in columns):
        raise _damaged()
    width = len(literals) + len(columns)
    pieces = [b""] * (width * count)
    for place, literal in enumerate(literals):
        pieces[2 * place :: width] = [literal] * count
    for place, column in enumerate(columns):
        pieces[2 * place + 1 :: width] = column
    return width, pieces


def _ordered(runs: list[tuple[int, int]], woven: list[tuple[int, list[bytes]]]) -> bytes:
    """Return all events in their order."""
    at = [0] * len(woven)
    out: list[bytes] = []
    for number, length in runs:
        width, pieces = woven[number]
        start = at[number]
        at[number] += length * width
        out.append(b"".join(pieces[start : at[number]]))
    return b"".join(out)


def _blocks(head: bytes) -> Iterator[bytes]:
    at = 1
    while at < len(head):
        size, at = read_varint(head, at)
        yield head[at : at + size]
        at += size


def _damaged() -> ValueError:
    return ValueError("a packed stream is damaged")
