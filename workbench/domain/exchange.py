"""An exchange and its attempts, as values. See the words in docs/architecture.md."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from workbench.domain.times import iso

State = Literal["running", "complete", "interrupted", "failed"]
"""running: under way. complete: the client got the whole answer (whatever its status).
failed: the answer broke or never came. interrupted: the client left, or the router died."""

Cache = Literal["hit", "miss", "off"]
Side = Literal["request", "response"]
Headers = list[tuple[str, str]]
"""Header lines in order, names as sent, secrets already replaced."""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one exchange; None where the upstream did not say.

    `input_tokens` includes `cached_tokens` and `cache_write_tokens`; `output_tokens` includes
    `reasoning_tokens`. `estimated` marks our own count.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    estimated: bool = False


class Exchange(msgspec.Struct, kw_only=True):
    """The narrow row of one exchange: everything a list, a filter or a sum needs, no bodies."""

    id: str
    started_at: int
    """Microseconds since 1970 UTC, when the request's head had arrived."""
    endpoint: str
    """The path with ``/v1`` and without query, such as ``/v1/chat/completions``."""
    model: str = ""
    """The model group the client asked for."""
    deployment: str | None = None
    """Id of the deployment whose answer the client got."""
    provider: str | None = None
    status: int | None = None
    """HTTP status sent to the client; None while running."""
    state: State = "running"
    stream: bool = False
    cache: Cache = "off"
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    usage_estimated: bool = False
    cost_usd: float | None = None
    latency_ms: float | None = None
    """From the request's head to the last byte written to the client."""
    ttft_ms: float | None = None
    """From the request's head to the first body byte written to the client."""
    attempts: int = 0
    run: str | None = None
    step: str | None = None
    session: str | None = None
    tenant: str = "default"
    replay_of: str | None = None
    tags: tuple[str, ...] = ()
    note: str | None = None
    name: str | None = None
    pinned: bool = False
    redacted: bool = False
    redactions: tuple[str, ...] = ()
    """Where something was replaced, such as ``header:authorization`` or ``body:openai_key``."""
    request_bytes: int = 0
    response_bytes: int = 0
    finish_reason: str | None = None
    error_code: str | None = None
    error: str | None = None
    """One line, ours or the upstream's; None when all went well."""
    tools: tuple[str, ...] = ()
    """Names of the tools the model called in the answer."""
    client: str | None = None
    """The request's User-Agent."""
    request_id: str | None = None
    instance: str = ""
    """The router instance that recorded it; tells crashed from running."""

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form: snake_case, ISO times, ``null`` for unknown."""
        data: dict[str, Any] = msgspec.structs.asdict(self)
        data["started_at"] = iso(self.started_at)
        data["tags"] = list(self.tags)
        data["tools"] = list(self.tools)
        data["redactions"] = list(self.redactions)
        return data


class Attempt(msgspec.Struct, kw_only=True):
    """One try of an exchange at one deployment."""

    number: int
    """1 for the first."""
    deployment: str
    provider: str
    model: str
    """The upstream's name of the model."""
    started_at: int
    ended_at: int | None = None
    status: int | None = None
    """The upstream's HTTP status; None when no answer came."""
    error_code: str | None = None
    error: str | None = None
    ttft_ms: float | None = None
    latency_ms: float | None = None
    url: str | None = None
    """Without query and user info."""
    reason: str = ""
    """Why this deployment was chosen, for people: ``simple-shuffle 1 of 2 (weight 3)``."""
    response_headers: Headers = []
    has_request: bool = False
    """The bytes sent upstream differed from the client's and are stored."""
    has_response: bool = False
    """The bytes the upstream answered differ from what the client got and are stored."""

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        data: dict[str, Any] = msgspec.structs.asdict(self)
        data["started_at"], data["ended_at"] = iso(self.started_at), iso(self.ended_at)
        data["response_headers"] = [list(pair) for pair in self.response_headers]
        return data


class Write(msgspec.Struct, frozen=True):
    """One write of the answer to the client: `length` bytes, `at_us` after the request's head."""

    length: int
    at_us: int
