"""Requests and answers keep their meaning from one dialect to another and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from workbench.domain.conversation import AnswerBuilder, answer
from workbench.domain.dialects.translation import (
    CHAT,
    COMPLETIONS,
    MESSAGES,
    RESPONSES,
    Untranslatable,
    translation,
)
from workbench.domain.dialects.ways import WAYS

TOOL = {"type": "object", "properties": {"path": {"type": "string"}}}
CHAT_TOOLS = [{"type": "function", "function": {"name": "read", "description": "Read.", "parameters": TOOL}}]
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def _way(source: str, target: str) -> Any:
    way = translation(source, frozenset({target}))
    assert way is not None
    return way


def test_a_messages_request_becomes_chat() -> None:
    """System prompt, images, tool calls and results, limits and tool choice are all there."""
    chat = _way(MESSAGES, CHAT).request(
        {
            "model": "m",
            "max_tokens": 100,
            "system": [{"type": "text", "text": "Be short.", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is this?"},
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
                        },
                    ],
                },
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "hm", "signature": "s"},
                        {"type": "text", "text": "I look."},
                        {"type": "tool_use", "id": "t1", "name": "read", "input": {"path": "a"}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "t1",
                            "content": [{"type": "text", "text": "A"}],
                        },
                        {"type": "text", "text": "Go on."},
                    ],
                },
            ],
            "tools": [{"name": "read", "description": "Read.", "input_schema": TOOL}],
            "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
            "stop_sequences": ["END"],
            "metadata": {"user_id": "u"},
        }
    )
    assert chat["messages"] == [
        {"role": "system", "content": "Be short."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": PIXEL}},
            ],
        },
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "read", "arguments": '{"path":"a"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "t1", "content": "A"},
        {"role": "user", "content": "Go on."},
    ]
    assert chat["tools"] == CHAT_TOOLS
    assert (chat["tool_choice"], chat["parallel_tool_calls"]) == ("required", False)
    assert (chat["max_tokens"], chat["stop"], chat["user"]) == (100, ["END"], "u")


def test_a_chat_request_becomes_messages() -> None:
    """The same the other way: system aside, tool results in the user's turn, a limit of tokens always."""
    messages = _way(CHAT, MESSAGES).request(
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be short."},
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}]},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "t1",
                            "type": "function",
                            "function": {"name": "read", "arguments": '{"path":"a"}'},
                        },
                        {"id": "t2", "type": "function", "function": {"name": "read", "arguments": "{}"}},
                    ],
                },
                {"role": "tool", "tool_call_id": "t1", "content": "A"},
                {"role": "tool", "tool_call_id": "t2", "content": "B"},
                {"role": "user", "content": "Go on."},
            ],
            "tools": CHAT_TOOLS,
            "tool_choice": {"type": "function", "function": {"name": "read"}},
            "temperature": 1.7,
            "stop": "END",
        }
    )
    assert messages["system"] == "Be short."
    assert [turn["role"] for turn in messages["messages"]] == ["user", "assistant", "user"]
    assert messages["messages"][0]["content"][0]["source"] == {
        "type": "base64",
        "media_type": "image/png",
        "data": "iVBORw0KGgo=",
    }
    last = messages["messages"][2]["content"]
    assert [block["type"] for block in last] == ["tool_result", "tool_result", "text"]
    assert messages["tools"] == [{"name": "read", "description": "Read.", "input_schema": TOOL}]
    assert messages["tool_choice"] == {"type": "tool", "name": "read"}
    assert (messages["max_tokens"], messages["temperature"], messages["stop_sequences"]) == (4096, 1, ["END"])


