"""The model endpoints: paths, dialects, and what a request's body must have.

Bodies are checked only as far as the router itself relies on them (and where a wrong type could only
be a mistake); everything else is for the upstream to judge. Unknown members are never looked at.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from workbench.gateway import problems
from workbench.gateway.problems import Dialect, Problem


class AnyBody(msgspec.Struct):
    """What every body may say; a request without `model` goes to the default group."""

    model: str | None = None
    stream: bool | None = None


class Message(msgspec.Struct):
    """One turn; its content is the upstream's affair."""

    role: str


class ChatBody(AnyBody, kw_only=True):
    """``/v1/chat/completions``."""

    messages: list[Message]
    max_tokens: int | None = None
    temperature: float | None = None
    tools: list[msgspec.Raw] | None = None


class CompletionBody(AnyBody, kw_only=True):
    """``/v1/completions``."""

    prompt: str | list[Any]
    max_tokens: int | None = None


class EmbeddingBody(AnyBody, kw_only=True):
    """``/v1/embeddings``."""

    input: str | list[Any]


class ResponsesBody(AnyBody, kw_only=True):
    """``/v1/responses``."""

    input: str | list[dict[str, msgspec.Raw]] | None = None
    instructions: str | list[Any] | None = None
    tools: list[msgspec.Raw] | None = None


class MessagesBody(AnyBody, kw_only=True):
    """``/v1/messages`` and its ``count_tokens``."""

    messages: list[Message]
    max_tokens: int | None = None
    system: str | list[Any] | None = None
    tools: list[msgspec.Raw] | None = None


class Endpoint(msgspec.Struct, frozen=True):
    """One model endpoint."""

    path: str
    """With ``/v1``, without query; what an exchange's `endpoint` is."""
    dialect: Dialect
    body: type[AnyBody]
    streams: bool = True


class Wish(msgspec.Struct, frozen=True):
    """What the router needs to know of a body."""

    model: str | None
    stream: bool


ALL = (
    Endpoint("/v1/chat/completions", "openai", ChatBody),
    Endpoint("/v1/completions", "openai", CompletionBody),
    Endpoint("/v1/embeddings", "openai", EmbeddingBody, streams=False),
    Endpoint("/v1/responses", "responses", ResponsesBody),
    Endpoint("/v1/messages", "anthropic", MessagesBody),
    Endpoint("/v1/messages/count_tokens", "anthropic", MessagesBody, streams=False),
)
BY_PATH: dict[str, Endpoint] = {
    path: endpoint for endpoint in ALL for path in (endpoint.path, endpoint.path.removeprefix("/v1"))
}
"""Path, with and without ``/v1`` -> endpoint."""

_DECODERS = {endpoint.path: msgspec.json.Decoder(endpoint.body) for endpoint in ALL}
_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.S)


def read_wish(endpoint: Endpoint, body: bytes) -> Wish:
    """Return what a request asks for. Raises Problem: 400 for what is not JSON, 422 for wrong members."""
    try:
        data = _DECODERS[endpoint.path].decode(body)
    except msgspec.ValidationError as error:
        raise _wrong(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, "invalid_json", f"the body is not JSON: {error}", param="$") from None
    except RecursionError:
        raise problems.too_deep() from None
    return Wish(model=data.model or None, stream=bool(data.stream) and endpoint.streams)


def _wrong(error: msgspec.ValidationError) -> Problem:
    match = _AT.match(str(error))
    what, path = (match["what"], match["path"] or "$") if match else (str(error), "$")
    return Problem(422, "invalid_request", f"{what[:1].lower()}{what[1:]} at {path}", param=path)
