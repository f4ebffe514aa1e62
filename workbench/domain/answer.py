"""An answer, whichever dialect gave it, and the figures that came with it."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from workbench.domain.exchange import Usage
from workbench.domain.message import Message, as_dict, as_text
from workbench.domain.sse import Event

_NO_COUNT = 10**15
"""From here on a figure is no count of tokens; sums of those below still fit the store's 64 bits."""


class Answer(msgspec.Struct, kw_only=True):
    """What a model endpoint answered.

    `complete` is False for a stream without its terminal event and for a body that does not parse:
    such an answer must never be taken for a success. `error` is the provider's own message.
    """

    messages: list[Message] = []
    """One per choice; most answers have one."""
    finish_reason: str | None = None
    usage: Usage = Usage()
    model: str | None = None
    """As the upstream names it."""
    id: str | None = None
    error: str | None = None
    error_code: str | None = None
    complete: bool = False
    embeddings: int = 0
    """Number of vectors in an embeddings answer."""

    @property
    def message(self) -> Message:
        """The first choice's message, empty when there is none."""
        return self.messages[0] if self.messages else Message(role="assistant")

    @property
    def text(self) -> str:
        """The first choice's words."""
        return self.message.text()

    @property
    def tools(self) -> tuple[str, ...]:
        """Names of the tools called, in order, without doubles."""
        names = [part.name for message in self.messages for part in message.parts if part.kind == "tool_call"]
        return tuple(dict.fromkeys(name for name in names if name))


class Builder(Protocol):
    """Builds an answer of one dialect from its stream, event by event, or from its whole body."""

    def feed(self, event: Event) -> None:
        """Take one event; what does not parse is remembered as an error, never raised."""

    def whole(self, document: dict[str, Any]) -> None:
        """Take the body of an answer that was not streamed."""

    def answer(self) -> Answer:
        """Return what is known so far."""


def number(value: Any) -> int | None:
    """Return a token count, or None for what is none (booleans, negatives, text, the absurdly large)."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return int(value) if 0 <= value < _NO_COUNT else None


def openai_usage(value: Any) -> Usage | None:
    """Return the usage of chat completions, completions, embeddings or responses; None when there is none."""
    data = as_dict(value)
    if not data:
        return None
    inputs = as_dict(data.get("prompt_tokens_details") or data.get("input_tokens_details"))
    outputs = as_dict(data.get("completion_tokens_details") or data.get("output_tokens_details"))
    cached = number(inputs.get("cached_tokens"))
    if cached is None:
        cached = number(data.get("prompt_cache_hit_tokens"))  # DeepSeek
    return Usage(
        input_tokens=number(data.get("prompt_tokens", data.get("input_tokens"))),
        output_tokens=number(data.get("completion_tokens", data.get("output_tokens"))),
        cached_tokens=cached,
        reasoning_tokens=number(outputs.get("reasoning_tokens")),
    )


def anthropic_usage(value: Any) -> Usage | None:
    """Return Anthropic's usage: its ``input_tokens`` leaves the cached ones out, ours does not."""
    data = as_dict(value)
    if not data:
        return None
    fresh = number(data.get("input_tokens"))
    read, written = (
        number(data.get("cache_read_input_tokens")),
        number(data.get("cache_creation_input_tokens")),
    )
    total = None if fresh is None else fresh + (read or 0) + (written or 0)
    return Usage(
        input_tokens=total,
        output_tokens=number(data.get("output_tokens")),
        cached_tokens=read,
        cache_write_tokens=written,
    )


def merge_usage(old: Usage, new: Usage | None) -> Usage:
    """Return `old` with what `new` knows on top: streams tell their usage in pieces."""
    if new is None:
        return old
    known = {name: value for name, value in msgspec.structs.asdict(new).items() if value is not None}
    return msgspec.structs.replace(old, **known)


def error_of(document: dict[str, Any]) -> tuple[str, str | None] | None:
    """Return message and code of an error body in any shape seen in the wild, or None.

    ``{"error": {"message", "code"|"type"}}``, ``{"error": "text"}``, ``{"detail": …}`` (FastAPI),
    ``{"type": "error", "error": {…}}`` (Anthropic), ``{"status": 429, "title": …}`` (NVIDIA).
    """
    error = document.get("error")
    if isinstance(error, str) and error:
        return error, None
    if isinstance(error, dict) and error:
        message = as_text(error.get("message") or error.get("type") or error)
        code = error.get("code") or error.get("type")
        return message, as_text(code) or None
    if document.get("detail"):
        return as_text(document["detail"]), None
    if isinstance(document.get("status"), int) and document["status"] >= 400 and document.get("title"):
        return as_text(document["title"]), as_text(document["status"])
    return None
