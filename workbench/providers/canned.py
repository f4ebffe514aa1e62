"""Answers made in this process, in the forms of chat completions, completions and embeddings.

Every answer carries ``"workbench": {"canned": true}`` so that nobody takes it for a model's.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import msgspec

from workbench.domain.answer import number
from workbench.domain.exchange import Headers
from workbench.providers.provider import CHAT, COMPLETIONS, EMBEDDINGS, Answer, Call, ProviderFailure

MARK: dict[str, Any] = {"canned": True}
_DIMENSIONS = 256
_MOST_NUMBERS = 2048 * _DIMENSIONS
"""In all vectors of an answer: they are made on the event loop. OpenAI takes 2,048 inputs at once."""
_CHARS_A_TOKEN = 4


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What a canned answer says: text or one tool call, and why it ended."""

    text: str = ""
    tool: tuple[str, dict[str, Any]] | None = None
    finish_reason: str = "stop"


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How a stream is cut and timed."""

    chunk_chars: int = 24
    wait_s: float = 0.0
    most_s: float = 1.0
    """Longest time for all waits together."""


def decoded(call: Call) -> dict[str, Any]:
    """Return the call's body. Raises ProviderFailure where it is no JSON object."""
    try:
        request = msgspec.json.decode(call.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProviderFailure("unsupported", f"the request can't be read as JSON: {error}") from None
    if not isinstance(request, dict):
        raise ProviderFailure("unsupported", "the request is not a JSON object")
    return request


def canned_answer(call: Call, request: Mapping[str, Any], words: Words, pace: Pace | None = None) -> Answer:
    """Return the answer to `call`, whose decoded body is `request`, saying `words`."""
    pace = pace or Pace()
    if call.endpoint == EMBEDDINGS:
        return _plain(embeddings(call, request))
    form = _Form(call, request, words)
    if not request.get("stream"):
        return _plain(form.whole())
    headers: Headers = [("Content-Type", "text/event-stream; charset=utf-8"), ("X-Workbench-Canned", "true")]
    return Answer(status=200, headers=headers, chunks=_paced(list(form.events(pace.chunk_chars)), pace))


def _plain(document: dict[str, Any]) -> Answer:
    headers: Headers = [("Content-Type", "application/json"), ("X-Workbench-Canned", "true")]
    return Answer(status=200, headers=headers, chunks=_once(msgspec.json.encode(document)))


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _paced(events: list[bytes], pace: Pace) -> AsyncIterator[bytes]:
    wait = min(pace.wait_s, pace.most_s / max(len(events), 1))
    for event in events:
        yield event
        await asyncio.sleep(wait)


class _Form:
    """One answer as chat completions or completions word it."""

    def __init__(self, call: Call, request: Mapping[str, Any], words: Words) -> None:
        self._words = words
        self._request = request
        self._chat = call.endpoint != COMPLETIONS
        kind = "chat.completion" if self._chat else "text_completion"
        self._head = {
            "id": f"chatcmpl-{call.exchange_id}",
            "object": kind,
            "created": int(time.time()),
            "model": call.deployment.model,
        }
        answered = words.text if words.tool is None else msgspec.json.encode(words.tool[1]).decode()
        self._usage = usage(_prompt_chars(call), len(answered))

    def whole(self) -> dict[str, Any]:
        """Return the plain answer."""
        if not self._chat:
            choice = {"index": 0, "text": self._words.text, "logprobs": None}
        elif self._words.tool is None:
            choice = {"index": 0, "message": {"role": "assistant", "content": self._words.text}}
        else:
            message = {"role": "assistant", "content": None, "tool_calls": [self._tool_call()]}
            choice = {"index": 0, "message": message}
        choice["finish_reason"] = self._finish()
        return {**self._head, "choices": [choice], "usage": self._usage, "workbench": MARK}

    def events(self, chunk_chars: int) -> Iterator[bytes]:
        """Yield the stream's events."""
        if self._chat:
            yield self._event({"role": "assistant", "content": ""}, None, mark=True)
        if self._words.tool is not None and self._chat:
            yield self._event({"tool_calls": [{"index": 0, **self._tool_call()}]}, None)
        for piece in pieces(self._words.text, chunk_chars):
            yield self._event({"content": piece}, None)
        yield self._event({}, self._finish(), mark=not self._chat)
        options = self._request.get("stream_options")
        if isinstance(options, dict) and options.get("include_usage"):
            yield _sse({**self._stream_head(), "choices": [], "usage": self._usage, "workbench": MARK})
        yield b"data: [DONE]\n\n"

    def _event(self, delta: dict[str, Any], finish: str | None, *, mark: bool = False) -> bytes:
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
        if self._chat:
            choice["delta"] = delta
        else:
            choice["text"] = delta.get("content", "")
        extra = {"workbench": MARK} if mark else {}
        return _sse({**self._stream_head(), "choices": [choice], **extra})

    def _stream_head(self) -> dict[str, Any]:
        return {**self._head, "object": "chat.completion.chunk"} if self._chat else self._head

    def _tool_call(self) -> dict[str, Any]:
        assert self._words.tool is not None
        name, arguments = self._words.tool
        text = msgspec.json.encode(arguments).decode()
        return {
            "id": f"call_{_digest(name + text)}",
            "type": "function",
            "function": {"name": name, "arguments": text},
        }

    def _finish(self) -> str:
        return "tool_calls" if self._words.tool is not None else self._words.finish_reason


def embeddings(call: Call, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return one unit vector an input, made from its hash: equal texts have equal vectors.

    Raises ProviderFailure for more of them than anybody needs for a trial.
    """
    given = request.get("input")
    inputs = given if isinstance(given, list) else [given]
    wanted = number(request.get("dimensions"))
    dimensions = wanted if wanted and wanted <= 8192 else _DIMENSIONS
    if len(inputs) * dimensions > _MOST_NUMBERS:
        message = f"{len(inputs)} vectors of {dimensions} are too much for canned answers"
        raise ProviderFailure("unsupported", message)
    packed = request.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _vector(item, dimensions, packed=packed)}
        for index, item in enumerate(inputs)
    ]
    tokens = max(_prompt_chars(call) // _CHARS_A_TOKEN, 1)
    figures = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {
        "object": "list",
        "data": data,
        "model": call.deployment.model,
        "usage": figures,
        "workbench": MARK,
    }


def _vector(item: Any, dimensions: int, *, packed: bool) -> list[float] | str:
    seed = msgspec.json.encode(item)
    raw = b"".join(
        hashlib.sha256(seed + bytes([block % 256])).digest() for block in range(dimensions // 16 + 1)
    )
    numbers = [value / 32768 for value in struct.unpack(f"<{dimensions}h", raw[: dimensions * 2])]
    length = sum(value * value for value in numbers) ** 0.5 or 1.0
    unit = [value / length for value in numbers]
    return base64.b64encode(struct.pack(f"<{dimensions}f", *unit)).decode() if packed else unit


def pieces(text: str, size: int) -> Iterator[str]:
    """Yield `text` in pieces of about `size` characters, cut after white space where there is some."""
    start = 0
    while start < len(text):
        end = start + size
        if end < len(text):
            cut = max(text.rfind(" ", start, end), text.rfind("\n", start, end)) + 1
            end = cut if cut > start else end
        yield text[start:end]
        start = end


def usage(prompt_chars: int, answer_chars: int) -> dict[str, int]:
    """Return token counts as four characters each."""
    prompt, answer = max(prompt_chars // _CHARS_A_TOKEN, 1), max(answer_chars // _CHARS_A_TOKEN, 1)
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def _prompt_chars(call: Call) -> int:
    return len(call.body)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _sse(document: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(document) + b"\n\n"


__all__ = ["CHAT", "Pace", "Words", "canned_answer", "embeddings", "pieces", "usage"]
