"""The payload file: a saved request that can be sent again.

Version 1 is ``{"version": 1, "endpoint", "headers": [[k, v]], "body" | "body_b64"}``. A bare object
with ``messages`` or ``input`` is taken as a body, so that what people already have works.
"""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from workbench.domain.errors import UsageError
from workbench.domain.exchange import Headers

VERSION = 1


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """A request ready to be sent: endpoint path with ``/v1``, headers without secrets, exact body."""

    endpoint: str
    body: bytes
    headers: Headers = []


def dump(payload: Payload) -> bytes:
    """Return the payload file's bytes; the body as JSON only where that keeps it byte for byte."""
    document: dict[str, Any] = {
        "version": VERSION,
        "endpoint": payload.endpoint,
        "headers": [list(pair) for pair in payload.headers],
    }
    try:
        body = msgspec.json.decode(payload.body)
        exact = msgspec.json.encode(body) == payload.body
    except msgspec.DecodeError:
        exact = False
    if exact:
        document["body"] = body
    else:
        document["body_b64"] = base64.b64encode(payload.body).decode()
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def load(data: bytes, *, name: str = "payload") -> Payload:
    """Return the payload in a file's bytes. Raises UsageError that says what is wrong with `name`."""
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"{name} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise UsageError(f"{name} is not a payload: a JSON object is needed")
    if "version" not in document:
        return _bare(document, data, name)
    if document["version"] != VERSION:
        raise UsageError(f"{name} has version {document['version']!r}; this program reads {VERSION}")
    return Payload(
        endpoint=_endpoint(document, name), headers=_headers(document, name), body=_body(document, name)
    )


def _bare(document: dict[str, Any], data: bytes, name: str) -> Payload:
    if "messages" in document:
        # An Anthropic body can't be told from an OpenAI one by its messages alone; max_tokens with a
        # top-level system prompt is the one shape only Anthropic's API has.
        endpoint = (
            "/v1/messages" if "system" in document and "max_tokens" in document else "/v1/chat/completions"
        )
    elif "input" in document:
        endpoint = "/v1/responses"
    elif "prompt" in document:
        endpoint = "/v1/completions"
    else:
        raise UsageError(
            f"{name} is neither a payload file nor a request body (no messages, input or prompt)"
        )
    return Payload(endpoint=endpoint, body=data.strip())


def _endpoint(document: dict[str, Any], name: str) -> str:
    endpoint = document.get("endpoint")
    if not isinstance(endpoint, str) or not endpoint.startswith("/"):
        raise UsageError(f"{name}: endpoint must be a path such as /v1/chat/completions")
    return endpoint


def _headers(document: dict[str, Any], name: str) -> Headers:
    try:
        return msgspec.convert(document.get("headers", []), Headers)
    except msgspec.ValidationError as error:
        raise UsageError(f"{name}: headers must be a list of [name, value]: {error}") from None


def _body(document: dict[str, Any], name: str) -> bytes:
    if "body" in document:
        return msgspec.json.encode(document["body"])
    try:
        return base64.b64decode(document["body_b64"], validate=True)
    except (KeyError, TypeError, ValueError):
        raise UsageError(f"{name}: body or body_b64 is needed") from None
