"""What the writer remembers of conversations under way, so that repeated history costs nothing.

An agent sends its whole history with every turn. Comparing the beginning of a body with the last one of
its conversation is one memory comparison; what is equal needs no parsing, no redaction and no hashing.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import OrderedDict
from itertools import accumulate, repeat

import msgspec

from workbench.store.chunks import Said

_WINDOW = 48
_STEP = 1.1
_GRID = tuple(
    sorted({int(place) for place in accumulate(repeat(_STEP, 165), lambda at, step: at * step, initial=64.0)})
)
"""Offsets at which a prefix may be recognised, each a tenth farther than the last, up to 400 MB."""
_PER_KEY = 16
_MAX_BYTES = 64 * 1024 * 1024
_OVERHEAD = 1_200
"""Bytes of memory that a conversation takes besides what it says: its objects and its places in the index."""
_ID_BYTES = 40
"""What an id takes, which is a byte or two when packed: that, its number and its place in a set."""
_MAX_PREFIX = 8 * 1024 * 1024

_Key = tuple[str, str, int, bytes]


class Known(msgspec.Struct, kw_only=True, eq=False):
    """The request of one exchange, cut behind its last message, at `length`, into prefix and `end`.

    Both are the client's bytes, before redaction, and never leave memory. `members` (the chunks), `packed`
    (their ids; `last` is the last one), `crc` and `size` are about what is stored for the prefix, `end_ids`
    and `end_stored` about `end`.
    """

    seq: int
    endpoint: str
    tenant: str
    body: bytes
    length: int
    members: set[int]
    packed: bytes
    last: int
    crc: int
    size: int
    chain: int
    dialogue: bool
    redactions: tuple[str, ...]
    end: bytes
    end_ids: list[int] = []
    end_stored: bytes = b""
    end_redactions: tuple[str, ...] = ()
    answered: Said | None = None
    """What it was answered with, once it was."""

    def weight(self) -> int:
        """Return about how many bytes of memory it takes."""
        said = len(self.answered.content) if self.answered is not None else 0
        return len(self.body) + len(self.end_stored) + said + _ID_BYTES * len(self.packed) + _OVERHEAD

    @property
    def prefix(self) -> memoryview:
        """The body up to the end of its last message; not a copy, since it is long."""
        return memoryview(self.body)[: self.length]


class Conversations:
    """The latest request of each conversation, found by the bytes a new request begins with."""

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._order: OrderedDict[int, Known] = OrderedDict()
        self._places: dict[_Key, list[Known]] = {}

    def forget(self) -> None:
        """Drop everything, because ids may no longer be true."""
        self._order.clear()
        self._places.clear()
        self._bytes = 0

    def find(self, endpoint: str, tenant: str, body: bytes) -> Known | None:
        """Return the longest remembered prefix of `body` of the same endpoint and tenant."""
        for place in range(bisect_right(_GRID, len(body)) - 1, -1, -1):
            at = _GRID[place]
            found = self._places.get((endpoint, tenant, at, body[at - _WINDOW : at]))
            for known in reversed(found or ()):
                if _ends_there(body, known.length) and body.startswith(known.prefix):
                    return known
        return None

    def remember(self, known: Known, instead_of: Known | None) -> None:
        """Keep `known`; the turn it continues is dropped, since a conversation seldom forks."""
        if instead_of is not None:
            self._drop(instead_of)
        key = _key(known)
        if key is None:
            return
        if known.seq in self._order:
            return
        self._order[known.seq] = known
        self._bytes += known.weight()
        place = self._places.setdefault(key, [])
        place.append(known)
        if len(place) > _PER_KEY:
            self._drop(place[0])
        self._make_room()

    def answered(self, seq: int, said: Said | None) -> None:
        """Note what an exchange was answered with; its next turn sends that back as history."""
        known = self._order.get(seq)
        if known is not None:
            self._bytes -= known.weight()
            known.answered = said
            self._bytes += known.weight()
            self._make_room()

    def _make_room(self) -> None:
        """Drop the oldest until the rest fits."""
        while self._bytes > self._max_bytes and self._order:
            self._drop(next(iter(self._order.values())))

    def _drop(self, known: Known) -> None:
        if self._order.pop(known.seq, None) is None:
            return
        self._bytes -= known.weight()
        key = _key(known)
        if key is not None and (place := self._places.get(key)):
            place.remove(known)
            if not place:
                del self._places[key]


def _key(known: Known) -> _Key | None:
    size = known.length
    if size < _GRID[0] or size > _MAX_PREFIX:
        return None
    at = _GRID[bisect_right(_GRID, size) - 1]
    return (known.endpoint, known.tenant, at, known.body[at - _WINDOW : at])


def _ends_there(body: bytes, size: int) -> bool:
    """Tell whether the last message of a prefix is over at `size`, rather than being a longer one's start."""
    return body[size : size + 1] in {b",", b"]", b" ", b"\n", b"\r", b"\t"}


def chain_start(endpoint: str, tenant: str) -> int:
    """Return the chain value of a conversation without messages."""
    return chain_next(0, f"{endpoint}\0{tenant}".encode())


def chain_next(chain: int, canonical: bytes) -> int:
    """Return the chain value after one more message; equal values mean equal messages from the start."""
    digest = hashlib.blake2b(canonical, digest_size=8, salt=chain.to_bytes(8, "big")).digest()
    return int.from_bytes(digest, "big") >> 1
