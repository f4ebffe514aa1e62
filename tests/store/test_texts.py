"""The words of a message, which must come out the same for ever."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.store import texts
from workbench.store.texts import message_text

_WORDS = st.text(max_size=20) | st.sampled_from(["x" * 600, "x" * 600 + " y", "  padded \n", ""])
_VALUES = st.none() | st.integers() | _WORDS | st.lists(st.fixed_dictionaries({"text": _WORDS}), max_size=2)


@given(
    st.dictionaries(st.sampled_from(["role", "content", "tool_call_id", "name", "tool_calls"]), _VALUES),
    st.sampled_from(["", ",", " ,\n"]),
)
def test_a_simple_message_is_read_as_any_other(message, before):
    """The short way to the words gives what the long one gives."""
    piece = json.dumps(message).encode()
    assert message_text(before.encode() + piece) == texts._any_message(piece)


@pytest.mark.parametrize(
    ("piece", "words"),
    [
        (b',{"role":"user","content":" hello there "}', "hello there"),
        (b'{"role":"tool","tool_call_id":"call_1","content":"found it"}', "found it"),
        (b'{"role":"assistant","content":null}', ""),
        (b'{"role":"user","content":"one","content":"two"}', "two"),
        (b'{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}', "a\nb"),
        (b'{"role":"user","name":"ann","content":"hello"}', "ann\nhello"),
        (b'{"role":"user","content":"cut o', ""),
    ],
)
def test_words_of_messages(piece, words):
    """As version 1 of the extraction says."""
    assert message_text(piece) == words
