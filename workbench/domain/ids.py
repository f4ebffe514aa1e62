"""Time-sortable ids: ``ex_`` or ``run_``, then 10 characters of time and 8 of chance.

Crockford's base 32 in lower case, so that string order is creation order and an id survives being
read aloud. The time part is milliseconds since 1970 (50 bits, enough until the year 37648); the
40 random bits make a clash within one millisecond a matter of one in a million at 1,000 ids.
"""

from __future__ import annotations

import random

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_CHARS = 10
_RANDOM_CHARS = 8

# Seeded by the system once. Ids need not be unguessable, and asking the system for each would give the
# interpreter's lock away in the middle of every request.
_random_bits = random.Random().getrandbits

EXCHANGE = "ex_"
RUN = "run_"


_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)


def _encode(number: int, length: int) -> str:
    """Return `number` in base 32, two digits at a time; `length` is even."""
    out = [_PAIRS[number >> shift & 1023] for shift in range(5 * length - 10, -1, -10)]
    return "".join(out)


def new_id(prefix: str, at_us: int) -> str:
    """Return a new id with `prefix`, for the moment `at_us` (microseconds since 1970, UTC)."""
    return (
        prefix + _encode(at_us // 1000, _TIME_CHARS) + _encode(_random_bits(5 * _RANDOM_CHARS), _RANDOM_CHARS)
    )


def looks_like(prefix: str, text: str) -> bool:
    """Tell whether `text` could be an id of this kind, or the beginning of one."""
    return text.startswith(prefix) and all(char in _ALPHABET for char in text[len(prefix) :])
