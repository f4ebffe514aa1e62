#!/usr/bin/env python3
"""A stand-alone upstream that answers like OpenAI and Anthropic, and fails on demand. Standard library only.

    scripts/mock_openai.py --port 0 --latency-ms 20 --failure-rate 0.1

The first line on stdout is ``mock_openai listening on http://HOST:PORT``. Endpoints: chat completions,
completions, embeddings, responses, messages, count_tokens and models, with and without ``/v1``.

How it behaves is a set of settings (see `Settings`), taken in this order, later ones winning: flags,
``POST /_mock/settings`` (a JSON object; ``{}`` goes back to the flags), the body's member ``x_mock``, request
headers such as ``X-Mock-Fault: cut`` or ``X-Mock-Latency-Ms: 50``. ``GET /_mock/requests`` lists what came in
and what became of it, ``DELETE /_mock/requests`` forgets it.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import dataclasses
import functools
import json
import random
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

FAULTS = {
    "reset-before": "reset the connection instead of answering",
    "close-before": "close the connection instead of answering",
    "hang": "accept and never answer",
    "hang-mid": "stop in the middle and keep the connection open",
    "reset-mid": "reset the connection in the middle of the answer",
    "cut": "close the connection in the middle of the answer",
    "cut-clean": "end the body properly in the middle of the answer: no finish_reason, no terminal event",
    "no-done": "leave the terminal event out",
    "malformed": "broken JSON: one event of a stream, or the plain body",
    "truncated": "a plain body that ends early although its length is right; a stream as cut-clean",
    "html": "status 200 with an HTML page",
    "html-error": "status 502 with an HTML page",
    "plain-error": "status 500 with a line of text",
    "empty": "status 200 without a body",
    "invalid-utf8": "bytes in the text that are not UTF-8",
    "comments": "SSE comments between the events",
    "crlf": "SSE with CRLF line ends",
    "split": "every event in two writes",
    "error-in-stream": "an error object inside a stream with status 200, then the end",
    "error-in-200": "an error object as a plain body with status 200",
}
WORDS = "the quick brown fox jumps over a lazy dog while seven wizards boil jelly for vexed guests".split()  # noqa: SIM905
CREATED = 1_700_000_000
PLACES = ("chat/completions", "completions", "embeddings", "responses", "messages", "messages/count_tokens")


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to answer. Every field is a flag, a header (``X-Mock-Chunk-Delay-Ms``) and a JSON member."""

    fault: str = ""
    status: int = 0
    retry_after: str = ""
    latency_ms: float = 0
    jitter_ms: float = 0
    failure_rate: float = 0
    failure_status: int = 500
    chunks: int = 8
    chunk_delay_ms: float = 0
    size: int = 0
    tool_deltas: int = 0
    reasoning: int = 0
    cached: int = 0
    message: str = ""
    usage: str = "asked"
    api_key: str = ""

    def changed(self, given: dict[str, Any]) -> Settings:
        """Return settings with the known names of `given` replaced."""
        kinds = {field.name: type(field.default) for field in dataclasses.fields(self)}
        known = {name: kinds[name](value) for name, value in given.items() if name in kinds}
        return dataclasses.replace(self, **known) if known else self


HELP = {
    "fault": "one of: " + ", ".join(FAULTS),
    "status": "answer with this status and an error body",
    "retry_after": "Retry-After header of failures (429 by default when set without a status)",
    "latency_ms": "wait before the answer",
    "jitter_ms": "up to this much more, at random",
    "failure_rate": "share of requests, 0 to 1, that fail with failure-status",
    "failure_status": "status of those failures",
    "chunks": "pieces of text in an answer",
    "chunk_delay_ms": "wait between two pieces of a stream",
    "size": "bytes of text in the answer instead of words",
    "tool_deltas": "answer with one tool call in this many deltas",
    "reasoning": "begin with this many pieces of reasoning",
    "cached": "tokens of the input that count as cached",
    "message": "what an error says",
    "usage": "usage in streams: asked (include_usage), always or never",
    "api_key": "refuse other keys with 401",
}


