"""The answer cache: the same request of the same tenant gets the same bytes. Off unless asked for.

Only whole answers with status 200 are kept, in memory, by exact request bytes; the oldest use goes first.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import msgspec

from workbench.domain.exchange import Headers, Usage
from workbench.routing.config import CacheSettings
from workbench.routing.values import Origin, RouteRequest


class Cached(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that was given before."""

    origin: Origin
    headers: Headers
    stream: bool
    chunks: tuple[bytes, ...]
    """As they were sent; the last one ends the answer."""
    usage: Usage | None
    finish_reason: str | None
    stored_at: float
    """Clock reading."""

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return sum(len(chunk) for chunk in self.chunks)


class AnswerCache:
    """At most `max_mb` of answers, each for `ttl_s` seconds."""

    def __init__(self, settings: CacheSettings) -> None:
        self.settings = settings
        self._entries: OrderedDict[bytes, Cached] = OrderedDict()
        self._size = 0

    def key(self, request: RouteRequest) -> bytes | None:
        """Return the request's key, or None where the cache is off or the client wants a fresh answer."""
        if not self.settings.enabled:
            return None
        for name, value in request.headers:
            if name.lower() == "cache-control" and ("no-cache" in value or "no-store" in value):
                return None
        digest = hashlib.sha256(f"{request.tenant}\0{request.endpoint}\0{request.model}\0".encode())
        digest.update(request.body)
        return digest.digest()

    def get(self, key: bytes, now: float) -> Cached | None:
        """Return the answer kept under `key`, if it is not too old."""
        found = self._entries.get(key)
        if found is None:
            return None
        if now - found.stored_at > self.settings.ttl_s:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return found

    def put(self, key: bytes, answer: Cached) -> None:
        """Keep an answer; make room for it."""
        most = self.settings.max_mb * 1e6
        if answer.size > most / 4:
            return
        if key in self._entries:
            self._drop(key)
        self._entries[key] = answer
        self._size += answer.size
        while self._size > most:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: bytes) -> None:
        self._size -= self._entries.pop(key).size