def test_a_responses_request_becomes_chat() -> None:
    """What Codex sends: instructions, items, calls with their outputs, custom tools, a JSON schema."""
    chat = _way(RESPONSES, CHAT).request(
        {
            "model": "m",
            "instructions": "You are a coder.",
            "input": [
                {
                    "type": "message",
                    "role": "developer",
                    "content": [{"type": "input_text", "text": "Rules."}],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "Fix it"},
                        {"type": "input_image", "image_url": PIXEL},
                    ],
                },
                {"type": "reasoning", "summary": [], "encrypted_content": "…"},
                {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": "On it."}],
                },
                {"type": "function_call", "call_id": "c1", "name": "shell", "arguments": '{"cmd":"ls"}'},
                {"type": "custom_tool_call", "call_id": "c2", "name": "apply_patch", "input": "*** Begin"},
                {"type": "function_call_output", "call_id": "c1", "output": "a.py"},
                {
                    "type": "custom_tool_call_output",
                    "call_id": "c2",
                    "output": [{"type": "input_text", "text": "ok"}],
                },
            ],
            "tools": [
                {"type": "function", "name": "shell", "parameters": TOOL, "strict": False},
                {"type": "custom", "name": "apply_patch", "description": "Patch."},
                {"type": "web_search"},
            ],
            "tool_choice": "auto",
            "max_output_tokens": 50,
            "text": {"format": {"type": "json_schema", "name": "n", "schema": TOOL}},
            "store": False,
            "include": ["reasoning.encrypted_content"],
        }
    )
    assert [message["role"] for message in chat["messages"]] == [
        "system",
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
    ]
    calls = chat["messages"][3]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["shell", "apply_patch"]
    assert json.loads(calls[1]["function"]["arguments"]) == {"input": "*** Begin"}
    assert chat["messages"][5]["content"] == "ok"
    assert [tool["function"]["name"] for tool in chat["tools"]] == ["shell", "apply_patch"]
    assert chat["response_format"] == {"type": "json_schema", "json_schema": {"name": "n", "schema": TOOL}}
    assert chat["max_tokens"] == 50
    assert "store" not in chat


def test_what_a_tool_shows_is_seen_whatever_the_dialect() -> None:
    """Codex's view_image gives an image as a call's output: chat gets it right after all the results."""
    outputs: list[dict[str, Any]] = [
        {"call_id": "c1", "output": [{"type": "input_image", "image_url": PIXEL}]},
        {"call_id": "c2", "output": [{"type": "input_text", "text": "done"}]},
    ]
    calls = [{"type": "function_call", "call_id": f"c{n}", "name": "f", "arguments": "{}"} for n in (1, 2)]
    said = {"type": "message", "role": "user", "content": "what is it?"}
    given = {"input": [*calls, *({"type": "function_call_output", **output} for output in outputs), said]}
    messages = _way(RESPONSES, CHAT).request(given)["messages"]
    assert [message["role"] for message in messages] == ["assistant", "tool", "tool", "user", "user"]
    assert [message["content"] for message in messages[1:3]] == ["", "done"]
    assert messages[3]["content"] == [{"type": "image_url", "image_url": {"url": PIXEL}}]
    turns = _way(RESPONSES, MESSAGES).request({"model": "m", **given})["messages"]
    assert [block["type"] for block in turns[1]["content"]] == ["tool_result", "tool_result", "image", "text"]


@pytest.mark.parametrize("member", ["output_config", "output_format"])
def test_an_answer_in_a_form_is_asked_for_in_every_dialect(member: str) -> None:
    """Anthropic's structured outputs, under their new name and their old one, and the effort beside them."""
    form = {"type": "json_schema", "schema": TOOL}
    wanted = {"format": form, "effort": "max"} if member == "output_config" else form
    body = {"messages": [], "thinking": {"type": "adaptive"}, member: wanted}
    chat = _way(MESSAGES, CHAT).request(body)
    assert chat["response_format"]["json_schema"] == {"name": "answer", "schema": TOOL, "strict": True}
    assert chat["reasoning_effort"] == ("high" if member == "output_config" else "medium")


