"""Answers made in this process: every form, plain and streamed, always marked as canned."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest

from workbench.domain.conversation import answer
from workbench.providers.canned import Words, canned_answer, pieces
from workbench.providers.demo import DemoProvider
from workbench.providers.echo import EchoProvider
from workbench.providers.provider import Call, Deployment, ProviderFailure

CHAT = "/v1/chat/completions"


def _call(body: Any, endpoint: str = CHAT, **own: Any) -> Call:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    deployment = Deployment(id="d", group="g", provider="demo", model="demo", **own)
    stream = isinstance(body, dict) and bool(body.get("stream"))
    return Call(
        endpoint=endpoint, body=raw, headers=[], deployment=deployment, stream=stream, exchange_id="ex_1"
    )


async def _read(given: Any) -> bytes:
    return b"".join([chunk async for chunk in given.chunks])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("endpoint", [CHAT, "/v1/completions"])
async def test_echo_says_the_last_words_back(endpoint: str, stream: bool) -> None:
    """In both forms, whole, with usage where asked for, and marked."""
    body = {
        "messages": [{"role": "user", "content": "héllo"}, {"role": "assistant", "content": "no"}],
        "prompt": "héllo",
        "stream": stream,
        "stream_options": {"include_usage": True},
    }
    raw = await _read(await EchoProvider().send(_call(body, endpoint)))
    got = answer(endpoint, raw, stream=stream)
    assert (got.text, got.complete, got.finish_reason) == ("héllo", True, "stop")
    assert got.usage.output_tokens
    assert b'"workbench":{"canned":true}' in raw


async def test_a_mock_response_is_said_whatever_was_asked() -> None:
    """LiteLLM's mock_response."""
    raw = await _read(await EchoProvider().send(_call({"messages": []}, params={"mock_response": "fixed"})))
    assert answer(CHAT, raw, stream=False).text == "fixed"


async def test_a_mock_fails_as_often_as_configured() -> None:
    """mock_failure_rate of an imported file."""
    draws = iter([0.1, 0.9])
    echo = EchoProvider(lambda: next(draws))
    call = _call({"messages": []}, params={"mock_failure_rate": 0.5})
    assert [(await echo.send(call)).status for _ in range(2)] == [500, 200]


async def test_tool_calls_are_streamed_and_plain() -> None:
    """One call with its arguments, and the finish reason that goes with it."""
    words = Words(tool=("look", {"at": "x"}))
    for stream in (False, True):
        body = {"messages": [], "stream": stream}
        raw = await _read(canned_answer(_call(body), body, words))
        got = answer(CHAT, raw, stream=stream)
        assert (got.tools, got.finish_reason) == (("look",), "tool_calls")
        assert json.loads(got.message.parts[0].text) == {"at": "x"}


async def test_embeddings_are_deterministic_unit_vectors() -> None:
    """Equal texts have equal vectors, in numbers and in base64, with the dimensions asked for."""
    numbers = json.loads(
        await _read(
            await EchoProvider().send(_call({"input": ["a", "b", "a"], "dimensions": 8}, "/v1/embeddings"))
        )
    )
    vectors = [item["embedding"] for item in numbers["data"]]
    assert vectors[0] == vectors[2] != vectors[1]
    assert [len(vector) for vector in vectors] == [8, 8, 8]
    assert sum(value * value for value in vectors[0]) == pytest.approx(1)
    body = {"input": "a", "dimensions": 8, "encoding_format": "base64"}
    packed = json.loads(await _read(await EchoProvider().send(_call(body, "/v1/embeddings"))))
    unpacked = struct.unpack("<8f", base64.b64decode(packed["data"][0]["embedding"]))
    assert unpacked == pytest.approx(vectors[0], abs=1e-6)


def test_pieces_lose_nothing() -> None:
    """Cut after white space where there is some, else anywhere."""
    text = "one two  three\nfour " + "x" * 50
    assert "".join(pieces(text, 8)) == text
    assert all(len(piece) <= 8 for piece in pieces(text, 8))
    assert list(pieces("", 8)) == []


async def test_the_demo_answers_deterministically() -> None:
    """The same request, the same words; streamed and plain say the same."""
    said = []
    for stream in (False, True, False):
        body = {"messages": [{"role": "user", "content": "hello"}], "stream": stream}
        said.append(answer(CHAT, await _read(await DemoProvider().send(_call(body))), stream=stream).text)
    assert said[0]
    assert said[0] == said[1] == said[2]


@pytest.mark.parametrize("body", [b"", b"{", b"[]"])
async def test_bodies_that_are_no_objects(body: bytes) -> None:
    """A failure, never an exception of another kind."""
    for provider in (EchoProvider(), DemoProvider()):
        with pytest.raises(ProviderFailure):
            await provider.send(_call(body))
