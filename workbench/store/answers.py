"""How answers, and the attempts' own bytes, become chunks."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from workbench.domain.exchange import Write
from workbench.domain.redaction import Span, find, find_streamed, redact, replace
from workbench.store.codec import pack_ids
from workbench.store.events import is_stream, split_stream
from workbench.store.headers import HeaderSets
from workbench.store.texts import ANSWER, OTHER
from workbench.store.timing import pack_writes

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from workbench.domain.exchange import Headers
    from workbench.store.chunks import ChunkTable
    from workbench.store.compression import Codecs
    from workbench.store.operations import AttemptRecord, Finish
    from workbench.store.pending import PendingRows

REQUEST, RESPONSE = 0, 1
"""`bodies.part`; attempt n has 2n and 2n + 1."""


class AnswerBodies:
    """Stores answers; use it inside a write transaction only."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        chunks: ChunkTable,
        codecs: Codecs,
        rows: PendingRows,
        *,
        redacting: bool,
    ) -> None:
        self._chunks = chunks
        self._rows = rows
        self._sets = HeaderSets(connection, codecs, redacting=redacting)
        self._redacting = redacting

    def forget(self) -> None:
        """Drop what is remembered, after a rollback."""
        self._sets.forget()

    def clean(self, data: bytes, writes: Sequence[Write]) -> tuple[bytes, Sequence[Write], tuple[str, ...]]:
        """Return bytes and writes as they may be stored, and the names of what was replaced.

        The writes' lengths still add up to the bytes: what stands for a secret counts to the write in which
        the secret began.
        """
        look = find_streamed if is_stream(data) else find
        spans = look(data) if self._redacting else []
        if not spans:
            return data, writes, ()
        names = tuple(dict.fromkeys(span.name for span in spans))
        return replace(data, spans), _shortened(writes, spans), names

    def headers(self, headers: Headers) -> tuple[bytes, tuple[str, ...]]:
        """Return headers packed for storing, and the names of those that were replaced."""
        return self._sets.pack(headers)

    def store(self, seq: int, finish: Finish) -> tuple[str, ...]:
        """Store the answer and the attempts' bytes; return what was redacted in bodies.

        Sets `response_bytes` of the exchange to the size that is stored.
        """
        data, writes, names = self.clean(finish.body, finish.writes)
        finish.exchange.response_bytes = len(data)
        headers, _ = self.headers(finish.headers)
        self._put(seq, RESPONSE, data, ANSWER, headers, writes)
        for record in finish.attempts:
            names += self._attempt(seq, record)
        return tuple(dict.fromkeys(names))

    def put_partial(self, seq: int, data: bytes, writes: Sequence[Write]) -> None:
        """Store what had arrived of an answer that never ended; it was cleaned when it was flushed."""
        self._put(seq, RESPONSE, data, ANSWER, None, writes)

    def _attempt(self, seq: int, record: AttemptRecord) -> tuple[str, ...]:
        names: tuple[str, ...] = ()
        for body, side in ((record.request, REQUEST), (record.response, RESPONSE)):
            if body is not None:
                clean, found = redact(body) if self._redacting else (body, ())
                names += found
                self._put(seq, 2 * record.attempt.number + side, clean, OTHER, None, ())
        return names

    def _put(
        self, seq: int, part: int, data: bytes, kind: int, headers: bytes | None, writes: Sequence[Write]
    ) -> None:
        stream = split_stream(data)
        ids = [self._chunks.put(data, kind, stream=stream, fresh=kind == ANSWER)] if data else []
        timing = pack_writes(writes, stream) if writes else None
        row = (seq, part, len(data), zlib.crc32(data), pack_ids(ids) if ids else None, headers, timing)
        self._rows.body(row)
        self._chunks.use(seq, ids)


def _shortened(writes: Sequence[Write], spans: Sequence[Span]) -> list[Write]:
    """Return the writes with lengths as they are after `spans` were replaced."""
    lengths = [write.length for write in writes]
    starts: list[int] = []
    total = 0
    for length in lengths:
        starts.append(total)
        total += length
    for span in spans:
        first = True
        for index, start in enumerate(starts):
            inside = min(span.end, start + writes[index].length) - max(span.start, start)
            if inside <= 0:
                continue
            lengths[index] += (len(span.replacement) if first else 0) - inside
            first = False
    return [Write(length, write.at_us) for length, write in zip(lengths, writes, strict=True)]
