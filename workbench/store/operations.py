"""What the recorder hands to the store: one exchange begins, grows, ends."""

from __future__ import annotations

import msgspec

from workbench.domain.exchange import Attempt, Exchange, Headers, Write


class AttemptRecord(msgspec.Struct, kw_only=True):
    """An attempt with the upstream's bytes, where they differ from the client's."""

    attempt: Attempt
    request: bytes | None = None
    response: bytes | None = None


class Arrived(msgspec.Struct, kw_only=True):
    """A request as it came in."""

    headers: Headers
    body: bytes


class Begin(Arrived, kw_only=True, tag=True):
    """A request has arrived: its row becomes visible as running."""

    exchange: Exchange


class Flush(msgspec.Struct, kw_only=True, tag=True):
    """More of a running answer has gone to the client."""

    id: str
    number: int
    """1 for the first piece of this exchange."""
    data: bytes
    writes: list[Write]
    exchange: Exchange | None = None
    """The fields known by now (status, ttft), or None to leave the row as it is."""


class Finish(msgspec.Struct, kw_only=True, tag=True):
    """The exchange is over; the row, both bodies and the attempts are final."""

    exchange: Exchange
    headers: Headers
    """The answer's headers."""
    body: bytes
    writes: list[Write]
    attempts: list[AttemptRecord] = []
    begin: Arrived | None = None
    """The request, when there was no `Begin` for it."""


Operation = Begin | Flush | Finish
