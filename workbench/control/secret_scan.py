"""Secrets in files, by the shapes that redaction knows.

In source files a match must also look random: tests and documents are full of keys that were typed, such as
``sk-my-test-key-0123456789``. A line with ``pragma: allowlist secret`` is passed over, as other scanners do.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from pathlib import Path

import msgspec

from workbench.domain.redaction import find

ALLOWED = b"pragma: allowlist secret"
_LEAST_BITS = 3.6
"""Entropy a character of random base 64 of 20 characters and more; typed keys stay below, or have words."""
_LEAST_BITS_HEX = 3.0
_SHORTEST_PRIVATE_KEY = 100
"""Bytes; an Ed25519 key in PEM has 119, a test's mark-up less."""
_WORD = re.compile(rb"(?<![A-Za-z0-9])[a-z]{4,}(?![A-Za-z0-9])")
_HEX = re.compile(rb"[0-9a-f]{32,}")


class Found(msgspec.Struct, frozen=True):
    """A place that looks like a secret; the secret is not in it."""

    line: int
    kind: str


def scan(path: Path, *, every: bool) -> list[Found]:
    """Return what is found in a text file; `every` takes typed-looking keys, too. Binary files have none."""
    try:
        data = path.read_bytes()
    except OSError:
        return []
    if b"\0" in data[:8192]:
        return []
    return [
        Found(data.count(b"\n", 0, span.start) + 1, span.name)
        for span in find(data)
        if every or _is_secret(data, span.start, span.end, span.name)
    ]


def _is_secret(data: bytes, start: int, end: int, kind: str) -> bool:
    line_end = data.find(b"\n", end)
    line = data[data.rfind(b"\n", 0, start) + 1 : line_end if line_end >= 0 else len(data)]
    if ALLOWED in line:
        return False
    if kind == "private_key":
        return end - start >= _SHORTEST_PRIVATE_KEY
    return looks_random(data[start:end])


def looks_random(secret: bytes) -> bool:
    """Tell whether a key was drawn rather than typed.

    Drawn keys hold no lower-case word of their own, and mix upper case, lower case and digits (or are hex).
    """
    if _WORD.search(re.sub(rb"^[a-z]{2,4}-(?:proj|svcacct|admin)?", b"", secret)):
        return False
    if hexes := _HEX.search(secret):
        return _bits(hexes[0]) >= _LEAST_BITS_HEX
    kinds = (rb"[A-Z]", rb"[a-z]", rb"[0-9]")
    return all(re.search(kind, secret[4:]) for kind in kinds) and _bits(secret) >= _LEAST_BITS


def _bits(text: bytes) -> float:
    """Return Shannon's entropy in bits a character."""
    size = len(text)
    return -sum(count / size * math.log2(count / size) for count in Counter(text).values())