def dump(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def pieces(settings: Settings) -> list[str]:
    """Return the answer's text in pieces."""
    if settings.size:
        step = max(1, settings.size // max(1, settings.chunks))
        return ["x" * min(step, settings.size - at) for at in range(0, settings.size, step)]
    return [("" if at == 0 else " ") + WORDS[at % len(WORDS)] for at in range(max(1, settings.chunks))]


def thoughts(settings: Settings) -> list[str]:
    """Return the reasoning before the answer, in pieces."""
    return [f"thought {at}. " for at in range(settings.reasoning)]


def arguments(settings: Settings) -> list[str]:
    """Return a tool call's arguments as JSON in `tool_deltas` pieces."""
    count = settings.tool_deltas
    return (
        ['{"items":[', *(f"{at}," for at in range(max(0, count - 2))), "0]}"][:count] if count > 1 else ["{}"]
    )


@dataclasses.dataclass(frozen=True)
class Asked:
    """One request, as far as it matters for the answer."""

    place: str
    model: str
    stream: bool
    usage: bool
    tokens_in: int
    inputs: int = 1
    packed: bool = False


def tokens_out(settings: Settings) -> int:
    return (settings.tool_deltas or settings.chunks) + settings.reasoning


class Chat:
    """``/v1/chat/completions``."""

    @staticmethod
    def plain(asked: Asked, settings: Settings) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(pieces(settings))}
        if settings.reasoning:
            message["reasoning_content"] = "".join(thoughts(settings))
        finish = "stop"
        if settings.tool_deltas:
            call = {"name": "take", "arguments": "".join(arguments(settings))}
            message |= {
                "content": None,
                "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
            }
            finish = "tool_calls"
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return {
            **Chat._head(asked, "chat.completion"),
            "choices": [choice],
            "usage": Chat._usage(asked, settings),
        }

    @staticmethod
    def events(asked: Asked, settings: Settings) -> list[bytes]:
        def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            return (
                b"data: "
                + dump({**Chat._head(asked, "chat.completion.chunk"), "choices": [choice]})
                + b"\n\n"
            )

        out = [chunk({"role": "assistant", "content": ""})]
        out += [chunk({"reasoning_content": text}) for text in thoughts(settings)]
        if settings.tool_deltas:
            first = {
                "id": "call_1",
                "type": "function",
                "index": 0,
                "function": {"name": "take", "arguments": ""},
            }
            out.append(chunk({"tool_calls": [first]}))
            deltas = [
                {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}
                for text in arguments(settings)
            ]
            out += [chunk(delta) for delta in deltas]
        else:
            out += [chunk({"content": text}) for text in pieces(settings)]
        out.append(chunk({}, "tool_calls" if settings.tool_deltas else "stop"))
        if asked.usage:
            head = Chat._head(asked, "chat.completion.chunk")
            out.append(
                b"data: " + dump({**head, "choices": [], "usage": Chat._usage(asked, settings)}) + b"\n\n"
            )
        return [*out, b"data: [DONE]\n\n"]

    @staticmethod
    def _head(asked: Asked, kind: str) -> dict[str, Any]:
        return {"id": "chatcmpl-mock", "object": kind, "created": CREATED, "model": asked.model}

    @staticmethod
    def _usage(asked: Asked, settings: Settings) -> dict[str, Any]:
        into, out = asked.tokens_in + settings.cached, tokens_out(settings)
        usage = {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}
        if settings.cached:
            usage["prompt_tokens_details"] = {"cached_tokens": settings.cached}
        if settings.reasoning:
            usage["completion_tokens_details"] = {"reasoning_tokens": settings.reasoning}
        return usage


class Completions:
    """``/v1/completions``."""

    @staticmethod
    def plain(asked: Asked, settings: Settings) -> dict[str, Any]:
        choice = {"index": 0, "text": "".join(pieces(settings)), "finish_reason": "stop", "logprobs": None}
        usage = Chat._usage(asked, settings)
        return {**Completions._head(asked), "choices": [choice], "usage": usage}

    @staticmethod
    def events(asked: Asked, settings: Settings) -> list[bytes]:
        def chunk(text: str, finish: str | None = None) -> bytes:
            choice = {"index": 0, "text": text, "finish_reason": finish, "logprobs": None}
            return b"data: " + dump({**Completions._head(asked), "choices": [choice]}) + b"\n\n"

        out = [chunk(text) for text in pieces(settings)] + [chunk("", "stop")]
        if asked.usage:
            usage = {**Completions._head(asked), "choices": [], "usage": Chat._usage(asked, settings)}
            out.append(b"data: " + dump(usage) + b"\n\n")
        return [*out, b"data: [DONE]\n\n"]

    @staticmethod
    def _head(asked: Asked) -> dict[str, Any]:
        return {"id": "cmpl-mock", "object": "text_completion", "created": CREATED, "model": asked.model}


class Embeddings:
    """``/v1/embeddings``."""

    @staticmethod
    def plain(asked: Asked, settings: Settings) -> dict[str, Any]:
        numbers = [round(0.1 * at, 3) for at in range(max(1, settings.chunks))]
        vector: Any = numbers
        if asked.packed:
            vector = base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
        rows = [{"object": "embedding", "index": at, "embedding": vector} for at in range(asked.inputs)]
        return {
            "object": "list",
            "model": asked.model,
            "data": rows,
            "usage": {"prompt_tokens": asked.tokens_in, "total_tokens": asked.tokens_in},
        }


class Responses:
    """``/v1/responses``."""

    @staticmethod
    def plain(asked: Asked, settings: Settings) -> dict[str, Any]:
        output = [Responses._reasoning(settings)] if settings.reasoning else []
        output.append(Responses._item("".join(pieces(settings))))
        return Responses._response(asked, settings, "completed", output)

    @staticmethod
    def events(asked: Asked, settings: Settings) -> list[bytes]:
        out: list[bytes] = []

        def add(kind: str, **fields: Any) -> None:
            document = {"type": kind, "sequence_number": len(out), **fields}
            out.append(b"event: " + kind.encode() + b"\ndata: " + dump(document) + b"\n\n")

        text, at = "".join(pieces(settings)), int(settings.reasoning > 0)
        where = {"item_id": "msg_mock", "output_index": at, "content_index": 0}
        add("response.created", response=Responses._response(asked, settings, "in_progress", []))
        if settings.reasoning:
            item = Responses._reasoning(settings)
            add("response.output_item.added", output_index=0, item={**item, "summary": []})
            for piece in thoughts(settings):
                spot = {"item_id": item["id"], "output_index": 0, "summary_index": 0}
                add("response.reasoning_summary_text.delta", **spot, delta=piece)
            add("response.output_item.done", output_index=0, item=item)
        add("response.output_item.added", output_index=at, item={**Responses._item(""), "content": []})
        add("response.content_part.added", **where, part=Responses._part(""))
        for piece in pieces(settings):
            add("response.output_text.delta", **where, delta=piece)
        add("response.output_text.done", **where, text=text)
        add("response.content_part.done", **where, part=Responses._part(text))
        add("response.output_item.done", output_index=at, item=Responses._item(text))
        add("response.completed", response=Responses.plain(asked, settings))
        return out

    @staticmethod
    def _reasoning(settings: Settings) -> dict[str, Any]:
        said = {"type": "summary_text", "text": "".join(thoughts(settings))}
        return {"id": "rs_mock", "type": "reasoning", "summary": [said]}

    @staticmethod
    def _part(text: str) -> dict[str, Any]:
        return {"type": "output_text", "text": text, "annotations": []}

    @staticmethod
    def _item(text: str) -> dict[str, Any]:
        part = [Responses._part(text)]
        return {
            "id": "msg_mock",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": part,
        }

    @staticmethod
    def _response(asked: Asked, settings: Settings, status: str, output: list[Any]) -> dict[str, Any]:
        usage = None
        if status == "completed":
            into, out = asked.tokens_in + settings.cached, settings.chunks + settings.reasoning
            usage = {
                "input_tokens": into,
                "input_tokens_details": {"cached_tokens": settings.cached},
                "output_tokens": out,
                "output_tokens_details": {"reasoning_tokens": settings.reasoning},
                "total_tokens": into + out,
            }
        return {
            "id": "resp_mock",
            "object": "response",
            "created_at": CREATED,
            "status": status,
            "model": asked.model,
            "output": output,
            "usage": usage,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "parallel_tool_calls": True,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
        }


class Messages:
    """``/v1/messages`` (Anthropic)."""

    @staticmethod
    def plain(asked: Asked, settings: Settings) -> dict[str, Any]:
        content: list[dict[str, Any]] = [{"type": "text", "text": "".join(pieces(settings))}]
        if settings.tool_deltas:
            given = json.loads("".join(arguments(settings)))
            content = [{"type": "tool_use", "id": "toolu_1", "name": "take", "input": given}]
        if settings.reasoning:
            thought = {"type": "thinking", "thinking": "".join(thoughts(settings)), "signature": "c2ln"}
            content.insert(0, thought)
        stop = "tool_use" if settings.tool_deltas else "end_turn"
        return {
            **Messages._head(asked),
            "content": content,
            "stop_reason": stop,
            "usage": Messages._usage(asked, settings),
        }

    @staticmethod
    def events(asked: Asked, settings: Settings) -> list[bytes]:
        def named(kind: str, **fields: Any) -> bytes:
            return b"event: " + kind.encode() + b"\ndata: " + dump({"type": kind, **fields}) + b"\n\n"

        tool = bool(settings.tool_deltas)
        block = (
            {"type": "tool_use", "id": "toolu_1", "name": "take", "input": {}}
            if tool
            else {"type": "text", "text": ""}
        )
        parts = arguments(settings) if tool else pieces(settings)
        kind, member = ("input_json_delta", "partial_json") if tool else ("text_delta", "text")
        usage = Messages._usage(asked, settings)
        start = {
            **Messages._head(asked),
            "content": [],
            "stop_reason": None,
            "usage": {**usage, "output_tokens": 1},
        }
        stop = {"stop_reason": "tool_use" if tool else "end_turn", "stop_sequence": None}
        at = int(settings.reasoning > 0)
        return [
            named("message_start", message=start),
            *(Messages._thinking(settings, named) if at else []),
            named("content_block_start", index=at, content_block=block),
            b'event: ping\ndata: {"type": "ping"}\n\n',
            *(named("content_block_delta", index=at, delta={"type": kind, member: text}) for text in parts),
            named("content_block_stop", index=at),
            named("message_delta", delta=stop, usage=usage),
            named("message_stop"),
        ]

    @staticmethod
    def _thinking(settings: Settings, named: Callable[..., bytes]) -> list[bytes]:
        empty = {"type": "thinking", "thinking": "", "signature": ""}
        deltas = [{"type": "thinking_delta", "thinking": text} for text in thoughts(settings)]
        deltas.append({"type": "signature_delta", "signature": "c2ln"})
        return [
            named("content_block_start", index=0, content_block=empty),
            *(named("content_block_delta", index=0, delta=delta) for delta in deltas),
            named("content_block_stop", index=0),
        ]

    @staticmethod
    def _head(asked: Asked) -> dict[str, Any]:
        return {
            "id": "msg_mock",
            "type": "message",
            "role": "assistant",
            "model": asked.model,
            "stop_sequence": None,
        }

    @staticmethod
    def _usage(asked: Asked, settings: Settings) -> dict[str, Any]:
        usage = {"input_tokens": asked.tokens_in, "output_tokens": tokens_out(settings)}
        return {**usage, "cache_read_input_tokens": settings.cached} if settings.cached else usage


class CountTokens:
    """``/v1/messages/count_tokens``."""

    @staticmethod
    def plain(asked: Asked, settings: Settings) -> dict[str, Any]:
        del settings
        return {"input_tokens": asked.tokens_in}


SPEAKERS: dict[str, Any] = dict(
    zip(PLACES, (Chat, Completions, Embeddings, Responses, Messages, CountTokens), strict=True)
)


@functools.lru_cache(maxsize=64)
def plain_body(asked: Asked, settings: Settings) -> bytes:
    return dump(SPEAKERS[asked.place].plain(asked, settings))


@functools.lru_cache(maxsize=64)
def stream_events(asked: Asked, settings: Settings) -> tuple[bytes, ...]:
    return tuple(SPEAKERS[asked.place].events(asked, settings))


def error_body(place: str, status: int, message: str) -> bytes:
    if place.startswith("messages"):
        kind = {429: "rate_limit_error", 529: "overloaded_error", 404: "not_found_error"}.get(
            status, "api_error"
        )
        return dump({"type": "error", "error": {"type": kind, "message": message}})
    return dump(
        {"error": {"message": message, "type": "mock_error", "param": None, "code": f"mock_{status}"}}
    )


REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


class Exchange:
    """One request being answered: writes bytes, and breaks them as asked."""

    def __init__(self, connection: Connection, settings: Settings, place: str) -> None:
        self.connection = connection
        self.settings = settings
        self.place = place
        self.chunked = False

    def head(self, status: int, kind: str, length: int | None, extra: dict[str, str] | None = None) -> bytes:
        lines = [
            f"HTTP/1.1 {status} {REASONS.get(status, 'Mock')}",
            f"content-type: {kind}",
            "x-request-id: req_mock",
        ]
        lines.append("transfer-encoding: chunked" if length is None else f"content-length: {length}")
        lines += [f"{name}: {value}" for name, value in (extra or {}).items()]
        self.chunked = length is None
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    async def whole(self, status: int, body: bytes, kind: str = "application/json", **extra: str) -> None:
        head = self.head(
            status, kind, len(body), {name.replace("_", "-"): value for name, value in extra.items()}
        )
        await self.connection.write(head + body)

    async def fail(self, status: int, message: str = "") -> None:
        extra = {"retry_after": self.settings.retry_after} if self.settings.retry_after else {}
        await self.whole(
            status,
            error_body(self.place, status, message or self.settings.message or f"mock failure {status}"),
            **extra,
        )

    async def chunk(self, data: bytes) -> None:
        await self.connection.write(b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    async def end(self) -> None:
        if self.chunked:
            await self.connection.write(b"0\r\n\r\n")

    async def plain(self, asked: Asked) -> None:
        body, fault = plain_body(asked, self.settings), self.settings.fault
        if fault == "malformed":
            body = body[:-1] + b",}"
        elif fault in {"truncated", "cut-clean"}:
            body = body[: len(body) // 2]
        elif fault == "invalid-utf8":
            body = body.replace(b"quick", b"qu\xff\xfeck").replace(b"mock", b"m\xffck", 1)
        if fault in {"cut", "reset-mid", "hang-mid"}:
            await self.connection.write(
                self.head(200, "application/json", len(body)) + body[: len(body) // 2]
            )
            await self._break(fault)
            return
        await self.whole(200, body)

    async def stream(self, asked: Asked) -> None:
        settings, fault = self.settings, self.settings.fault
        events = list(stream_events(asked, settings))
        if fault == "no-done":
            events.pop()
        middle = len(events) // 2
        await self.connection.write(self.head(200, "text/event-stream; charset=utf-8", None))
        for number, event in enumerate(events):
            if number == middle and fault and await self._middle(fault, event):
                return
            await self._event(event, fault)
            if settings.chunk_delay_ms:
                await asyncio.sleep(settings.chunk_delay_ms / 1000)
            else:
                await asyncio.sleep(0)
        await self.end()

    async def _event(self, event: bytes, fault: str) -> None:
        if fault == "comments":
            event = b": PROCESSING\n\n" + event
        elif fault == "crlf":
            event = event.replace(b"\n", b"\r\n")
        elif fault == "split":
            await self.chunk(event[: len(event) // 2])
            await asyncio.sleep(0.002)
            event = event[len(event) // 2 :]
        await self.chunk(event)

    async def _middle(self, fault: str, event: bytes) -> bool:
        """Do what a fault does in the middle of a stream; tell whether the stream is over."""
        if fault in {"cut", "reset-mid", "hang-mid"}:
            await self.chunk(event[: len(event) // 2])
            await asyncio.sleep(0.01)
            await self._break(fault)
            return True
        if fault in {"cut-clean", "truncated"}:
            await self.end()
            return True
        if fault == "error-in-stream":
            await self.chunk(b"data: " + error_body(self.place, 503, "the model broke") + b"\n\n")
            await self.end()
            return True
        if fault == "malformed":
            await self.chunk(b'data: {"id": "broken", "choices": [\n\n')
        if fault == "invalid-utf8":
            await self.chunk(event[: len(event) // 2] + b"\xff\xfe" + event[len(event) // 2 :])
        return False

    async def _break(self, fault: str) -> None:
        if fault == "hang-mid":
            await asyncio.sleep(3600)
        elif fault == "reset-mid":
            self.connection.reset()
        else:
            self.connection.close()

    async def early(self) -> bool:
        """Do what comes before, or instead of, an answer; tell whether that was all."""
        settings = self.settings
        if settings.latency_ms or settings.jitter_ms:
            await asyncio.sleep((settings.latency_ms + random.random() * settings.jitter_ms) / 1000)
        if settings.status or settings.retry_after:
            await self.fail(settings.status or 429)
        elif settings.failure_rate and random.random() < settings.failure_rate:
            await self.fail(settings.failure_status)
        else:
            return await self._instead(settings.fault)
        return True

    async def _instead(self, fault: str) -> bool:
        """Do the faults that leave no answer; tell whether it was one."""
        pages = {
            "html": (200, b"<html><body><h1>Welcome</h1></body></html>", "text/html"),
            "html-error": (502, b"<html><body><h1>Bad gateway</h1></body></html>", "text/html"),
            "plain-error": (500, b"Internal Server Error", "text/plain"),
            "empty": (200, b"", "application/json"),
            "error-in-200": (200, error_body(self.place, 503, "the model broke"), "application/json"),
        }
        if fault == "reset-before":
            self.connection.reset()
        elif fault == "close-before":
            self.connection.close()
        elif fault == "hang":
            await asyncio.sleep(3600)
        elif fault in pages:
            await self.whole(*pages[fault])
        else:
            return False
        return True


class Mock:
    """The server's state: flags, changed settings, and what came in."""

    def __init__(self, flags: Settings, models: list[str]) -> None:
        self.flags = flags
        self.settings = flags
        self.models = models
        self.requests: list[dict[str, Any]] = []
        self.connections = 0
        self.keep_log = True

    async def answer(
        self, connection: Connection, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> None:
        path, _, query = path.partition("?")
        place = path.removeprefix("/v1").strip("/")
        if path.startswith("/_mock"):
            await self._control(connection, method, path, body)
        elif method == "GET" and place in {"", "health", "models"}:
            data = [
                {"id": name, "object": "model", "created": CREATED, "owned_by": "mock"}
                for name in self.models
            ]
            await Exchange(connection, self.settings, place).whole(
                200, dump({"object": "list", "data": data})
            )
        elif method == "POST" and place in SPEAKERS:
            await self._model(connection, place, query, headers, body)
        else:
            await Exchange(connection, self.settings, place).fail(404, f"nothing at {method} {path}")

    async def _model(
        self, connection: Connection, place: str, query: str, headers: dict[str, str], body: bytes
    ) -> None:
        try:
            document = json.loads(body)
            if not isinstance(document, dict):
                raise ValueError
        except ValueError:
            await Exchange(connection, self.settings, place).fail(400, "the body is not a JSON object")
            return
        settings = self._settings(headers, document)
        entry = {
            "place": place,
            "query": query,
            "headers": headers,
            "model": document.get("model"),
            "outcome": "open",
        }
        if self.keep_log:
            self.requests.append({**entry, "body": document, "at": time.time()})
            entry = self.requests[-1]
        exchange = Exchange(connection, settings, place)
        try:
            await self._speak(exchange, document, headers)
        except asyncio.CancelledError:
            entry["outcome"] = "client left"
            raise
        entry["outcome"] = "answered"

    async def _speak(self, exchange: Exchange, document: dict[str, Any], headers: dict[str, str]) -> None:
        settings, place = exchange.settings, exchange.place
        given = headers.get("authorization", "").removeprefix("Bearer ") or headers.get("x-api-key", "")
        if settings.api_key and given != settings.api_key:
            await exchange.fail(401, "wrong key")
            return
        if await exchange.early():
            return
        stream = bool(document.get("stream")) and hasattr(SPEAKERS[place], "events")
        options = document.get("stream_options")
        wanted = isinstance(options, dict) and bool(options.get("include_usage"))
        usage = settings.usage == "always" or (settings.usage == "asked" and wanted)
        said = document.get("messages") or document.get("input") or document.get("prompt") or ""
        given = document.get("input")
        asked = Asked(
            place,
            str(document.get("model", "mock")),
            stream,
            usage,
            max(1, len(str(said)) // 4),
            len(given) if place == "embeddings" and isinstance(given, list) else 1,
            document.get("encoding_format") == "base64",
        )
        await (exchange.stream(asked) if stream else exchange.plain(asked))

    def _settings(self, headers: dict[str, str], document: dict[str, Any]) -> Settings:
        given = {
            name[7:].replace("-", "_"): value for name, value in headers.items() if name.startswith("x-mock-")
        }
        inside = document.pop("x_mock", None)
        return self.settings.changed({**(inside if isinstance(inside, dict) else {}), **given})

    async def _control(self, connection: Connection, method: str, path: str, body: bytes) -> None:
        reply: Any = {"connections": self.connections, "requests": self.requests}
        if path == "/_mock/settings" and method == "POST":
            self.settings = self.flags.changed(json.loads(body or b"{}"))
            reply = dataclasses.asdict(self.settings)
        elif method == "DELETE":
            self.requests.clear()
        await Exchange(connection, self.settings, "").whole(200, dump(reply))


class Connection(asyncio.Protocol):
    """HTTP/1.1 by hand, so that it can be broken at any byte."""

    def __init__(self, mock: Mock) -> None:
        self.mock = mock
        self.buffer = bytearray()
        self.transport: asyncio.Transport
        self.task: asyncio.Task[None] | None = None
        self.may_write = asyncio.Event()
        self.may_write.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # it is an asyncio.Transport, or uvloop's
        self.mock.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (asyncio's own name)
        self.mock.connections -= 1
        self.may_write.set()
        if self.task is not None:
            self.task.cancel()

    def pause_writing(self) -> None:
        self.may_write.clear()

    def resume_writing(self) -> None:
        self.may_write.set()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self._next()

    async def write(self, data: bytes) -> None:
        if not self.may_write.is_set():
            await self.may_write.wait()
        self.transport.write(data)

    def close(self) -> None:
        self.transport.close()

    def reset(self) -> None:
        """Close with RST."""
        raw = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError, AttributeError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def _next(self) -> None:
        """Begin the next request when its bytes are there and the last one is answered."""
        if self.task is not None:
            return
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        first, *lines = bytes(self.buffer[:end]).decode("latin-1").split("\r\n")
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
        }
        body, after = self._body(headers, end + 4)
        if body is None:
            return
        del self.buffer[:after]
        method, path, _ = first.split(" ", 2)
        self.task = asyncio.ensure_future(self.mock.answer(self, method, path, headers, body))
        self.task.add_done_callback(self._answered)

    def _body(self, headers: dict[str, str], start: int) -> tuple[bytes | None, int]:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunked(start)
        after = start + int(headers.get("content-length") or 0)
        return (bytes(self.buffer[start:after]), after) if len(self.buffer) >= after else (None, 0)

    def _chunked(self, at: int) -> tuple[bytes | None, int]:
        parts = []
        while (line := self.buffer.find(b"\r\n", at)) >= 0:
            size = int(bytes(self.buffer[at:line]).split(b";")[0], 16)
            if len(self.buffer) < line + 4 + size:
                break
            parts.append(bytes(self.buffer[line + 2 : line + 2 + size]))
            at = line + 4 + size
            if not size:
                return b"".join(parts), at
        return None, 0

    def _answered(self, task: asyncio.Task[None]) -> None:
        self.task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            print(f"mock_openai: {error!r}", file=sys.stderr)
            self.transport.close()
        elif not self.transport.is_closing():
            self._next()


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8123, help="0 takes a free one")
    parser.add_argument("--models", default="mock", help="names in the models list, comma-separated")
    parser.add_argument("--quiet-log", action="store_true", help="do not remember requests (for benchmarks)")
    for field in dataclasses.fields(Settings):
        kind = type(field.default)
        choices = ["", *FAULTS] if field.name == "fault" else None
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=kind,
            default=field.default,
            help=HELP[field.name],
            choices=choices,
            metavar=field.name.upper(),
        )
    return parser.parse_args(argv)


async def main(options: argparse.Namespace) -> None:
    names = {field.name for field in dataclasses.fields(Settings)}
    flags = Settings(**{name: value for name, value in vars(options).items() if name in names})
    mock = Mock(flags, [name for name in options.models.split(",") if name])
    mock.keep_log = not options.quiet_log
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(mock), options.host, options.port, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    print(f"mock_openai listening on http://{options.host}:{port}", flush=True)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    chosen = parse(sys.argv[1:])
    try:
        import uvloop
    except ImportError:
        asyncio.run(main(chosen))
    else:
        uvloop.run(main(chosen))
