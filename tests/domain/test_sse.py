"""Server-sent events are read alike however the bytes are cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.sse import Event, Parser

STREAM = b"".join(
    [
        b"\xef\xbb\xbf: PROCESSING\r\n\r\n",
        b"event: a\ndata: 1\ndata:2\n\n",
        b'data: {"x": "\xc3\xa9"}\rid: 7\r\r',
        b"data\n\ndata: [DONE]\n\n",
    ]
)
EVENTS = [
    Event(data=b"1\n2", event="a"),
    Event(data='{"x": "é"}'.encode(), id="7"),
    Event(data=b"", id="7"),
    Event(data=b"[DONE]", id="7"),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    """Chunk borders, even inside CRLF or a UTF-8 sequence, do not matter."""
    borders = [0, *sorted(cuts), len(STREAM)]
    parser = Parser()
    events = [event for start, end in itertools.pairwise(borders) for event in parser.feed(STREAM[start:end])]
    assert events + parser.close() == EVENTS
    assert parser.comments == 1


def test_a_last_event_without_an_empty_line_is_not_lost() -> None:
    """Some providers close right after the last data line."""
    parser = Parser()
    assert parser.feed(b"data: end") == []
    assert parser.pending
    assert parser.close() == [Event(data=b"end")]
    assert not parser.pending


def test_an_endless_event_is_refused() -> None:
    """An upstream that never ends a line can't fill the memory."""
    parser = Parser(limit=1000)
    parser.feed(b"x" * 1000)
    with pytest.raises(ValueError, match="1000 bytes"):
        parser.feed(b"x")
