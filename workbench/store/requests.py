"""How a request's body becomes chunks: the known beginning is taken over, the rest is cut and stored."""

from __future__ import annotations

import zlib
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from workbench.domain.redaction import may_hold, redact
from workbench.store.codec import pack_ids, unpack_ids
from workbench.store.conversations import Conversations, Known, chain_next, chain_start
from workbench.store.split import UNREADABLE, Split, attachments, canonical, ends_of, is_dialogue, split
from workbench.store.texts import MESSAGE, OTHER, PLAIN

if TYPE_CHECKING:
    import sqlite3

    from workbench.domain.exchange import Exchange
    from workbench.store.chunks import ChunkTable, Said
    from workbench.store.pending import PendingRows

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
    """A stored body under construction, from left to right; what `known` holds already is not in `ids`."""

    def __init__(self, chunks: ChunkTable, *, redacting: bool, known: Known | None = None) -> None:
        self._chunks = chunks
        self._redacting = redacting
        self.ids: list[int] = []
        self.packed = known.packed if known else b""
        self.last = known.last if known else 0
        self.crc = known.crc if known else 0
        self.size = known.size if known else 0
        self.redactions = known.redactions if known else ()
        self._unpacked = 0
        self.pieces: list[bytes] = []
        """What was added, as it is stored."""

    def add(self, piece: bytes, kind: int, said: Said | None = None, *, fresh: bool = False) -> None:
        """Store one piece after the others; `said` and `fresh` as in `ChunkTable.put`."""
        if kind == MESSAGE and (cuts := attachments(piece)):
            for index, (start, end) in enumerate(pairwise([0, *cuts, len(piece)])):
                # Every second piece is the attachment itself: no words, no secrets, often megabytes.
                self._put(piece[start:end], OTHER if index % 2 else MESSAGE, clean=index % 2 == 0)
        else:
            self._put(piece, kind, clean=True, said=said, fresh=fresh)

    def _put(
        self, piece: bytes, kind: int, *, clean: bool, said: Said | None = None, fresh: bool = False
    ) -> None:
        if not piece:
            return
        if clean and self._redacting:
            piece, found = redact(piece)
            if found:
                self.redactions = tuple(dict.fromkeys((*self.redactions, *found)))
        self.crc = zlib.crc32(piece, self.crc)
        self.size += len(piece)
        self.pieces.append(piece)
        self.ids.append(self._chunks.put(piece, kind, said=said, fresh=fresh))

    def add_end(self, known: Known) -> None:
        """Store the same end as an earlier request had."""
        if known.end_redactions:
            self.redactions = tuple(dict.fromkeys((*self.redactions, *known.end_redactions)))
        self.crc = zlib.crc32(known.end_stored, self.crc)
        self.size += len(known.end_stored)
        self.ids += known.end_ids

    def pack(self) -> bytes:
        """Return the packed ids so far, those of what was known included."""
        new = self.ids[self._unpacked :]
        if new:
            self.packed += pack_ids(new, self.last)
            self.last = new[-1]
            self._unpacked = len(self.ids)
        return self.packed

    def stored(self, own: list[int]) -> StoredRequest:
        """Return the finished body, of which these chunks are the exchange's own."""
        return StoredRequest(
            size=self.size, crc=self.crc, packed=self.pack(), own=own, redactions=self.redactions
        )


class RequestBodies:
    """Stores request bodies; use it inside a write transaction only."""

    def __init__(
        self, connection: sqlite3.Connection, chunks: ChunkTable, rows: PendingRows, *, redacting: bool
    ) -> None:
        self._connection = connection
        self._chunks = chunks
        self._rows = rows
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
        return build.stored(build.ids)

    def _continued(self, seq: int, body: bytes, known: Known) -> StoredRequest | None:
        """Store a body that begins and ends as a known one, with messages between; None if it does not."""
        start = known.length
        stop = len(body) - len(known.end)
        if stop < start or not body.endswith(known.end):
            return None
        # Both requests are the same JSON but for what stands here: a comma and messages, or nothing.
        middle = body[start:stop]
        ends = _middle_ends(middle)
        if ends is None:
            return None
        build = _Build(self._chunks, redacting=self._redacting and may_hold(middle), known=known)
        chain, dialogue = known.chain, known.dialogue
        position = 0
        for end in ends:
            piece = middle[position:end]
            message = canonical(piece)
            chain, dialogue = chain_next(chain, message), dialogue or is_dialogue(message)
            build.add(piece, MESSAGE, known.answered, fresh=True)
            position = end
        longer = Known(
            seq=seq, endpoint=known.endpoint, tenant=known.tenant, body=body, length=start + position,
            members=known.members,
            packed=build.pack(), last=build.last, crc=build.crc, size=build.size, chain=chain,
            dialogue=dialogue,
            redactions=build.redactions, end=known.end, end_ids=known.end_ids, end_stored=known.end_stored,
            end_redactions=known.end_redactions,
        )  # fmt: skip
        brought = list(build.ids)
        build.add(middle[position:], OTHER)
        build.add_end(known)
        return self._stored(build, longer, known, brought)

    def _stored(self, build: _Build, longer: Known, known: Known, brought: list[int]) -> StoredRequest:
        """Return a body that begins as `known`; it continues that one if it brought a new message."""
        new = bool(brought)
        if new and known.dialogue:
            theirs = known.members
            own = [chunk for chunk in build.ids if chunk not in theirs and chunk not in known.end_ids]
            stored = build.stored(own)
            stored.base = known.seq
        else:
            stored = build.stored([*known.members, *build.ids])
        stored.context = longer.chain if longer.dialogue else None
        if new:
            # `known` is dropped: its set goes on, since a copy of it would cost as much as all history.
            longer.members.update(brought)
        else:
            longer.members = set(known.members)
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
            seq=seq, endpoint=exchange.endpoint, tenant=exchange.tenant, body=body, length=position,
            members=set(build.ids),
            packed=build.pack(), last=build.last, crc=build.crc, size=build.size, chain=chain,
            dialogue=dialogue, redactions=build.redactions, end=body[position:],
        )  # fmt: skip
        end_build = _Build(self._chunks, redacting=self._redacting)
        _add_rest(end_build, body, position, cut.cuts)
        known.end_ids, known.end_redactions = end_build.ids, end_build.redactions
        known.end_stored = b"".join(end_build.pieces)
        build.add_end(known)
        if not dialogue or exchange.endpoint not in _CONVERSING:
            return build.stored(build.ids)
        stored = build.stored(build.ids)
        stored.context = chain
        stored.base = self._parent(chains[:-1])
        if stored.base is not None:
            theirs = self._chunks_of(stored.base)
            stored.own = [chunk for chunk in stored.own if chunk not in theirs]
        self._conversations.remember(known, None)
        return stored

    def _parent(self, chains: list[int]) -> int | None:
        """Return the newest exchange with the longest of these histories."""
        self._rows.flush()
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


def _middle_ends(middle: bytes) -> list[int] | None:
    """Return the offsets at which the messages in ``,{…},{…}`` end; None when it is something else."""
    if not middle.strip():
        return []
    comma = middle.find(b",")
    if comma < 0 or middle[:comma].strip():
        return None
    try:
        items = _LIST.decode(b"[%b]" % middle[comma + 1 :])
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
