"""What goes into the router and what comes out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec

from workbench.domain.exchange import Attempt, Cache, Headers, Usage

AttemptSink = Callable[[Attempt, bytes | None, bytes | None], None]
"""Called when an attempt's answer begins (streams) and when it ends, with the same number: the attempt, the
bytes sent upstream where they differ from the client's, the bytes answered where they differ from what the
client gets. Never blocks."""


class RouteRequest(msgspec.Struct, kw_only=True):
    """One request of a client, already authenticated and known to be a JSON object."""

    exchange_id: str
    endpoint: str
    """Path with ``/v1``, without query."""
    body: bytes
    model: str | None = None
    """The model group asked for; None or empty: the default group."""
    stream: bool = False
    headers: Headers = []
    """The client's headers; the router passes on only what is safe and useful."""
    query: str = ""
    tenant: str = "default"
    playback: str | None = None
    """Id of an exchange to answer from the recording (``X-Workbench-Playback``)."""
    playback_speed: str = "original"
    """``original`` or ``fast``."""
    tags: tuple[str, ...] = ()


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Who answered: the group, the deployment's id, its provider and the upstream's model name."""

    group: str
    deployment: str
    provider: str
    model: str
    attempts: int = 1


class RouteAnswer:
    """The answer for the client.

    Iterate `chunks` once, writing each to the client. `ending` turns True just before the chunk is yielded
    that ends the answer (a stream's terminal event, split off as a chunk of its own, or a plain body): commit
    the record before that chunk is sent. A stream may also end without such a chunk (an upstream without
    ``[DONE]``): then commit before the end of the body is sent. `chunks` raises StreamBroken when the
    upstream was cut, stalled or malformed. Call `aclose` when the client left, or always in a ``finally``.

    `headers` are the upstream's that may be passed on (content type, rate limits, request id).
    `usage`, `cost_usd`, `finish_reason` and `upstream_error` are complete once `chunks` is exhausted.
    """

    def __init__(
        self,
        *,
        status: int,
        headers: Headers,
        origin: Origin,
        stream: bool,
        chunks: AsyncIterator[bytes],
        close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.status = status
        self.headers = headers
        self.group = origin.group
        self.model = origin.model
        self.deployment = origin.deployment
        self.provider = origin.provider
        self.stream = stream
        self.chunks = chunks
        self.attempts = origin.attempts
        self.cache: Cache = "off"
        self.ending = False
        self.usage: Usage | None = None
        self.cost_usd: float | None = None
        self.finish_reason: str | None = None
        self.upstream_error: str | None = None
        self.on_end: Callable[[], None] | None = None
        """Called once, when the answer is over in whatever way; its figures are complete then."""
        self._close = close

    def ended(self) -> None:
        """Tell that the answer is over. Safe to call more than once."""
        if self.on_end is not None:
            on_end, self.on_end = self.on_end, None
            on_end()

    async def aclose(self) -> None:
        """End the upstream call at once if it still runs. Safe to call more than once."""
        if self._close is not None:
            close, self._close = self._close, None
            await close()
        self.ended()


class GroupInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A model group for ``/v1/models`` and people."""

    name: str
    providers: tuple[str, ...]
    enabled: bool
    """False when every deployment is disabled; then it is not listed to clients."""
    builtin: bool = False
    alias_of: str | None = None
    wildcard: bool = False
    disabled_reason: str | None = None
    info: dict[str, Any] = {}
    """Facts that clients use: mode, max_input_tokens, prices."""
