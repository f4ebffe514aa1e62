"""What a provider is: it takes one call for one deployment and gives back what the upstream answered.

A provider owns the address, the credentials and the wire of its upstream, nothing else: no retries, no
limits, no choice of deployment. Whatever HTTP status comes back is an answer; only a call that brought no
answer is a `ProviderFailure`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal, Protocol

import msgspec

from workbench.domain.exchange import Headers

FailureKind = Literal["connect", "dns", "tls", "timeout", "reset", "malformed", "unsupported", "internal"]
Stage = Literal["connect", "first_byte", "between_chunks", "total"]

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
EMBEDDINGS = "/v1/embeddings"
RESPONSES = "/v1/responses"
MESSAGES = "/v1/messages"
COUNT_TOKENS = "/v1/messages/count_tokens"

OPENAI_ENDPOINTS = frozenset({CHAT, COMPLETIONS, EMBEDDINGS})
ANTHROPIC_ENDPOINTS = frozenset({MESSAGES, COUNT_TOKENS})


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """How long each stage of one attempt may take, in seconds."""

    connect_s: float = 10.0
    first_byte_s: float = 300.0
    between_s: float = 120.0
    """Between two chunks of an answer that has begun."""
    total_s: float = 6000.0


class Secret:
    """A key that no repr, log line or error shows. `reveal` is called where the header is made."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """USD a token. None: not known."""

    input: float | None = None
    output: float | None = None
    cached: float | None = None
    """A cached input token; None: priced as input."""
    cache_write: float | None = None
    reasoning: float | None = None
    """A reasoning token; None: priced as output."""
    source: str = ""
    """Where it is from: ``config`` or ``litellm map``."""


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """Provider + upstream model + base URL + key: one LiteLLM ``model_list`` entry."""

    id: str
    group: str
    provider: str
    """For people and prices: ``openai``, ``groq``, ``anthropic``, ``demo``."""
    adapter: str = "wire"
    """Which Provider answers: wire, litellm, echo or demo."""
    model: str
    """The upstream's name of the model; may hold ``*`` in a wildcard group."""
    api_base: str | None = None
    api_key: Secret | None = None
    endpoints: frozenset[str] = OPENAI_ENDPOINTS
    """Paths (with ``/v1``) the upstream speaks itself; others are translated."""
    headers: Headers = []
    """Extra headers for the upstream."""
    params: dict[str, Any] = {}
    """Members to put into the request's body where the client gave none."""
    wire: dict[str, Any] = {}
    """The provider's small rule: ``auth``, ``rename``, ``drop``; see `providers/wire_table.py`."""
    info: dict[str, Any] = {}
    """``model_info`` as configured."""
    enabled: bool = True
    disabled_reason: str | None = None
    timeouts: Timeouts = Timeouts()
    stream_timeouts: Timeouts = Timeouts()
    order: int = 0
    weight: float | None = None
    rpm: int | None = None
    tpm: int | None = None
    itpm: int | None = None
    otpm: int | None = None
    rpd: int | None = None
    tpd: int | None = None
    max_parallel: int | None = None
    num_retries: int | None = None
    cooldown_s: float | None = None
    allowed_fails: int | None = None
    tags: tuple[str, ...] = ()
    price: Price | None = None
    max_budget_usd: float | None = None
    budget_duration: str | None = None
    max_input_tokens: int | None = None

    def __repr__(self) -> str:
        """Name it without its headers and parameters, which may hold secrets."""
        return f"Deployment({self.id!r}, {self.provider}/{self.model})"


class Call(msgspec.Struct, kw_only=True):
    """One request for one deployment, ready to be sent: translated, with the upstream's model name in it."""

    endpoint: str
    """Path with ``/v1``, in the upstream's dialect."""
    body: bytes
    headers: Headers
    """Headers of the client that may be passed on; never its key."""
    deployment: Deployment
    stream: bool
    exchange_id: str
    query: str = ""
    """The client's query string, without ``?``."""


class Answer:
    """What the upstream answered: the head, and its body as it arrives.

    `chunks` may be iterated once. It raises `ProviderFailure` where the body breaks off. `aclose` ends the
    upstream call at once and is safe to call at any time, more than once.
    """

    __slots__ = ("chunks", "headers", "status", "url")

    def __init__(
        self, *, status: int, headers: Headers, chunks: AsyncIterator[bytes], url: str | None = None
    ) -> None:
        self.status = status
        self.headers = headers
        self.url = url
        self.chunks = chunks

    def header(self, name: str) -> str | None:
        """Return the first header of that name (lower case), or None."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    async def aclose(self) -> None:
        """Give the upstream up."""
        close = getattr(self.chunks, "aclose", None)
        if close is not None:
            await close()


class ProviderFailure(Exception):
    """No answer, or one that broke off. `message` never holds a key or a query string."""

    def __init__(
        self, kind: FailureKind, message: str, *, stage: Stage | None = None, url: str | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.stage = stage
        self.url = url


class Provider(Protocol):
    """One way to reach models."""

    name: str

    async def send(self, call: Call) -> Answer:
        """Send the call and return when the answer's head is there. Raises ProviderFailure."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...
