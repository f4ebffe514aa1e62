"""Requests and answers of the three dialects read into one shape, whole or in pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.conversation import AnswerBuilder, Message, Part, answer, request_messages
from workbench.domain.exchange import Usage

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"


def sse(*documents: Any, names: bool = False, done: bool = False) -> bytes:
    """Return the documents as a stream, with event names where the dialect has them."""
    out = b""
    for document in documents:
        name = f"event: {document['type']}\n" if names else ""
        out += f"{name}data: {json.dumps(document)}\n\n".encode()
    return out + (b"data: [DONE]\n\n" if done else b"")


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return a chat completion chunk."""
    return {"id": "c1", "model": "m-1", "choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


CHAT_STREAM = sse(
    delta(role="assistant", content=""),
    delta(reasoning_content="hm"),
    delta(content="Hel"),
    delta(content="lo"),
    delta(tool_calls=[{"index": 0, "id": "t1", "function": {"name": "look", "arguments": '{"q":'}}]),
    delta(tool_calls=[{"index": 0, "function": {"arguments": " 1}"}}]),
    delta("tool_calls"),
    {
        "choices": [],
        "usage": {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 3}},
    },
    done=True,
)
MESSAGES_STREAM = sse(
    {
        "type": "message_start",
        "message": {"id": "c1", "model": "m-1", "usage": {"input_tokens": 4, "cache_read_input_tokens": 5}},
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hel"}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "lo"}},
    {
        "type": "content_block_start",
        "index": 2,
        "content_block": {"type": "tool_use", "id": "t1", "name": "look", "input": {}},
    },
    {
        "type": "content_block_delta",
        "index": 2,
        "delta": {"type": "input_json_delta", "partial_json": '{"q": 1}'},
    },
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 4}},
    {"type": "message_stop"},
    names=True,
)
RESPONSES_STREAM = sse(
    {
        "type": "response.created",
        "response": {"id": "c1", "model": "m-1", "status": "in_progress", "output": []},
    },
    {"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "summary": []}},
    {"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "hm"},
    {"type": "response.output_item.added", "output_index": 1, "item": {"type": "message", "content": []}},
    {"type": "response.output_text.delta", "output_index": 1, "delta": "Hel"},
    {"type": "response.output_text.delta", "output_index": 1, "delta": "lo"},
    {
        "type": "response.output_item.added",
        "output_index": 2,
        "item": {"type": "function_call", "name": "look", "call_id": "t1"},
    },
    {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": '{"q": 1}'},
    {
        "type": "response.completed",
        "response": {"id": "c1", "status": "completed", "usage": {"input_tokens": 9, "output_tokens": 4}},
    },
    names=True,
)
PARTS = [
    Part(kind="reasoning", text="hm"),
    Part(kind="text", text="Hello"),
    Part(kind="tool_call", text='{"q": 1}', name="look", id="t1"),
]


@pytest.mark.parametrize(
    ("endpoint", "stream", "finish"),
    [
        (CHAT, CHAT_STREAM, "tool_calls"),
        (MESSAGES, MESSAGES_STREAM, "tool_use"),
        (RESPONSES, RESPONSES_STREAM, "tool_calls"),
    ],
)
def test_a_stream_of_each_dialect_reads_alike(endpoint: str, stream: bytes, finish: str) -> None:
    """Text, reasoning, tool call, usage, id and model come out of all three."""
    result = answer(endpoint, stream, stream=True)
    assert result.messages == [Message(role="assistant", parts=PARTS)]
    assert (result.finish_reason, result.id, result.model) == (finish, "c1", "m-1")
    assert (result.usage.input_tokens, result.usage.output_tokens) == (9, 4)
    assert result.tools == ("look",)
    assert result.complete


@pytest.mark.parametrize(
    ("endpoint", "stream"), [(CHAT, CHAT_STREAM), (MESSAGES, MESSAGES_STREAM), (RESPONSES, RESPONSES_STREAM)]
)
def test_a_cut_stream_is_never_complete(endpoint: str, stream: bytes) -> None:
    """Before the terminal event an answer is not a success, wherever the cut is."""
    terminal = {
        CHAT: b'"finish_reason": "tool_calls"',
        MESSAGES: b"event: message_stop",
        RESPONSES: b"event: response.completed",
    }
    end = stream.index(terminal[endpoint])
    for cut in range(0, end, 7):
        assert not answer(endpoint, stream[:cut], stream=True).complete


def test_a_stream_without_done_but_with_a_finish_reason_is_complete() -> None:
    """Servers that never send [DONE] still end their answers."""
    assert answer(CHAT, sse(delta(content="x"), delta("stop")), stream=True).complete


def test_an_error_inside_a_stream_is_an_error() -> None:
    """OpenRouter and others send an error object with status 200."""
    result = answer(
        CHAT,
        sse(delta(content="x"), {"error": {"message": "overloaded", "code": 502}}, done=True),
        stream=True,
    )
    assert (result.error, result.error_code, result.complete) == ("overloaded", "502", False)


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b'{"error": {"message": "no", "type": "bad"}}', "no", "bad"),
        (b'{"error": "plain"}', "plain", None),
        (b'{"detail": "unauthorised"}', "unauthorised", None),
        (b'{"status": 429, "title": "Too Many Requests"}', "Too Many Requests", "429"),
        (
            b'{"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}',
            "busy",
            "overloaded_error",
        ),
    ],
)
def test_error_bodies_of_all_shapes(body: bytes, message: str, code: str | None) -> None:
    """Each provider has its own shape; all are understood."""
    for endpoint in (CHAT, MESSAGES, RESPONSES):
        result = answer(endpoint, body, stream=False)
        assert (result.error, result.error_code, result.complete) == (message, code, False)


