"""How a request's body becomes chunks: the known beginning is taken over, the rest is cut and stored."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import msgspec

from workbench.domain.redaction import redact
from workbench.store.codec import pack_ids, unpack_ids
from workbench.store.conversations import Conversations, Known, chain_next, chain_start
from workbench.store.split import Split, attachments, canonical, is_dialogue, split
from workbench.store.texts import MESSAGE, OTHER, PLAIN

if TYPE_CHECKING:
    import sqlite3

    from workbench.domain.exchange import Exchange
    from workbench.store.chunks import ChunkTable

_CONVERSING = ("/v1/chat/completions", "/v1/messages", "/v1/responses")
_LOOKUP = 200


class StoredRequest(msgspec.Struct, kw_only=True):
    """A stored request body: what `bodies` keeps of it, and what the exchange's row learns from it.

    `own` are the chunks this exchange brought into its conversation, `base` the exchange (seq) whose complete
    messages are a strict prefix of this one's.
    """

    size: int = 0
    crc: int = 0
    shared: int = 0
    ids: list[int] = []
    packed: bytes = b""
    base: int | None = None
    context: int | None = None
    redactions: tuple[str, ...] = ()
    known: Known | None = None

    @property
    def own(self) -> list[int]:
        """Ids of the chunks that are not the base's."""
        return self.ids[self.shared :]


class _Build:
    """A stored body under construction, from left to right."""

    def __init__(self, chunks: ChunkTable, *, redacting: bool, known: Known | None = None) -> None:
        self._chunks = chunks
        self._redacting = redacting
        self.ids = list(known.ids) if known else []
        self.packed = known.packed if known else b""
        self.crc = known.crc if known else 0
        self.size = known.size if known else 0
        self.redactions = known.redactions if known else ()
        self._unpacked = len(self.ids)

    def add(self, piece: bytes, kind: int) -> None:
        """Store one piece after the others."""
        if not piece:
            return
        if kind == MESSAGE and (cuts := attachments(piece)):
            bounds = [0, *cuts, len(piece)]
            for index, (start, end) in enumerate(zip(bounds, bounds[1:], strict=False)):
                # Every second piece is the attachment itself: no words, no secrets, often megabytes.
                self._put(piece[start:end], OTHER if index % 2 else MESSAGE, clean=index % 2 == 0)
        else:
            self._put(piece, kind, clean=True)

    def _put(self, piece: bytes, kind: int, *, clean: bool) -> None:
        if not piece:
            return
        if clean and self._redacting:
            piece, found = redact(piece)
            if found:
                self.redactions = tuple(dict.fromkeys((*self.redactions, *found)))
        self.crc = zlib.crc32(piece, self.crc)
        self.size += len(piece)
        self.ids.append(self._chunks.put(piece, kind))

    def pack(self) -> bytes:
        """Return the packed ids so far."""
        last = self.ids[self._unpacked - 1] if self._unpacked else 0
        self.packed += pack_ids(self.ids[self._unpacked :], last)
        self._unpacked = len(self.ids)
        return self.packed


