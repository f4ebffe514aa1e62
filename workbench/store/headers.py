"""Headers, stored as what repeats and what does not.

A client sends the same dozen lines with every request. They are stored once as a set, with null in place of
the values that change each time; an exchange keeps the set's number and those values.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import msgspec

from workbench.store.codec import pack_headers, unpack_headers
from workbench.store.compression import read_varint, varint

if TYPE_CHECKING:
    import sqlite3

    from workbench.domain.exchange import Headers
    from workbench.store.compression import Codecs

_MAX_SETS = 5_000
"""With more, somebody's headers change in ways not known here; they are then stored whole."""
_CHANGING = frozenset(
    {
        "content-length", "date", "age", "etag", "expires", "last-modified", "x-request-id",
        "request-id", "traceparent",
        "tracestate", "cf-ray", "idempotency-key", "openai-processing-ms", "x-envoy-upstream-service-time",
        "x-workbench-exchange", "x-workbench-session", "x-workbench-run", "x-workbench-step",
        "x-workbench-replay-of",
        "x-workbench-playback", "x-amzn-requestid", "x-amzn-trace-id", "x-stainless-retry-count",
        "retry-after",
        "x-ds-trace-id", "apim-request-id", "x-cloud-trace-context", "sentry-trace", "baggage",
        "server-timing",
    }
)  # fmt: skip
_CHANGING_STARTS = ("x-ratelimit-", "anthropic-ratelimit-", "x-litellm-")
_LINES = msgspec.json.Decoder(list[tuple[str, str | None]])
_VALUES = msgspec.json.Decoder(list[str])


class HeaderSets:
    """The writer's side; use it inside a write transaction only."""

    def __init__(self, connection: sqlite3.Connection, codecs: Codecs) -> None:
        self._connection = connection
        self._codecs = codecs
        self._known: dict[tuple[tuple[str, str | None], ...], int] = {}

    def forget(self) -> None:
        """Drop what is remembered, after a rollback."""
        self._known.clear()

    def pack(self, headers: Headers) -> bytes:
        """Return what `read_headers` reads."""
        values: list[str] = []
        lines: list[tuple[str, str | None]] = []
        for name, value in headers:
            changing = _changes(name)
            lines.append((name, None if changing else value))
            if changing:
                values.append(value)
        number = self._set(tuple(lines))
        if number is None:
            return varint(0) + self._codecs.pack(pack_headers(headers))
        return varint(number) + (pack_values(values) if values else b"")

    def _set(self, lines: tuple[tuple[str, str | None], ...]) -> int | None:
        known = self._known.get(lines)
        if known is not None:
            return known
        text = pack_headers(lines).decode()
        row = self._connection.execute("SELECT id FROM header_sets WHERE lines = ?", (text,)).fetchone()
        if row is None:
            if self._connection.execute("SELECT count(*) FROM header_sets").fetchone()[0] >= _MAX_SETS:
                return None
            row = (self._connection.execute("INSERT INTO header_sets (lines) VALUES (?)", (text,)).lastrowid,)
        self._known[lines] = int(row[0])
        return self._known[lines]


@functools.lru_cache(maxsize=1024)
def _changes(name: str) -> bool:
    name = name.lower()
    return name in _CHANGING or name.startswith(_CHANGING_STARTS)


def pack_values(values: list[str]) -> bytes:
    """Return the values as JSON, what is no valid text replaced."""
    clean = [value if value.isascii() else value.encode("utf-8", "replace").decode() for value in values]
    return msgspec.json.encode(clean)


def unpack(connection: sqlite3.Connection, codecs: Codecs, blob: bytes | None) -> Headers:
    """Return the headers in order; none for None. Raises ValueError when they are damaged."""
    if not blob:
        return []
    number, at = read_varint(blob, 0)
    if number == 0:
        return unpack_headers(codecs.unpack(connection, blob[at:]))
    row = connection.execute("SELECT lines FROM header_sets WHERE id = ?", (number,)).fetchone()
    if row is None:
        msg = f"header set {number} is missing"
        raise ValueError(msg)
    values = iter(_VALUES.decode(blob[at:]) if at < len(blob) else [])
    try:
        return [(name, next(values) if value is None else value) for name, value in _LINES.decode(row[0])]
    except RuntimeError:
        msg = "a header's value is missing"
        raise ValueError(msg) from None
