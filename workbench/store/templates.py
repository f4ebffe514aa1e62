"""What the events of a stream have in common, found by comparing some of them.

Neither JSON nor any dialect is understood here: an event is cut at its quoted strings, events with the same
keys are laid over each other, and where they differ is a hole. What is found is a guess, and nothing but size
depends on it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import compress

_STRING = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*"?)', re.DOTALL)
"""What opens and never closes is a string, too: to start anew at each quote in it would take for ever."""
_DIGITS = re.compile(rb"\d+")
_HEAD = re.compile(rb'.*(?:[:,] |[{}\[\],:"])', re.DOTALL)
_TAIL = re.compile(rb'[{}\[\],:"].*', re.DOTALL)
_SAMPLES = 6
_LONGEST = 16_384
"""Longer events are not looked into: they are whole documents, not steps of one."""
_ROUNDS = 6
_LITTLE = 20
"""A round that finds templates for less than this part of what was left is the last one."""
_FEWEST = 4
"""A template for fewer events than this costs more than it saves."""
_MOST_HOLES = 64
_BARE = 2
"""The length of the shape of an event that has no keys: there is little that could repeat in it."""
MOST_CELLS = 1_000_000
"""Holes of all events together: each costs some 40 bytes of memory while a stream is packed or unpacked."""

Columns = list[list[bytes]]
"""For each hole of a template what stands there, event by event."""


class Template:
    """The bytes around the holes of an event, and the events (by number) that it fits."""

    def __init__(self, literals: list[bytes]) -> None:
        self.literals = literals
        self.numbers: list[int] = []
        self.columns: Columns = []

    @property
    def cells(self) -> int:
        """How many holes its events have together."""
        return len(self.columns) * len(self.numbers)

    def fit(self, events: Sequence[bytes], numbers: list[int], cells: int = MOST_CELLS) -> list[int]:
        """Take those of the numbered events that it fits; return the numbers of the others.

        Takes none if they have more than `cells` holes together.
        """
        first, last = self.literals[0], self.literals[-1]
        start, both = len(first), len(first) + len(last)
        given = [events[number] for number in numbers]
        fits = [event[:start] == first and event.endswith(last) for event in given]
        if min(map(len, given)) < both:
            fits = [one and len(event) >= both for one, event in zip(fits, given, strict=True)]
        mine = list(compress(numbers, fits))
        if not mine or len(mine) * (len(self.literals) - 1) > cells:
            return numbers
        stop = -len(last) or None
        columns: Columns = [[event[start:stop] for event in compress(given, fits)]]
        for literal in self.literals[1:-1]:
            before, found, after = zip(*[rest.partition(literal) for rest in columns.pop()], strict=True)
            columns += [list(before), list(after)]
            if not all(found):
                mine = list(compress(mine, found))
                columns = [list(compress(column, found)) for column in columns]
                if not mine:
                    return numbers
        if len(mine) < _FEWEST:
            return numbers
        self.numbers, self.columns = mine, columns
        if len(mine) == len(numbers):
            return []
        taken = set(mine)
        return [number for number in numbers if number not in taken]


def find_templates(events: Sequence[bytes]) -> list[Template]:
    """Return templates that fit many of the events, each event in one template at most."""
    found: list[Template] = []
    left = [number for number, event in enumerate(events) if len(event) <= _LONGEST]
    for _ in range(_ROUNDS):
        before = len(left)
        if before < _FEWEST:
            break
        for literals in _guesses(events, left):
            template = Template(literals)
            left = template.fit(events, left, MOST_CELLS - sum(one.cells for one in found))
            if template.numbers:
                found.append(template)
        if before - len(left) <= before // _LITTLE:
            break
    return found


def _guesses(events: Sequence[bytes], numbers: list[int]) -> list[list[bytes]]:
    """Return the literals of templates for events from all over the list, the most frequent shape first."""
    shapes: dict[tuple[bytes, ...], list[list[bytes]]] = {}
    for place in sorted({_place(sample, len(numbers)) for sample in range(_SAMPLES)}):
        shape, tokens = _cut(events[numbers[place]])
        if len(shape) > _BARE:
            shapes.setdefault(shape, []).append(tokens)
    groups = sorted((group for group in shapes.values() if len(group) > 1), key=len, reverse=True)
    guesses = [_literals(group) for group in groups]
    return [literals for literals in guesses if 1 < len(literals) <= _MOST_HOLES + 1]


def _place(sample: int, count: int) -> int:
    """Return which of `count` events to look at; not every n-th one, because events may come by turns."""
    return ((2 * sample + 1) * count // (2 * _SAMPLES) + sample * sample) % count


def _cut(event: bytes) -> tuple[tuple[bytes, ...], list[bytes]]:
    """Return an event's shape, and its parts: strings at odd places, what stands between them at even ones.

    The shape is what events must share to be laid over each other: number of parts, beginning, keys.
    """
    tokens = _STRING.split(event)
    keys = [key for key, after in zip(tokens[1::2], tokens[2::2], strict=True) if after[:1] == b":"]
    return (b"%d" % len(tokens), _DIGITS.sub(b"", tokens[0]), *keys), tokens


def _literals(samples: list[list[bytes]]) -> list[bytes]:
    literals: list[bytes] = []
    literal = b""
    for place, values in enumerate(zip(*samples, strict=True)):
        if values.count(values[0]) == len(values):
            literal += values[0]
            continue
        before, after = (b'"', b'"') if place % 2 else _around(values)
        literals.append(literal + before)
        literal = after
    return [*literals, literal]


def _around(values: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return the punctuation that values begin and end with, all of them."""
    before = _HEAD.match(_common(values))
    start = before.end() if before else 0
    after = _TAIL.search(
        _common([value[: start - 1 : -1] if start else value[::-1] for value in values])[::-1]
    )
    return values[0][:start], after[0] if after else b""


def _common(values: Sequence[bytes]) -> bytes:
    """Return what all values begin with."""
    low, high = min(values), max(values)
    for place, byte in enumerate(low):
        if place >= len(high) or high[place] != byte:
            return low[:place]
    return low
