"""Headers, stored as what repeats and what does not.

A client sends the same dozen lines with every request. They are stored once as a set, with null in place of
the values that change each time; an exchange keeps the set's number and those values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from workbench.domain.redaction import redact_headers
from workbench.store.codec import pack_headers, unpack_headers
from workbench.store.numbers import read_varint, varint

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


class _Changing(dict[str, bool]):
    """Which names have a value that changes each time; learnt as they come."""

    def __missing__(self, name: str) -> bool:
        lower = name.lower()
        changes = lower in _CHANGING or lower.startswith(_CHANGING_STARTS)
        if len(self) < _MAX_SETS:
            self[name] = changes
        return changes


class _Set(msgspec.Struct, frozen=True):
    """A known set: its number, None where it is not stored as one, and the names that were redacted."""

    number: int | None
    redacted: tuple[str, ...]


class HeaderSets:
    """The writer's side; use it inside a write transaction only."""

    def __init__(self, connection: sqlite3.Connection, codecs: Codecs, *, redacting: bool) -> None:
        self._connection = connection
        self._codecs = codecs
        self._redacting = redacting
        self._changing = _Changing()
        self._known: dict[tuple[str | tuple[str, str], ...], _Set] = {}

    def forget(self) -> None:
        """Drop what is remembered, after a rollback."""
        self._known.clear()

    def pack(self, headers: Headers) -> tuple[bytes, tuple[str, ...]]:
        """Return what `unpack` reads, and the lower-case names of what was redacted."""
        changing = self._changing
        # A name stands for a line that changes: these are the same in every request of a client.
        key = tuple([line[0] if changing[line[0]] else line for line in headers])
        known = self._known.get(key) or self._learn(key, headers)
        names = known.redacted
        values = [line for line in headers if changing[line[0]]]
        clean, more = self._clean(values) if values else (values, ())
        if more:
            names = tuple(dict.fromkeys((*names, *more)))
        if known.number is None:
            return varint(0) + self._codecs.pack(pack_headers(self._clean(headers)[0])), names
        packed = varint(known.number)
        return (packed + pack_values([value for _, value in clean]) if clean else packed), names

    def _clean(self, headers: Headers) -> tuple[Headers, tuple[str, ...]]:
        return redact_headers(headers) if self._redacting else (headers, ())

    def _learn(self, key: tuple[str | tuple[str, str], ...], headers: Headers) -> _Set:
        clean, _ = self._clean(headers)
        names = self._clean([line for line in key if isinstance(line, tuple)])[1]
        lines = [(name, None if self._changing[name] else value) for name, value in clean]
        known = _Set(self._number(lines), names)
        if len(self._known) >= _MAX_SETS:
            self._known.clear()
        self._known[key] = known
        return known

    def _number(self, lines: list[tuple[str, str | None]]) -> int | None:
        text = pack_headers(lines).decode()
        row = self._connection.execute("SELECT id FROM header_sets WHERE lines = ?", (text,)).fetchone()
        if row is None:
            if self._connection.execute("SELECT count(*) FROM header_sets").fetchone()[0] >= _MAX_SETS:
                return None
            row = (self._connection.execute("INSERT INTO header_sets (lines) VALUES (?)", (text,)).lastrowid,)
        return int(row[0])


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
