"""Every client's dialect over one upstream that speaks only chat completions, embeddings and completions."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from tests.e2e.conftest import MockUpstream, RouterProcess
from workbench.settings.home import Home
from workbench.store.store import Reader

TEXT = "the quick brown fox jumps over a lazy"


CONFIG = """
model_list:
  - model_name: mock
    litellm_params: {{model: openai/mock, api_base: {base}/v1, api_key: sk-upstream}}
    model_info: {{supported_endpoints: [/v1/chat/completions, /v1/completions, /v1/embeddings]}}
  - model_name: native
    litellm_params: {{model: openai/mock, api_base: {base}/v1, api_key: sk-upstream}}
    model_info: {{supported_endpoints: [/v1/responses, /v1/messages, /v1/messages/count_tokens]}}
"""


@pytest.fixture
def mock_router(home: Path, upstream: MockUpstream) -> Iterator[RouterProcess]:
    """A router whose group `mock` speaks only the older endpoints, and `native` only the others."""
    config = Home(home).config
    config.parent.mkdir(parents=True)
    config.write_text(CONFIG.format(base=upstream.base_url))
    process = RouterProcess(home)
    yield process.start()
    process.stop()


@pytest.fixture
def sdk(mock_router: RouterProcess):
    with OpenAI(api_key=mock_router.key, base_url=f"{mock_router.base_url}/v1", max_retries=0) as client:
        yield client


def events(data: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Return name and data of each event of a stream."""
    found = []
    for block in data.decode().strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines())
        found.append((lines.get("event", ""), json.loads(lines["data"])))
    return found


def last_exchange(router: RouterProcess):
    with Reader.open(Home(router.home).store) as store:
        exchange = store.exchanges(limit=1).items[0]
        (attempt,) = store.attempts(exchange.id)
        return exchange, attempt, store.attempt_body(exchange.id, 1, "request")


def test_responses_as_codex_asks_for_them(sdk: OpenAI, mock_router: RouterProcess):
    """The SDK reads the translated answer; the attempt keeps what the upstream was asked."""
    answer = sdk.responses.create(model="mock", instructions="be short", input="hello")
    assert answer.output_text == TEXT
    assert answer.status == "completed"
    assert answer.usage is not None
    exchange, attempt, sent = last_exchange(mock_router)
    assert (exchange.endpoint, exchange.state) == ("/v1/responses", "complete")
    assert exchange.output_tokens == 8
    assert attempt.has_request
    assert [message["role"] for message in json.loads(sent)["messages"]] == ["system", "user"]


def test_a_stream_of_responses_events(sdk: OpenAI):
    """Text arrives piece by piece, and the last event is the whole response."""
    stream = sdk.responses.create(model="mock", input="hello", stream=True)
    found = list(stream)
    assert found[0].type == "response.created"
    assert "".join(event.delta for event in found if event.type == "response.output_text.delta") == TEXT
    assert found[-1].type == "response.completed"
    assert found[-1].response.output_text == TEXT