@pytest.mark.parametrize(
    ("source", "target", "request_", "path"),
    [
        (
            MESSAGES,
            CHAT,
            {"messages": [], "output_config": {"format": {"type": "x"}}},
            "output_config.format.type",
        ),
        (RESPONSES, CHAT, {"input": "x", "previous_response_id": "resp_1"}, "previous_response_id"),
        (RESPONSES, CHAT, {"input": [{"type": "item_reference", "id": "x"}]}, "input[0]"),
        (RESPONSES, CHAT, {"input": "x", "tool_choice": {"type": "web_search"}}, "tool_choice"),
        (MESSAGES, CHAT, {"messages": [], "tools": [{"type": "web_search_20250305"}]}, "tools[0].type"),
        (CHAT, MESSAGES, {"messages": [], "n": 2}, "n"),
        (
            CHAT,
            MESSAGES,
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            "messages[0].content[0]",
        ),
        (COMPLETIONS, CHAT, {"prompt": ["a", "b"]}, "prompt"),
    ],
)
def test_what_has_no_word_is_refused_with_its_path(
    source: str, target: str, request_: dict[str, Any], path: str
) -> None:
    """What would change the request's meaning is never left out in silence."""
    with pytest.raises(Untranslatable) as caught:
        _way(source, target).request(request_)
    assert caught.value.path == path


CHAT_ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 5,
    "model": "up",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {
                "role": "assistant",
                "reasoning_content": "think",
                "content": "Looking.",
                "tool_calls": [
                    {
                        "id": "c1",
                        "type": "function",
                        "function": {"name": "read", "arguments": '{"path":"a"}'},
                    }
                ],
            },
        }
    ],
    "usage": {
        "prompt_tokens": 30,
        "completion_tokens": 9,
        "total_tokens": 39,
        "prompt_tokens_details": {"cached_tokens": 10},
    },
    "workbench": {"canned": True},
}
CHAT_CHUNKS: list[dict[str, Any]] = [
    {"delta": {"role": "assistant", "content": ""}},
    {"delta": {"reasoning_content": "thi"}},
    {"delta": {"reasoning_content": "nk"}},
    {"delta": {"content": "Look"}},
    {"delta": {"content": "ing."}},
    {"delta": {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "read", "arguments": ""}}]}},
    {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": '{"path"'}}]}},
    {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": ':"a"}'}}]}},
    {"delta": {}, "finish_reason": "tool_calls"},
]


def _chat_events() -> list[dict[str, Any]]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 5, "model": "up"}
    events = [{**head, "choices": [{"index": 0, **chunk}]} for chunk in CHAT_CHUNKS]
    return [*events, {**head, "choices": [], "usage": CHAT_ANSWER["usage"]}]


def _said(got: Any) -> tuple[Any, ...]:
    parts = [(part.kind, part.text, part.name, part.id) for part in got.message.parts]
    return (sorted(parts, key=str), got.usage, got.complete, got.error)


@pytest.mark.parametrize("source", [MESSAGES, RESPONSES])
def test_an_answer_says_the_same_plain_and_streamed(source: str) -> None:
    """Text, reasoning, tool call, usage: the translated stream adds up to the translated body."""
    way = _way(source, CHAT)
    asked: dict[str, Any] = {"model": "m", "input": "x", "messages": []}
    plain = answer(source, json.dumps(way.answer(CHAT_ANSWER, asked)).encode(), stream=False)
    builder, stream = AnswerBuilder(source), way.stream(asked)
    for event in _chat_events():
        builder.feed(way.encode(stream.feed(event)))
    builder.feed(way.encode_end(stream.close()))
    streamed = builder.close()
    assert _said(plain) == _said(streamed)
    assert plain.tools == ("read",)
    assert plain.text == "Looking."
    assert (plain.usage.input_tokens, plain.usage.output_tokens, plain.usage.cached_tokens) == (30, 9, 10)
    assert plain.finish_reason == streamed.finish_reason


@pytest.mark.parametrize("source", [MESSAGES, RESPONSES])
def test_canned_answers_stay_marked(source: str) -> None:
    """The mark of a canned answer survives translation."""
    assert _way(source, CHAT).answer(CHAT_ANSWER, {})["workbench"] == {"canned": True}


def test_messages_to_chat_and_back_is_the_same_answer() -> None:
    """Translating an answer there and back keeps its words, its call, its stop reason and its usage."""
    messages = _way(MESSAGES, CHAT).answer(CHAT_ANSWER, {})
    back = _way(CHAT, MESSAGES).answer(messages, {})
    assert back["choices"][0]["finish_reason"] == "tool_calls"
    assert back["choices"][0]["message"] == CHAT_ANSWER["choices"][0]["message"]  # type: ignore[index]
    assert back["usage"] == CHAT_ANSWER["usage"]


