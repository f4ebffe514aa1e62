"""Agent traffic for measurements: conversations that send their whole history with every turn.

Every message is a run of consecutive lines from the source and documentation of Python's standard library,
cut at a random place, so that it compresses and indexes like what agents read and write. Reproducible for one
Python version: all else comes from a seed.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from workbench.domain.exchange import Exchange, Write
from workbench.domain.ids import EXCHANGE, new_id

START_US = 1_780_000_000_000_000
STEP_US = 60_000
MODELS = ("gpt-large", "gpt-small", "claude-large", "deepseek-chat", "local-qwen")


class Turn(NamedTuple):
    """One exchange to record."""

    exchange: Exchange
    body: bytes
    answer: bytes
    writes: list[Write]


class Traffic:
    """A source of turns; many conversations are under way at a time."""

    def __init__(self, *, turns: int = 30, stream: bool = False, seed: int = 7, at_once: int = 64) -> None:
        self._random = random.Random(seed)
        self._turns = turns
        self._stream = stream
        self._at_once = at_once
        self._corpus = _corpus()
        self._prompts = [self._text(4_000) for _ in range(8)]
        tools = [
            {
                "type": "function",
                "function": {"name": f"tool_{n}", "description": self._text(250), "parameters": {}},
            }
            for n in range(16)
        ]
        self._tail = b'],"model":"%s","tools":' + json.dumps(tools, separators=(",", ":")).encode()
        self._number = 0

    def _text(self, size: int) -> str:
        """Return consecutive lines of real code and documentation, `size` characters."""
        start = self._random.randrange(len(self._corpus) - size)
        return self._corpus[start : start + size]

    def __iter__(self) -> Iterator[Turn]:
        open_ones: list[_Conversation] = []
        while True:
            while len(open_ones) < self._at_once:
                open_ones.append(_Conversation(self))
            conversation = self._random.choice(open_ones)
            yield conversation.turn()
            if conversation.turns >= self._turns:
                open_ones.remove(conversation)


def _corpus() -> str:
    """Return the standard library's own source, about 10 MB, in a fixed order."""
    folder = Path(os.__file__).parent
    files = sorted(
        path
        for path in folder.rglob("*.py")
        if "site-packages" not in path.parts and "test" not in path.parts
    )
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)


class _Conversation:
    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._random = traffic._random
        self._model = self._random.choice(MODELS)
        self._tenant = f"team-{self._random.randrange(5)}"
        self._pieces = [_message("system", self._random.choice(traffic._prompts))]
        self._pieces.append(_message("user", traffic._text(600)))
        self.turns = 0

    def turn(self) -> Turn:
        traffic = self._traffic
        traffic._number += 1
        self.turns += 1
        body = b'{"messages":[' + b",".join(self._pieces) + traffic._tail % self._model.encode() + b"}"
        text = traffic._text(980)
        at = START_US + traffic._number * STEP_US
        identity = f"chatcmpl-{self._random.getrandbits(96):024x}"
        answer, writes = (
            _streamed(identity, self._model, text, self._random)
            if traffic._stream
            else _plain(identity, self._model, text)
        )
        failed = self._random.random() < 0.02
        exchange = Exchange(
            id=new_id(EXCHANGE, at),
            started_at=at,
            endpoint="/v1/chat/completions",
            model=self._model,
            deployment=f"{self._model}-1",
            provider="openai",
            status=500 if failed else 200,
            stream=traffic._stream,
            input_tokens=len(body) // 4,
            output_tokens=245,
            cost_usd=len(body) / 4e6,
            attempts=1,
            tenant=self._tenant,
            finish_reason="stop",
            client="OpenAI/Python 2.54.0",
        )
        self._pieces.append(_message("assistant", text))
        self._pieces.append(_message("user", traffic._text(self._random.randint(700, 1500))))
        return Turn(exchange, body, answer, writes)


def _message(role: str, content: str) -> bytes:
    return json.dumps({"role": role, "content": content}, separators=(",", ":")).encode()


def _plain(identity: str, model: str, text: str) -> tuple[bytes, list[Write]]:
    message = {"role": "assistant", "content": text, "refusal": None}
    document = {
        "id": identity,
        "object": "chat.completion",
        "created": 1780000000,
        "model": f"{model}-2026-08-01",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10811, "completion_tokens": 245, "total_tokens": 11056},
    }
    body = json.dumps(document, separators=(",", ":")).encode()
    return body, [Write(len(body), 812_345)]


def _streamed(identity: str, model: str, text: str, chance: random.Random) -> tuple[bytes, list[Write]]:
    """Return an answer of 200 chunks and a write for each, a few milliseconds apart."""
    head = (
        f'data: {{"id":"{identity}","object":"chat.completion.chunk","created":1780000000,'
        f'"model":"{model}-2026-08-01",'
        '"service_tier":"default","system_fingerprint":"fp_44709d6fcb","choices":[{"index":0,"delta":{"content":'
    )
    tail = '},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"%s"}\n\n'
    step = max(1, len(text) // 198)
    events = [
        f"{head}{json.dumps(text[at : at + step])}{tail % ('x' * chance.randint(3, 9))}"
        for at in range(0, len(text), step)
    ]
    pieces = [event.encode() for event in events]
    pieces.append(b"data: [DONE]\n\n")
    writes, at = [], 400_000
    for piece in pieces:
        at += int(chance.expovariate(1 / 9_000))
        writes.append(Write(len(piece), at))
    return b"".join(pieces), writes


HEADERS = [
    ("host", "127.0.0.1:4000"),
    ("authorization", "Bearer sk-wb-0123456789abcdefghijklmnopqrstuv"),
    ("content-type", "application/json"),
    ("accept", "application/json"),
    ("accept-encoding", "gzip, deflate"),
    ("user-agent", "OpenAI/Python 2.54.0"),
    ("x-stainless-lang", "python"),
    ("x-stainless-package-version", "2.54.0"),
    ("x-stainless-os", "Linux"),
    ("x-stainless-runtime-version", "3.11.2"),
    ("x-stainless-retry-count", "0"),
]
ANSWER_HEADERS = [
    ("content-type", "application/json"),
    ("x-workbench-deployment", "gpt-large-1"),
    ("x-workbench-attempts", "1"),
    ("x-workbench-cache", "off"),
    ("x-request-id", "req_0123456789abcdef"),
]
