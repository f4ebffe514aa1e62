"""Whatever comes over a wire: a translation gives an answer or refuses, and never breaks."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.domain.dialects.translation import Untranslatable
from workbench.domain.dialects.watch import EventCutter, Malformed, Watch
from workbench.domain.dialects.ways import WAYS

_WORDS = sorted(
    {
        *(
            "model",
            "messages",
            "role",
            "content",
            "type",
            "text",
            "input",
            "output",
            "system",
            "tools",
            "tool_choice",
        ),
        *(
            "function",
            "name",
            "arguments",
            "parameters",
            "id",
            "call_id",
            "index",
            "delta",
            "choices",
            "message",
        ),
        *(
            "tool_calls",
            "finish_reason",
            "usage",
            "image_url",
            "url",
            "source",
            "data",
            "media_type",
            "thinking",
        ),
        *(
            "response_format",
            "json_schema",
            "n",
            "temperature",
            "stop",
            "stream",
            "stream_options",
            "include_usage",
        ),
        *(
            "max_tokens",
            "reasoning",
            "reasoning_effort",
            "effort",
            "format",
            "instructions",
            "prompt",
            "metadata",
        ),
        *(
            "user_id",
            "content_block",
            "stop_reason",
            "partial_json",
            "reasoning_content",
            "refusal",
            "is_error",
        ),
        *(
            "tool_use_id",
            "tool_call_id",
            "budget_tokens",
            "prompt_tokens_details",
            "cached_tokens",
            "workbench",
        ),
    }
)
_VALUES = sorted(
    {
        *(
            "user",
            "assistant",
            "tool",
            "system",
            "developer",
            "text",
            "image_url",
            "tool_use",
            "tool_result",
            "image",
        ),
        *(
            "input_text",
            "input_image",
            "function",
            "custom",
            "function_call",
            "function_call_output",
            "message",
        ),
        *(
            "message_start",
            "content_block_start",
            "content_block_delta",
            "message_delta",
            "message_stop",
            "ping",
        ),
        *(
            "text_delta",
            "thinking_delta",
            "input_json_delta",
            "auto",
            "required",
            "enabled",
            "json_schema",
            "high",
        ),
        *(
            "base64",
            "data:image/png;base64,AA==",
            "{}",
            "{",
            "[1]",
            "stop",
            "tool_calls",
            "end_turn",
            "reasoning",
        ),
    }
)
_scalar = (
    st.none()
    | st.booleans()
    | st.integers(-2, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(_VALUES)
)
_value = st.recursive(
    _scalar,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=6),
    max_leaves=12,
)
_document = st.dictionaries(st.sampled_from(_WORDS), _value, max_size=6)
_some = settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)


@pytest.mark.parametrize("way", WAYS.values(), ids=lambda way: f"{way.source} over {way.target}")
@_some
@given(_document)
def test_any_request_is_translated_or_refused(way: Any, document: dict[str, Any]) -> None:
    """Wrong types and missing members end in a body or in Untranslatable."""
    with contextlib.suppress(Untranslatable):
        json.dumps(way.request(document))


@pytest.mark.parametrize("way", WAYS.values(), ids=lambda way: f"{way.source} over {way.target}")
@_some
@given(_document, _document)
def test_any_answer_is_translated(way: Any, document: dict[str, Any], asked: dict[str, Any]) -> None:
    """An upstream may answer anything: the client gets a body in its dialect."""
    json.dumps(way.answer(document, asked))


@pytest.mark.parametrize("way", WAYS.values(), ids=lambda way: f"{way.source} over {way.target}")
@_some
@given(st.lists(_document, max_size=6), _document)
def test_any_stream_is_translated(way: Any, events: list[dict[str, Any]], asked: dict[str, Any]) -> None:
    """Events in any order and of any shape: what comes out is a stream that ends."""
    stream = way.stream(asked)
    for event in events:
        way.encode(stream.feed(event))
    assert way.encode_end(stream.close())


@pytest.mark.parametrize("endpoint", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
@_some
@given(st.lists(_document, max_size=5))
def test_watching_any_answer(endpoint: str, events: list[dict[str, Any]]) -> None:
    """Any JSON is watched, plain and in a stream, the quick way and the long one."""
    watch = Watch(endpoint)
    for event in events:
        body = json.dumps(event).encode()
        Watch(endpoint).body(body)
        chunk = b"data: " + body + b"\n\n"
        if not watch.ordinary(chunk):
            for block in EventCutter().feed(chunk):
                watch.event(block)
    watch.estimated(100)


@_some
@given(st.binary(max_size=200))
def test_watching_any_bytes(data: bytes) -> None:
    """Any bytes are an answer, or Malformed."""
    with contextlib.suppress(Malformed):
        Watch("/v1/messages").body(data)
    with contextlib.suppress(Malformed):
        Watch("/v1/chat/completions").event(b"data: " + data + b"\n\n")
