"""Recorded exchanges made by hand, for tests of pure code."""

from __future__ import annotations

import json
from typing import Any

from workbench.domain.exchange import Exchange
from workbench.replay.recorded import Recorded

CHAT = "/v1/chat/completions"


def recorded(
    body: bytes | dict[str, Any], *, endpoint: str = CHAT, request: bytes = b"{}", **fields: Any
) -> Recorded:
    """Return an exchange that answered `body` with status 200, unless `fields` say otherwise."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    exchange = Exchange(
        **{
            "id": "ex_a",
            "started_at": 0,
            "endpoint": endpoint,
            "status": 200,
            "state": "complete",
            "request_bytes": len(request),
            "response_bytes": len(data),
            **fields,
        }
    )
    return Recorded(exchange, request, data)


def chat(
    text: str | None = "hello",
    *,
    finish: str = "stop",
    calls: list[tuple[str, str]] | None = None,
    **extra: Any,
) -> dict[str, Any]:
    """Return the body of a plain chat answer; `calls` are tool names with their arguments as JSON text."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for number, (name, arguments) in enumerate(calls)
        ]
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        **extra,
    }


def chat_stream(
    pieces: list[str], *, finish: str | None = "stop", done: bool = True, number: int = 1
) -> bytes:
    """Return the bytes of a chat stream that says `pieces`, with ids and times made from `number`."""
    deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": piece}, None) for piece in pieces]
    deltas += [({}, finish)] if finish else []
    events = [
        {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion.chunk",
            "created": number,
            "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": end}],
        }
        for delta, end in deltas
    ]
    lines = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
    return b"".join(lines) + (b"data: [DONE]\n\n" if done else b"")


def messages_stream(pieces: list[str], *, tool_input: list[str] | None = None, number: int = 1) -> bytes:
    """Return the bytes of an Anthropic stream: a text block, and a tool_use block when asked for."""
    events: list[dict[str, Any]] = [
        {
            "type": "message_start",
            "message": {"id": f"msg_{number}", "model": "m", "usage": {"input_tokens": 3}},
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
            for piece in pieces
        ),
    ]
    if tool_input is not None:
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": "look", "input": {}}
        events.append({"type": "content_block_start", "index": 1, "content_block": block})
        events += [
            {
                "type": "content_block_delta",
                "index": 1,
                "delta": {"type": "input_json_delta", "partial_json": piece},
            }
            for piece in tool_input
        ]
    events += [
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)
