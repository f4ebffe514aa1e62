"""OpenTelemetry's GenAI spans, as OTLP JSON.

The conventions are still marked "Development" and their names change: this table is the one place that
knows them (open-telemetry/semantic-conventions-genai, November 2026). What was said is left out unless
asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, BinaryIO

import msgspec

from workbench import __version__
from workbench.domain import conversation
from workbench.domain.exchange import Exchange
from workbench.domain.message import Message
from workbench.store.transfer.record import Record

_OPERATIONS = {"/v1/embeddings": "embeddings", "/v1/completions": "text_completion"}
_COLUMNS = (
    ("gen_ai.provider.name", "provider"),
    ("gen_ai.request.model", "model"),
    ("gen_ai.request.stream", "stream"),
    ("gen_ai.usage.input_tokens", "input_tokens"),
    ("gen_ai.usage.output_tokens", "output_tokens"),
    ("gen_ai.usage.cache_read.input_tokens", "cached_tokens"),
    ("gen_ai.usage.cache_write.input_tokens", "cache_write_tokens"),
    ("gen_ai.usage.reasoning.output_tokens", "reasoning_tokens"),
    ("gen_ai.conversation.id", "session"),
    ("error.type", "error_code"),
)
_REQUEST = (
    ("gen_ai.request.temperature", ("temperature",)),
    ("gen_ai.request.top_p", ("top_p",)),
    ("gen_ai.request.max_tokens", ("max_completion_tokens", "max_tokens", "max_output_tokens")),
    ("gen_ai.request.seed", ("seed",)),
    ("gen_ai.request.stop_sequences", ("stop", "stop_sequences")),
)
_CLIENT_SPAN = 3
_ERROR = 2


def write_otel(records: Iterable[Record], out: BinaryIO, *, content: bool = False) -> int:
    """Write one ``resourceSpans`` document; return how many spans. `content` adds messages and answers."""
    resource = {"attributes": [_attribute("service.name", "workbench")]}
    scope = {"name": "workbench", "version": __version__}
    out.write(b'{"resourceSpans":[{"resource":' + msgspec.json.encode(resource))
    out.write(b',"scopeSpans":[{"scope":' + msgspec.json.encode(scope) + b',"spans":[')
    count = 0
    for record in records:
        out.write((b",\n" if count else b"\n") + msgspec.json.encode(_span(record, content=content)))
        count += 1
    out.write(b"\n]}]}]}\n")
    return count


def _span(record: Record, *, content: bool) -> dict[str, Any]:
    exchange = record.exchange
    operation = _OPERATIONS.get(exchange.endpoint, "chat")
    end = exchange.started_at + round((exchange.latency_ms or 0.0) * 1000)
    failed = exchange.state != "complete" or (exchange.status or 0) >= 400
    status = {"code": _ERROR, "message": exchange.error or ""} if failed else {}
    return {
        "traceId": _digest(exchange.run or exchange.session or exchange.id, 16),
        "spanId": _digest(exchange.id, 8),
        "name": f"{operation} {exchange.model}".strip(),
        "kind": _CLIENT_SPAN,
        "startTimeUnixNano": str(exchange.started_at * 1000),
        "endTimeUnixNano": str(end * 1000),
        "attributes": [
            _attribute(name, value)
            for name, value in _attributes(record, operation, content=content).items()
            if value is not None and value != ""
        ],
        "status": status,
    }


def _attributes(record: Record, operation: str, *, content: bool) -> dict[str, Any]:
    exchange = record.exchange
    found: dict[str, Any] = {"gen_ai.operation.name": operation, "workbench.exchange.id": exchange.id}
    found.update({name: getattr(exchange, column) for name, column in _COLUMNS})
    asked = _json(record.request)
    for name, fields in _REQUEST:
        found[name] = next((asked[field] for field in fields if asked.get(field) is not None), None)
    answer = conversation.answer(exchange.endpoint, record.response, stream=exchange.stream)
    found["gen_ai.response.id"] = answer.id
    found["gen_ai.response.model"] = answer.model
    found["gen_ai.response.finish_reasons"] = [exchange.finish_reason] if exchange.finish_reason else None
    if exchange.stream and exchange.ttft_ms is not None:
        found["gen_ai.response.time_to_first_chunk"] = exchange.ttft_ms / 1000
    if content:
        found.update(_content(exchange, record, answer.messages))
    return found


def _content(exchange: Exchange, record: Record, answers: list[Message]) -> dict[str, Any]:
    messages = conversation.request_messages(exchange.endpoint, record.request)
    system = [message for message in messages if message.role == "system"]
    rest = [message for message in messages if message.role != "system"]
    return {
        "gen_ai.system_instructions": _messages(system),
        "gen_ai.input.messages": _messages(rest),
        "gen_ai.output.messages": _messages(answers),
    }


def _messages(messages: list[Message]) -> str | None:
    shown = [
        {"role": message.role, "parts": [{"type": part.kind, "content": part.text} for part in message.parts]}
        for message in messages
    ]
    return msgspec.json.encode(shown).decode() if shown else None


def _attribute(name: str, value: Any) -> dict[str, Any]:
    return {"key": name, "value": _value(value)}


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    return {"stringValue": value if isinstance(value, str) else msgspec.json.encode(value).decode()}


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _digest(text: str, size: int) -> str:
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()
