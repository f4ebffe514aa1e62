"""Server-sent events that the gateway itself writes: the end of a broken stream, and the live tail."""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.gateway.problems import Dialect, Problem

CONTENT_TYPE = b"text/event-stream; charset=utf-8"


def event(document: Any, name: str | None = None) -> bytes:
    """Return one event whose data is `document` as JSON."""
    head = b"event: " + name.encode() + b"\n" if name else b""
    return head + b"data: " + msgspec.json.encode(document) + b"\n\n"


def error_events(dialect: Dialect, problem: Problem, exchange_id: str) -> bytes:
    """Return what ends a broken stream in `dialect`; no terminal event follows it.

    Clients of the responses API look for ``response.failed``, SDKs for ``error``: they get both.
    """
    document = problem.document(dialect, exchange_id)
    if dialect == "anthropic":
        return event(document, "error")
    if dialect == "openai":
        return event(document)
    error = document["error"]
    failed = {"id": exchange_id, "object": "response", "status": "failed", "error": error}
    return event({**error, "type": "error"}, "error") + event(
        {"type": "response.failed", "response": failed}, "response.failed"
    )