def test_whole_bodies() -> None:
    """The same answers, not streamed."""
    chat = answer(
        CHAT,
        b'{"id":"a","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":1,"completion_tokens":2,"completion_tokens_details":{"reasoning_tokens":1}}}',
        stream=False,
    )
    assert (chat.text, chat.usage) == ("hi", Usage(input_tokens=1, output_tokens=2, reasoning_tokens=1))
    legacy = answer("/v1/completions", b'{"choices":[{"text":"hi","finish_reason":"length"}]}', stream=False)
    assert (legacy.text, legacy.finish_reason, legacy.complete) == ("hi", "length", True)
    vectors = answer("/v1/embeddings", b'{"data":[{"embedding":[0.1]},{"embedding":[0.2]}]}', stream=False)
    assert (vectors.embeddings, vectors.complete) == (2, True)
    count = answer("/v1/messages/count_tokens", b'{"input_tokens": 12}', stream=False)
    assert (count.usage.input_tokens, count.complete) == (12, True)
    cut = answer(
        RESPONSES,
        b'{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[]}',
        stream=False,
    )
    assert cut.finish_reason == "length"


def test_request_messages_of_each_dialect() -> None:
    """System prompts, images, calls and results are found wherever the dialect puts them."""
    chat = {
        "messages": [
            {"role": "system", "content": "be kind"},
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "t", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "t", "content": "42"},
        ]
    }
    expected = [
        Message(role="system", parts=[Part(kind="text", text="be kind")]),
        Message(role="user", parts=[Part(kind="image", text="image/png, 3 B")]),
        Message(role="assistant", parts=[Part(kind="tool_call", text="{}", name="f", id="t")]),
        Message(role="tool", parts=[Part(kind="tool_result", text="42", id="t")]),
    ]
    assert expected == request_messages(CHAT, json.dumps(chat).encode())
    anthropic = {
        "system": "be kind",
        "messages": [
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "42"}]}
        ],
    }
    assert request_messages(MESSAGES, json.dumps(anthropic).encode()) == [
        expected[0],
        Message(role="user", parts=[Part(kind="tool_result", text="42", id="t")]),
    ]
    responses = {
        "instructions": "be kind",
        "input": [
            {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "t"},
            {"type": "function_call_output", "call_id": "t", "output": "42"},
        ],
    }
    assert [expected[0], expected[2], expected[3]] == request_messages(
        RESPONSES, json.dumps(responses).encode()
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "delta",
                    "message",
                    "content",
                    "type",
                    "output",
                    "usage",
                    "error",
                    "index",
                    "messages",
                    "input",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from([CHAT, RESPONSES, MESSAGES, "/v1/embeddings"]), json_values)
def test_no_json_is_odd_enough_to_raise(endpoint: str, value: Any) -> None:
    """A hostile or broken upstream can't make reading fail."""
    body = json.dumps(value).encode()
    answer(endpoint, body, stream=False)
    request_messages(endpoint, body)
    assert answer(endpoint, b"data: " + body + b"\n\n", stream=True).complete in {True, False}


@given(st.sampled_from([CHAT, RESPONSES, MESSAGES]), st.binary(max_size=200))
def test_no_bytes_are_odd_enough_to_raise(endpoint: str, body: bytes) -> None:
    """Neither can bytes that are no JSON at all, cut anywhere."""
    answer(endpoint, body, stream=False)
    builder = AnswerBuilder(endpoint)
    builder.feed(body[:50])
    builder.feed(body[50:])
    assert not builder.close().complete or b"stop" in body or b"DONE" in body


@pytest.mark.parametrize("endpoint", [CHAT, RESPONSES, MESSAGES])
def test_json_nested_too_deep_is_an_unreadable_answer(endpoint: str) -> None:
    """A body made to exhaust the parser's stack raises nothing, whole or streamed."""
    deep = b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert request_messages(endpoint, deep) == []
    assert not answer(endpoint, deep, stream=False).complete
    assert not answer(endpoint, b"data: " + deep + b"\n\n", stream=True).complete
