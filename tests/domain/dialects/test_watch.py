"""Watching answers: what is whole, what was cut, what failed, what it cost in tokens."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.dialects.watch import EventCutter, Malformed, Watch, event_data
from workbench.domain.exchange import Usage

CHAT = "/v1/chat/completions"
STREAM = (
    b'data: {"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
    b": keep-alive\n\n"
    b'data: {"choices":[{"delta":{"content":"hello"},"finish_reason":null}]}\r\n\r\n'
    b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}\n\n'
    b"data: [DONE]\n\n"
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_events_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    """Cut anywhere, in the middle of a line end too, the same events come out and no byte is lost."""
    edges = [0, *sorted(cuts), len(STREAM)]
    cutter = EventCutter()
    events = [event for a, b in itertools.pairwise(edges) for event in cutter.feed(STREAM[a:b])]
    assert b"".join(events) + cutter.rest() == STREAM
    assert len(events) == 6


def _watched(endpoint: str, stream: bytes) -> Watch:
    watch = Watch(endpoint)
    for event in EventCutter().feed(stream):
        watch.event(event)
    return watch


def test_a_whole_chat_stream() -> None:
    """Usage, finish reason and the terminal event are seen."""
    watch = _watched(CHAT, STREAM)
    assert watch.terminal
    assert watch.complete
    assert watch.finish_reason == "stop"
    assert watch.usage == Usage(input_tokens=7, output_tokens=2)


def test_a_chat_stream_without_done_is_complete_when_it_has_a_finish_reason() -> None:
    """Some upstreams send no [DONE]: the finish reason is a clean end, its absence is not."""
    assert _watched(CHAT, STREAM[: STREAM.index(b"data: [DONE]")]).complete
    cut = _watched(CHAT, STREAM[: STREAM.index(b'data: {"choices":[{"delta":{},"')])
    assert cut.begun
    assert not cut.complete


def test_anthropic_usage_comes_in_two_events() -> None:
    """Input tokens (cached ones too) come first, output tokens last; what is missing erases nothing."""
    watch = _watched(
        "/v1/messages",
        b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":5,'
        b'"cache_read_input_tokens":20,"output_tokens":1}}}\n\n'
        b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}\n\n'
        b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}\n\n',
    )
    assert not watch.complete
    assert (watch.usage and watch.usage.input_tokens, watch.usage and watch.usage.output_tokens) == (25, 9)
    watch.event(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
    assert watch.complete
    assert watch.finish_reason == "end_turn"


def test_a_responses_stream_ends_with_its_last_event() -> None:
    """response.completed carries usage and ends the stream; response.failed carries the error."""
    done = (
        b'data: {"type":"response.completed","response":{"status":"completed","usage":'
        b'{"input_tokens":3,"output_tokens":4}}}\n\n'
    )
    watch = _watched("/v1/responses", done)
    assert watch.complete
    assert watch.usage == Usage(input_tokens=3, output_tokens=4)
    failed = (
        b'data: {"type":"response.failed","response":{"status":"failed",'
        b'"error":{"code":"server_error","message":"boom"}}}\n\n'
    )
    assert _watched("/v1/responses", failed).error == "boom"


@pytest.mark.parametrize(
    ("event", "message", "status"),
    [
        (b'data: {"error":{"message":"overloaded","code":502}}\n\n', "overloaded", 502),
        (b'data: {"error":{"message":"slow down","type":"rate_limit_error"}}\n\n', "slow down", 429),
        (b'data: {"error":"just words"}\n\n', "just words", None),
    ],
)
def test_errors_inside_a_stream_are_seen(event: bytes, message: str, status: int | None) -> None:
    """An error event in a 200 is an error, whatever its form."""
    watch = _watched(CHAT, event)
    assert (watch.error, watch.error_status) == (message, status)


@pytest.mark.parametrize("data", [b"data: {broken\n\n", b'data: {"a":1}}\n\n', b"data: <html>\n\n"])
def test_data_that_is_no_json_is_malformed(data: bytes) -> None:
    """Broken JSON in a stream is never passed over."""
    with pytest.raises(Malformed):
        _watched(CHAT, data)


@pytest.mark.parametrize("body", [b"", b"  ", b"<html></html>", b'{"choices":[', b'{"a":"\xff"}', b"[]"])
def test_a_body_that_is_no_json_object_is_malformed(body: bytes) -> None:
    """Empty, HTML, truncated and undecodable bodies are refused."""
    with pytest.raises(Malformed):
        Watch(CHAT).body(body)


def test_unknown_shapes_are_not_malformed() -> None:
    """JSON of a shape nobody expects is let through: it is the upstream's business."""
    watch = Watch(CHAT)
    watch.body(b'{"choices":"none","usage":[1]}')
    assert watch.usage is None
    assert watch.error is None


def test_usage_is_estimated_only_where_there_is_none() -> None:
    """Four bytes a token, and marked as an estimate."""
    watch = _watched(CHAT, b'data: {"choices":[{"delta":{"content":"abcdefgh"}}]}\n\n')
    assert watch.estimated(400) == Usage(input_tokens=100, output_tokens=2, estimated=True)
    assert _watched(CHAT, STREAM).estimated(400) == Usage(input_tokens=7, output_tokens=2)


def test_data_of_several_lines_is_joined() -> None:
    """The data lines of one event are one text; comments have none."""
    assert event_data(b"event: x\ndata: a\ndata: b\n\n") == b"a\nb"
    assert event_data(b": comment\n\n") is None
