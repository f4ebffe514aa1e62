"""The regular middle of a stream is cut out exactly, or not at all."""

from __future__ import annotations

import json
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain import redaction
from workbench.domain.frames import frames
from workbench.domain.redaction import find_streamed, replace
from workbench.store import texts
from workbench.store.texts import answer_text

KEY = "sk-proj-" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA"  # no key, and not written like one
_PIECES = st.lists(
    st.text(max_size=6) | st.sampled_from(['"', "\\", "a\\", "\n", "é", "😀", KEY[:9], KEY[9:20], KEY[20:]]),
    min_size=4,
    max_size=12,
)


def stream(events, plain=False):
    return b"".join(f"data: {json.dumps(one, ensure_ascii=plain)}\n\n".encode() for one in events)


def chat(piece, **more):
    return {"id": "c1", "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}], **more}


def whole(found):
    """Put frames together again."""
    events = []
    for strings in zip(*found.columns, strict=True):
        parts = zip(found.literals, [*strings, b""], strict=True)
        events.append(b"".join([literal + string for literal, string in parts]))
    return found.before + b"\n\n".join(events) + found.behind


def slowly(data):
    said = [], []
    texts._read_events(data, *said)
    return "\n".join(part for part in map("".join, said) if part).strip()


@given(_PIECES, st.booleans(), st.booleans(), st.booleans())
def test_a_stream_is_its_frames(pieces, role, obfuscated, plain):
    """Nothing is lost, and what is read with their help is what reading each event gives."""
    more = [{"obfuscation": "x" * (len(piece) % 5)} if obfuscated else {} for piece in pieces]
    events = [chat(piece, **extra) for piece, extra in zip(pieces, more, strict=True)]
    if role:
        events.insert(
            0, {"id": "c1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}
        )
    data = stream(events, plain) + b"data: [DONE]\n\n"
    found = frames(data)
    assert found is None or whole(found) == data
    assert answer_text(data) == slowly(data)
    spans = find_streamed(data)
    with mock.patch.object(redaction, "frames", return_value=None):
        assert spans == find_streamed(data)


@given(
    st.lists(
        st.sampled_from([b'data: {"delta":"', b'"}', b"\n\n", b"\n", b"x", b'"', b"\\", b"\xe9"]), max_size=40
    )
)
def test_any_bytes_come_back_or_are_refused(parts):
    """However odd the stream is."""
    data = b"".join(parts)
    found = frames(data)
    assert found is None or whole(found) == data
    assert answer_text(data) == slowly(data) or not data.lstrip().startswith(b"data:")


@pytest.mark.parametrize(
    "event",
    [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "some words, "}},
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": "[1,"},
        },
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}}]},
        {"choices": [{"delta": {"content": "two", "reasoning_content": "things"}}]},
        {"choices": [{"text": "completion"}]},
    ],
)
def test_other_dialects_read_the_same(event):
    """Each with a beginning and an end of its own."""
    start = stream([{"type": "content_block_start", "content_block": {"type": "tool_use", "name": "look"}}])
    data = start + stream([event] * 9) + stream([{"type": "message_stop"}])
    assert frames(data) is not None
    assert answer_text(data) == slowly(data) != ""


def test_a_secret_in_every_place_is_found():
    """Across events, in what all events repeat, before and behind them."""
    regular = [chat(piece) for piece in ("here: ", KEY[:12], KEY[12:25], KEY[25:], " end")]
    named = [chat(piece, user=KEY) for piece in ("a", "b", "c", "d", "e")]
    usage = {"usage": {"note": KEY}}
    words = [chat(piece) for piece in ("a", "b", "c", "d", "e")]
    for events in (regular, named, [*words, usage], [usage, *words]):
        data = stream(events)
        assert {span.name for span in find_streamed(data)} == {"openai_key"}
        assert KEY.encode() not in replace(data, find_streamed(data))
    assert find_streamed(stream(words)) == []
