"""How a request's body becomes chunks: the known beginning is taken over, the rest is cut and stored."""

from __future__ import annotations

import zlib
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from workbench.domain.redaction import redact
from workbench.store.codec import pack_ids, unpack_ids
from workbench.store.conversations import Conversations, Known, chain_next, chain_start
from workbench.store.split import UNREADABLE, Split, attachments, canonical, ends_of, is_dialogue, split
from workbench.store.texts import MESSAGE, OTHER, PLAIN

if TYPE_CHECKING:
    import sqlite3

    from workbench.domain.exchange import Exchange
    from workbench.store.chunks import ChunkTable, Said

_CONVERSING = ("/v1/chat/completions", "/v1/messages", "/v1/responses")
_LOOKUP = 200
_LIST = msgspec.json.Decoder(list[Raw])


class StoredRequest(msgspec.Struct, kw_only=True):
    """A stored request body: what `bodies` keeps of it, and what the exchange's row learns from it.

    `own` are the chunks this exchange brought into its conversation; `base` is the exchange (seq) whose
    complete messages are a strict prefix of this one's.
    """

    size: int
    crc: int
    packed: bytes
    own: list[int]
    redactions: tuple[str, ...]
    base: int | None = None
    context: int | None = None


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
        self.pieces: list[bytes] = []
        """What was added, as it is stored."""

    def add(self, piece: bytes, kind: int, said: Said | None = None) -> None:
        """Store one piece after the others; `said` as in `ChunkTable.put`."""
        if kind == MESSAGE and (cuts := attachments(piece)):
            for index, (start, end) in enumerate(pairwise([0, *cuts, len(piece)])):
                # Every second piece is the attachment itself: no words, no secrets, often megabytes.
                self._put(piece[start:end], OTHER if index % 2 else MESSAGE, clean=index % 2 == 0)
        else:
            self._put(piece, kind, clean=True, said=said)

    def _put(self, piece: bytes, kind: int, *, clean: bool, said: Said | None = None) -> None:
        if not piece:
            return
        if clean and self._redacting:
            piece, found = redact(piece)
            if found:
                self.redactions = tuple(dict.fromkeys((*self.redactions, *found)))
        self.crc = zlib.crc32(piece, self.crc)
        self.size += len(piece)
        self.pieces.append(piece)
        self.ids.append(self._chunks.put(piece, kind, said=said))

    def add_end(self, known: Known) -> None:
        """Store the same end as an earlier request had."""
        if known.end_redactions:
            self.redactions = tuple(dict.fromkeys((*self.redactions, *known.end_redactions)))
        self.crc = zlib.crc32(known.end_stored, self.crc)
        self.size += len(known.end_stored)
        self.ids += known.end_ids

    def pack(self) -> bytes:
        """Return the packed ids so far."""
        last = self.ids[self._unpacked - 1] if self._unpacked else 0
        self.packed += pack_ids(self.ids[self._unpacked :], last)
        self._unpacked = len(self.ids)
        return self.packed

    def stored(self, covered: Known | None) -> StoredRequest:
        """Return the finished body; what `covered` holds already is not its own."""
        theirs = {*covered.ids, *covered.end_ids} if covered else set()
        own = [chunk for chunk in self.ids[len(covered.ids) if covered else 0 :] if chunk not in theirs]
        return StoredRequest(
            size=self.size, crc=self.crc, packed=self.pack(), own=own, redactions=self.redactions
        )


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

    def answered(self, seq: int, said: Said | None) -> None:
        """Note what an exchange was answered with."""
        self._conversations.answered(seq, said)

    def store(self, seq: int, exchange: Exchange, body: bytes) -> StoredRequest:
        """Store `body` as the request of the exchange that gets the row `seq`."""
        if exchange.endpoint in _CONVERSING:
            known = self._conversations.find(exchange.endpoint, exchange.tenant, body)
            stored = self._continued(seq, body, known) if known else None
            if stored is not None:
                return stored
        cut = split(body)
        if cut is not None:
            return self._cut(seq, exchange, body, cut)
        build = _Build(self._chunks, redacting=self._redacting)
        build.add(body, PLAIN)
        return build.stored(None)

    def _continued(self, seq: int, body: bytes, known: Known) -> StoredRequest | None:
        """Store a body that begins and ends as a known one, with messages between; None if it does not."""
        start = len(known.prefix)
        stop = len(body) - len(known.end)
        if stop < start or not body.endswith(known.end):
            return None
        # Both requests are the same JSON but for what stands here: a comma and messages, or nothing.
        middle = body[start:stop]
        comma = middle.find(b",")
        if middle.strip() and (comma < 0 or middle[:comma].strip()):
            return None
        ends = _middle_ends(middle, comma) if middle.strip() else []
        if ends is None:
            return None
        build = _Build(self._chunks, redacting=self._redacting, known=known)
        chain, dialogue = known.chain, known.dialogue
        position = start
        for end in ends:
            piece = body[position : start + end]
            message = canonical(piece)
            chain, dialogue = chain_next(chain, message), dialogue or is_dialogue(message)
            build.add(piece, MESSAGE, known.answered)
            position = start + end
        return self._finish(
            seq, body, known, build, chain, dialogue=dialogue, position=position, new=len(ends)
        )

    def _finish(
        self,
        seq: int,
        body: bytes,
        known: Known,
        build: _Build,
        chain: int,
        *,
        dialogue: bool,
        position: int,
        new: int,
    ) -> StoredRequest:
        longer = Known(
            seq=seq, endpoint=known.endpoint, tenant=known.tenant, prefix=body[:position],
            ids=list(build.ids),
            packed=build.pack(), crc=build.crc, size=build.size, chain=chain, dialogue=dialogue,
            redactions=build.redactions, end=known.end, end_ids=known.end_ids, end_stored=known.end_stored,
            end_redactions=known.end_redactions,
        )  # fmt: skip
        build.add(body[position : len(body) - len(known.end)], OTHER)
        build.add_end(known)
        continues = new > 0 and known.dialogue
        stored = build.stored(known if continues else None)
        stored.base = known.seq if continues else None
        stored.context = chain if dialogue else None
        self._conversations.remember(longer, known if new else None)
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
        known = Known(
            seq=seq, endpoint=exchange.endpoint, tenant=exchange.tenant, prefix=body[:position],
            ids=list(build.ids),
            packed=build.pack(), crc=build.crc, size=build.size, chain=chain, dialogue=dialogue,
            redactions=build.redactions, end=body[position:],
        )  # fmt: skip
        end_build = _Build(self._chunks, redacting=self._redacting)
        _add_rest(end_build, body, position, cut.cuts)
        known.end_ids, known.end_redactions = end_build.ids, end_build.redactions
        known.end_stored = b"".join(end_build.pieces)
        build.add_end(known)
        if not dialogue or exchange.endpoint not in _CONVERSING:
            return build.stored(None)
        stored = build.stored(None)
        stored.context = chain
        stored.base = self._parent(chains[:-1])
        if stored.base is not None:
            theirs = self._chunks_of(stored.base)
            stored.own = [chunk for chunk in stored.own if chunk not in theirs]
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

    def _chunks_of(self, seq: int) -> set[int]:
        row = self._connection.execute(
            "SELECT chunks FROM bodies WHERE exchange = ? AND part = 0", (seq,)
        ).fetchone()
        return set(unpack_ids(row[0])) if row and row[0] else set()


def _middle_ends(middle: bytes, comma: int) -> list[int] | None:
    """Return the offsets at which the messages in ``,{…},{…}`` end, or None when it is something else."""
    try:
        items = _LIST.decode(b"[" + middle[comma + 1 :] + b"]")
    except UNREADABLE:
        return None
    return ends_of(middle, comma + 1, items) if items else None


def _add_rest(build: _Build, body: bytes, position: int, cuts: list[int]) -> int:
    """Store `body` from `position` to its end, cut where `cuts` say; return the end."""
    for place in sorted({*cuts, len(body)}):
        if position < place <= len(body):
            build.add(body[position:place], OTHER)
            position = place
    return position