def test_messages_as_claude_code_asks_for_them(mock_router: RouterProcess):
    """With ?beta=true, a system prompt in blocks and x-api-key alone."""
    body = {
        "model": "mock",
        "max_tokens": 100,
        "system": [{"type": "text", "text": "be short", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
    }
    status, _, data = mock_router.post("/v1/messages?beta=true", body)
    answer = json.loads(data)
    assert status == 200, data
    assert (answer["type"], answer["role"], answer["stop_reason"]) == ("message", "assistant", "end_turn")
    assert answer["content"] == [{"type": "text", "text": TEXT}]
    assert answer["usage"]["output_tokens"] == 8
    exchange, _, sent = last_exchange(mock_router)
    assert exchange.endpoint == "/v1/messages"
    assert json.loads(sent)["messages"][0]["role"] == "system"


def test_a_stream_of_anthropic_events(mock_router: RouterProcess):
    """From message_start to message_stop, in Anthropic's order."""
    body = {"model": "mock", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    status, headers, data = mock_router.post("/v1/messages", body)
    assert (status, headers["content-type"].split(";")[0]) == (200, "text/event-stream")
    found = events(data)
    names = [name for name, _ in found]
    assert names[0] == "message_start"
    assert names[-2:] == ["message_delta", "message_stop"]
    text = "".join(event["delta"]["text"] for name, event in found if name == "content_block_delta")
    assert text == TEXT
    assert dict(found)["message_delta"]["delta"]["stop_reason"] == "end_turn"


def test_a_tool_call_reaches_an_anthropic_client_in_its_own_shape(
    mock_router: RouterProcess, upstream: MockUpstream
):
    """Deltas of arguments become input_json_delta; the record names the tool."""
    upstream.behave(tool_deltas=12)
    tool = {"name": "take", "description": "takes", "input_schema": {"type": "object", "properties": {}}}
    body = {
        "model": "mock",
        "max_tokens": 9,
        "stream": True,
        "tools": [tool],
        "messages": [{"role": "user", "content": "hi"}],
    }
    _, _, data = mock_router.post("/v1/messages", body)
    found = events(data)
    starts = [event["content_block"] for name, event in found if name == "content_block_start"]
    assert [block["name"] for block in starts if block["type"] == "tool_use"] == ["take"]
    deltas = [event["delta"] for name, event in found if name == "content_block_delta"]
    arguments = "".join(delta["partial_json"] for delta in deltas if delta["type"] == "input_json_delta")
    assert len(json.loads(arguments)["items"]) == 11
    assert dict(found)["message_delta"]["delta"]["stop_reason"] == "tool_use"
    assert last_exchange(mock_router)[0].tools == ("take",)


def test_reasoning_keeps_its_place_in_every_dialect(mock_router: RouterProcess, upstream: MockUpstream):
    """What a chat upstream thinks is a thinking block for one client and a reasoning item for the other."""
    upstream.behave(reasoning=3, cached=50)
    thought = "thought 0. thought 1. thought 2. "
    said = [{"role": "user", "content": "hi"}]
    body = {"model": "mock", "max_tokens": 9, "messages": said, "thinking": {"type": "adaptive"}}
    whole = json.loads(mock_router.post("/v1/messages?beta=true", body)[2])
    assert [block["type"] for block in whole["content"]] == ["thinking", "text"]
    assert whole["usage"]["cache_read_input_tokens"] == 50
    found = events(mock_router.post("/v1/messages?beta=true", {**body, "stream": True})[2])
    deltas = [event["delta"] for name, event in found if name == "content_block_delta"]
    assert (
        "".join(delta.get("thinking", "") for delta in deltas) == whole["content"][0]["thinking"] == thought
    )
    assert dict(found)["message_delta"]["usage"]["cache_read_input_tokens"] == 50
    asked = {"model": "mock", "input": "hi", "reasoning": {"effort": "high", "summary": "auto"}}
    whole = json.loads(mock_router.post("/v1/responses", asked)[2])
    assert [item["type"] for item in whole["output"]] == ["reasoning", "message"]
    found = events(mock_router.post("/v1/responses", {**asked, "stream": True})[2])
    names = [name for name, _ in found]
    assert names.index("response.reasoning_summary_text.done") < names.index("response.output_text.delta")
    last = dict(found)["response.completed"]["response"]
    assert (
        last["output"][0]["summary"]
        == whole["output"][0]["summary"]
        == [{"type": "summary_text", "text": thought}]
    )
    assert last["usage"]["output_tokens_details"] == {"reasoning_tokens": 3}
    assert last["usage"]["input_tokens_details"] == {"cached_tokens": 50}


def test_a_conversation_that_lives_elsewhere_is_refused_in_words(mock_router: RouterProcess):
    """A chat upstream keeps no responses: going on from one by its id can't be done, and that is said."""
    body = {"model": "mock", "input": "go on", "previous_response_id": "resp_1"}
    status, _, data = mock_router.post("/v1/responses", body)
    error = json.loads(data)["error"]
    assert (status, error["param"], error["retryable"]) == (400, "previous_response_id", False)
    assert "send the whole input" in error["message"]


@pytest.mark.parametrize("model", ["mock", "native"])
def test_a_broken_stream_is_an_error_event_in_every_dialect(
    mock_router: RouterProcess, upstream: MockUpstream, model: str
):
    """Translated or not, no client sees its terminal event."""
    upstream.behave(fault="cut", chunk_delay_ms=5)
    _, _, data = mock_router.post("/v1/responses", {"model": model, "stream": True, "input": "hi"})
    names = [name for name, _ in events(data)]
    assert names[-2:] == ["error", "response.failed"]
    assert "response.completed" not in names
    messages = [{"role": "user", "content": "hi"}]
    body = {"model": model, "stream": True, "max_tokens": 9, "messages": messages}
    _, _, data = mock_router.post("/v1/messages", body)
    names = [name for name, _ in events(data)]
    assert names[-1] == "error"
    assert "message_stop" not in names


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("path", "asks"), [("/v1/responses", "input"), ("/v1/messages", "messages")])
def test_an_upstream_of_the_same_dialect_is_passed_byte_for_byte(
    mock_router: RouterProcess, upstream: MockUpstream, path: str, asks: str, stream: bool
):
    """What the upstream got is what the client sent but for the model's name; the answer is untouched."""
    said: Any = "hi" if asks == "input" else [{"role": "user", "content": "hi"}]
    body = {"model": "native", asks: said, "max_tokens": 9, "unknown": {"kept": [1, None]}, "stream": stream}
    _, _, data = mock_router.post(path, body)
    (request,) = upstream.requests()
    assert request["body"] == {**body, "model": "mock"}
    direct = urllib.request.Request(upstream.base_url + path, json.dumps({**body, "model": "mock"}).encode())
    with urllib.request.urlopen(direct, timeout=10) as answer:
        assert answer.read() == data


def test_tokens_are_counted_for_a_client_that_only_wants_to_know(
    mock_router: RouterProcess, upstream: MockUpstream
):
    """count_tokens answers without asking a model that has no such endpoint."""
    body = {"model": "mock", "messages": [{"role": "user", "content": "how long is this?"}]}
    status, _, data = mock_router.post("/v1/messages/count_tokens", body)
    assert status == 200
    assert json.loads(data)["input_tokens"] > 3
    assert upstream.requests() == []


def test_completions_and_embeddings_pass(sdk: OpenAI):
    """The older endpoints, plain and streaming."""
    assert sdk.completions.create(model="mock", prompt="hello").choices[0].text == TEXT
    stream = sdk.completions.create(model="mock", prompt="hello", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream if chunk.choices) == TEXT
    vector = sdk.embeddings.create(model="mock", input="hello", encoding_format="float").data[0].embedding
    assert len(vector) == 8
    packed = sdk.embeddings.create(model="mock", input=["hello", "there"])  # as base64, which the SDK unpacks
    assert [len(entry.embedding) for entry in packed.data] == [8, 8]
    assert {"mock", "echo", "demo"} <= {model.id for model in sdk.models.list()}
