"""Making a deployment's request out of a client's: splice where the dialect is the same, else translate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from workbench.domain.dialects import splice
from workbench.domain.dialects.translation import Translation, Untranslatable, translation
from workbench.domain.dialects.usage_option import asked_for_usage, usage_options
from workbench.domain.exchange import Headers
from workbench.providers.provider import CHAT, COMPLETIONS, Call, Deployment
from workbench.routing.errors import RouteError
from workbench.routing.values import RouteRequest

_FORWARDED = re.compile(
    r"user-agent|anthropic-(?!ratelimit).*|openai-beta|x-stainless-.*|traceparent|tracestate|idempotency-key"
    r"|originator|session_id|conversation_id|http-referer|x-title",
    re.I,
)
_CHARS_A_TOKEN = 4
_MOST_DIGITS = 15
"""A longer number limits nothing, and the longest can't be read."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What choosing a deployment may depend on."""

    endpoint: str
    model: str
    stream: bool
    input_tokens: int
    """Estimated: four bytes a token."""
    max_tokens: int | None
    tools: bool
    tenant: str
    tags: tuple[str, ...]


class Incoming:
    """A client's request, looked at once for all its attempts."""

    def __init__(self, request: RouteRequest, model: str) -> None:
        self.request = request
        self.model = model
        try:
            self.at = splice.spans(request.body)
        except splice.NotAnObject as error:
            raise RouteError(
                400, "invalid_json", f"the body is not a JSON object: {error}", param="$"
            ) from None
        self.headers: Headers = [
            (name, value) for name, value in request.headers if _FORWARDED.fullmatch(name)
        ]
        self.facts = Facts(
            endpoint=request.endpoint,
            model=model,
            stream=request.stream,
            input_tokens=max(len(request.body) // _CHARS_A_TOKEN, 1),
            max_tokens=self._number("max_tokens", "max_completion_tokens", "max_output_tokens"),
            tools="tools" in self.at,
            tenant=request.tenant,
            tags=request.tags or self._tags(),
        )
        self._decoded: dict[str, Any] | None = None

    def decoded(self) -> dict[str, Any]:
        """Return the body as a value; only translations need it."""
        if self._decoded is None:
            try:
                self._decoded = msgspec.json.decode(self.request.body, type=dict[str, Any])
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise RouteError(400, "invalid_json", f"the body is not JSON: {error}", param="$") from None
        return self._decoded

    def _tags(self) -> tuple[str, ...]:
        """Return LiteLLM's ``metadata.tags``, by which deployments may be filtered."""
        if "metadata" not in self.at:
            return ()
        metadata = splice.value(self.request.body, self.at["metadata"])
        tags = metadata.get("tags") if isinstance(metadata, dict) else None
        return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()

    def _number(self, *names: str) -> int | None:
        for name in names:
            if name in self.at:
                value = self.request.body[slice(*self.at[name])]
                if value.isdigit() and len(value) <= _MOST_DIGITS:
                    return int(value)
        return None


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A call, and what has to be undone on its answer."""

    call: Call
    translation: Translation | None = None
    drop_usage: bool = False
    """The usage event was asked for by us: it does not go to the client."""
    differs: bool = False
    """More than the model's name and the usage option differs from the client's bytes."""


def prepare(
    incoming: Incoming, deployment: Deployment, *, usage: bool = True, lacks: frozenset[str] = frozenset()
) -> Prepared:
    """Return the call for `deployment`. Raises RouteError for what can't be asked of it.

    `usage` False leaves ``stream_options`` alone (an upstream that refuses it); `lacks` are endpoints the
    upstream turned out not to have.
    """
    endpoint = incoming.request.endpoint
    spoken = deployment.endpoints - lacks
    if endpoint in spoken:
        return _spliced(incoming, deployment, usage=usage)
    way = translation(endpoint, spoken)
    if way is None:
        message = f"{deployment.provider} has no {endpoint}, and it can't be translated"
        raise RouteError(400, "unsupported_endpoint", message)
    return _translated(incoming, deployment, way)


def _spliced(incoming: Incoming, deployment: Deployment, *, usage: bool) -> Prepared:
    request, at = incoming.request, incoming.at
    values = {"model": msgspec.json.encode(deployment.model)}
    drop_usage = False
    if usage and _counts_by_option(request, deployment) and not asked_for_usage(request.body, at):
        values["stream_options"] = usage_options(request.body, at)
        drop_usage = True
    extra = {name: value for name, value in _params(deployment).items() if name not in at}
    values.update({name: msgspec.json.encode(value) for name, value in extra.items()})
    body = splice.replace(request.body, values, at=at)
    ruled = _ruled(body, deployment, at)
    call = _call(incoming, deployment, request.endpoint, ruled)
    return Prepared(call=call, drop_usage=drop_usage, differs=bool(extra) or ruled is not body)


def _counts_by_option(request: RouteRequest, deployment: Deployment) -> bool:
    return request.stream and request.endpoint in (CHAT, COMPLETIONS) and deployment.wire.get("usage", True)


def _params(deployment: Deployment) -> Mapping[str, Any]:
    # litellm's adapter takes them as arguments, echo as its fixed answer.
    return deployment.params if deployment.adapter == "wire" else {}


def _ruled(body: bytes, deployment: Deployment, at: Mapping[str, splice.Span]) -> bytes:
    rename: Mapping[str, str] = deployment.wire.get("rename", {})
    drop = frozenset(deployment.wire.get("drop", ()))
    if rename.keys() & at.keys():
        body = splice.renamed(body, rename)
    return splice.remove(body, drop) if drop & at.keys() else body


def _translated(incoming: Incoming, deployment: Deployment, way: Translation) -> Prepared:
    try:
        document = way.request(incoming.decoded())
    except Untranslatable as error:
        raise RouteError(400, "untranslatable", str(error), param=error.path or None) from None
    document["model"] = deployment.model
    _fit(document, deployment)
    for name, value in _params(deployment).items():
        document.setdefault(name, value)
    if incoming.request.stream:
        document["stream"] = True
        if way.target == CHAT and deployment.wire.get("usage", True):
            document["stream_options"] = {"include_usage": True}
    body = _ruled(msgspec.json.encode(document), deployment, dict.fromkeys(document, (0, 0)))
    return Prepared(call=_call(incoming, deployment, way.target, body), translation=way, differs=True)


def _fit(document: dict[str, Any], deployment: Deployment) -> None:
    """Mend what a translation can't know: words that only some models or providers take."""
    if "reasoning_effort" in document and not deployment.info.get("supports_reasoning"):
        del document["reasoning_effort"]
    if "thinking" in document and deployment.info.get("supports_reasoning") is False:
        del document["thinking"]
    names: Mapping[str, str] = deployment.wire.get("translated", {})
    for ours, theirs in names.items():
        if ours in document and (deployment.api_base or "").startswith("https://api.openai.com"):
            document[theirs] = document.pop(ours)


def _call(incoming: Incoming, deployment: Deployment, endpoint: str, body: bytes) -> Call:
    same = endpoint == incoming.request.endpoint
    return Call(
        endpoint=endpoint,
        body=body,
        headers=incoming.headers if same else _neutral(incoming.headers),
        deployment=deployment,
        stream=incoming.request.stream,
        exchange_id=incoming.request.exchange_id,
        query=incoming.request.query if same else "",
    )


def _neutral(headers: Headers) -> Headers:
    """Return the headers that mean something in any dialect."""
    return [
        (name, value) for name, value in headers if not name.lower().startswith(("anthropic-", "openai-"))
    ]