class RequestBodies:
    """Stores request bodies; use it inside a write transaction only."""

    def __init__(self, connection: sqlite3.Connection, chunks: ChunkTable, *, redacting: bool) -> None:
        self._connection = connection
        self._chunks = chunks
        self._redacting = redacting
        self._conversations = Conversations()

    def forget(self) -> None:
        """Drop what is remembered, as `ChunkTable.forget`."""
        self._conversations.forget()

    def store(self, seq: int, exchange: Exchange, body: bytes) -> StoredRequest:
        """Store `body` as the request of the exchange that gets the row `seq`."""
        if exchange.endpoint in _CONVERSING:
            known = self._conversations.find(exchange.endpoint, exchange.tenant, body)
            stored = self._continued(seq, body, known) if known else None
            if stored is not None:
                return stored
        cut = split(body)
        if cut is None:
            return self._whole(body)
        return self._cut(seq, exchange, body, cut)

    def _whole(self, body: bytes) -> StoredRequest:
        build = _Build(self._chunks, redacting=self._redacting)
        build.add(body, PLAIN)
        return _stored(build)

    def _continued(self, seq: int, body: bytes, known: Known) -> StoredRequest | None:
        """Store a body that begins with what is known; None when its end can't be made sense of."""
        position = len(known.prefix)
        rest = body[position:]
        more = rest.lstrip(b" \t\r\n")
        skipped = len(rest) - len(more) + 1 if more.startswith(b",") else 0
        tail = known.head + rest[skipped:]
        cut = split(tail)
        if cut is None or cut.start != len(known.head) or (skipped and not cut.ends):
            return None
        shift = position + skipped - len(known.head)
        ends = [end + shift for end in cut.ends]
        cuts = [place + shift for place in cut.cuts if place > len(known.head)]
        build = _Build(self._chunks, redacting=self._redacting, known=known)
        chain, dialogue = known.chain, known.dialogue
        for end in ends:
            message = canonical(body[position:end])
            chain, dialogue = chain_next(chain, message), dialogue or is_dialogue(message)
            build.add(body[position:end], MESSAGE)
            position = end
        longer = Known(
            seq=seq, endpoint=known.endpoint, tenant=known.tenant, head=known.head, prefix=body[:position],
            ids=list(build.ids), packed=build.pack(), crc=build.crc, size=build.size,
            messages=known.messages + len(ends), chain=chain, dialogue=dialogue, redactions=build.redactions,
        )  # fmt: skip
        _add_rest(build, body, position, cuts)
        stored = _stored(build)
        stored.context = chain if dialogue else None
        stored.known = longer
        if ends and known.dialogue:
            stored.base, stored.shared = known.seq, len(known.ids)
        self._conversations.remember(longer, known if ends else None)
        return stored

    def _cut(self, seq: int, exchange: Exchange, body: bytes, cut: Split) -> StoredRequest:
        build = _Build(self._chunks, redacting=self._redacting)
        position = _add_rest(build, body[: cut.start], 0, cut.cuts)
        chain, dialogue = chain_start(exchange.endpoint, exchange.tenant), False
        chains: list[int] = []
        for end in cut.ends:
            message = canonical(body[position:end])
            chain, dialogue = chain_next(chain, message), dialogue or is_dialogue(message)
            if dialogue:
                chains.append(chain)
            build.add(body[position:end], MESSAGE)
            position = end
        conversing = dialogue and exchange.endpoint in _CONVERSING
        known = Known(
            seq=seq, endpoint=exchange.endpoint, tenant=exchange.tenant, head=body[: cut.start],
            prefix=body[:position], ids=list(build.ids), packed=build.pack(), crc=build.crc, size=build.size,
            messages=len(cut.ends), chain=chain, dialogue=dialogue, redactions=build.redactions,
        )  # fmt: skip
        _add_rest(build, body, position, cut.cuts)
        stored = _stored(build)
        if conversing:
            stored.context, stored.known = chain, known
            stored.base = self._parent(chains[:-1])
            stored.shared = self._shared(stored.base, build.ids)
            self._conversations.remember(known, None)
        return stored

    def _parent(self, chains: list[int]) -> int | None:
        """Return the newest exchange with the longest of these histories."""
        for end in range(len(chains), 0, -_LOOKUP):
            part = chains[max(0, end - _LOOKUP) : end]
            marks = ",".join("?" * len(part))
            rows = self._connection.execute(
                f"SELECT context, max(seq) FROM exchanges WHERE context IN ({marks}) GROUP BY context", part
            )
            found = dict(rows.fetchall())
            for chain in reversed(part):
                if chain in found:
                    return int(found[chain])
        return None

    def _shared(self, base: int | None, ids: list[int]) -> int:
        if base is None:
            return 0
        row = self._connection.execute(
            "SELECT chunks FROM bodies WHERE exchange = ? AND part = 0", (base,)
        ).fetchone()
        theirs = unpack_ids(row[0]) if row and row[0] else []
        count = 0
        for mine, other in zip(ids, theirs, strict=False):
            if mine != other:
                break
            count += 1
        return count


def _add_rest(build: _Build, body: bytes, position: int, cuts: list[int]) -> int:
    """Store `body` from `position` to its end, cut where `cuts` say; return the end."""
    for place in sorted({*cuts, len(body)}):
        if position < place <= len(body):
            build.add(body[position:place], OTHER)
            position = place
    return position


def _stored(build: _Build) -> StoredRequest:
    return StoredRequest(
        size=build.size, crc=build.crc, ids=build.ids, packed=build.pack(), redactions=build.redactions
    )