def test_a_messages_stream_becomes_chat_chunks() -> None:
    """A client of chat completions over Anthropic: deltas, one tool call in pieces, usage only when asked."""
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "msg_1", "model": "c", "usage": {"input_tokens": 4}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "tool_use", "id": "t", "name": "read", "input": {}},
        },
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": '{"path":"a"}'},
        },
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 6}},
        {"type": "message_stop"},
    ]
    way = _way(CHAT, MESSAGES)
    for asked, usage in (({}, None), ({"stream_options": {"include_usage": True}}, 6)):
        builder, stream = AnswerBuilder(CHAT), way.stream(asked)
        for event in events:
            builder.feed(way.encode(stream.feed(event)))
        builder.feed(way.encode_end(stream.close()))
        got = builder.close()
        assert (got.text, got.tools, got.finish_reason) == ("Hi", ("read",), "tool_calls")
        assert got.complete
        assert got.usage.output_tokens == usage


def test_responses_over_anthropic_takes_two_steps() -> None:
    """A Codex client over an Anthropic upstream: request and answer go through chat."""
    way = _way(RESPONSES, MESSAGES)
    request = way.request({"model": "m", "instructions": "I", "input": "hello"})
    assert request["system"] == "I"
    assert request["messages"] == [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]
    made = way.answer(
        {
            "id": "msg_1",
            "content": [{"type": "text", "text": "yo"}],
            "stop_reason": "max_tokens",
            "usage": {"input_tokens": 1, "output_tokens": 2},
        },
        {"model": "m"},
    )
    assert made["output"][0]["content"][0]["text"] == "yo"
    assert (made["status"], made["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})


def test_custom_tools_come_back_as_custom_calls() -> None:
    """A free-form tool is a function with one string upstream, and a custom call for the client again."""
    asked = {"tools": [{"type": "custom", "name": "apply_patch"}]}
    call = {"id": "c", "function": {"name": "apply_patch", "arguments": '{"input":"*** Begin"}'}}
    made = _way(RESPONSES, CHAT).answer({"choices": [{"message": {"tool_calls": [call]}}]}, asked)
    assert made["output"][0]["type"] == "custom_tool_call"
    assert made["output"][0]["input"] == "*** Begin"


def test_parallel_calls_whose_pieces_come_in_turns() -> None:
    """Deltas of two calls that alternate still give two whole calls."""
    for source in (MESSAGES, RESPONSES):
        way = _way(source, CHAT)
        builder, stream = AnswerBuilder(source), way.stream({})
        for index, text in ((0, '{"a"'), (1, '{"b"'), (0, ":1}"), (1, ":2}")):
            call = {"index": index, "id": f"c{index}", "function": {"name": f"f{index}", "arguments": text}}
            chunk = {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}
            builder.feed(way.encode(stream.feed(chunk)))
        builder.feed(way.encode_end(stream.close()))
        calls = [json.loads(part.text) for part in builder.close().message.parts if part.kind == "tool_call"]
        assert calls == [{"a": 1}, {"b": 2}], source


def test_completions_over_chat() -> None:
    """The prompt is the user's message, the answer's words are the text."""
    way = _way(COMPLETIONS, CHAT)
    assert way.request({"model": "m", "prompt": "Once", "max_tokens": 3, "echo": True}) == {
        "model": "m",
        "max_tokens": 3,
        "messages": [{"role": "user", "content": "Once"}],
    }
    made = way.answer(CHAT_ANSWER, {})
    assert made["choices"][0]["text"] == "Looking."
    assert made["object"] == "text_completion"


def test_there_is_a_way_for_every_client_to_both_upstreams() -> None:
    """Every client dialect reaches chat upstreams and Anthropic's."""
    for source in (CHAT, MESSAGES, RESPONSES, COMPLETIONS):
        for target in (CHAT, MESSAGES):
            assert source == target or (source, target) in WAYS
