"""A message is named as a copy out of the answer it repeats, and comes back byte for byte."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.store.repeats import pack_repeat, unpack_repeat

TEXT = "".join(f"line {number} of an answer,\n" for number in range(60))


EDGES = st.binary(max_size=40) | st.sampled_from([b"", b'{"role":"a","content":"', b'"content":"', b'"}'])


@given(EDGES, st.binary(min_size=100, max_size=400), EDGES, EDGES, EDGES)
def test_what_is_packed_comes_back(before, middle, behind, other, more):
    """Whatever stands around the copy, in the message and in the answer."""
    data = before + middle + behind
    for model in (other + middle + more, before + middle + more, more + data, middle[7:] + other, b""):
        packed = pack_repeat(data, model)
        assert packed is None or unpack_repeat(packed, model) == data


def test_a_message_that_repeats_an_answer_is_a_few_bytes():
    """Its own bytes are the edges only."""
    answer = json.dumps({"id": "x", "choices": [{"message": {"role": "assistant", "content": TEXT}}]})
    message = b"," + json.dumps({"role": "assistant", "content": TEXT}).encode()
    packed = pack_repeat(message, answer.encode())
    assert packed is not None
    assert len(packed) < 20
    assert unpack_repeat(packed, answer.encode()) == message


def test_what_the_answer_does_not_hold_is_refused():
    """Nothing is gained, so the caller compresses it as usual."""
    assert pack_repeat(TEXT.encode(), b"something else") is None
    assert pack_repeat(b"short", b"short") is None
    assert pack_repeat(TEXT[:700].encode() + b"#" * 700, TEXT[:701].encode()) is None


@pytest.mark.parametrize("packed", [b"", b"\x05ab", b"\x00\x05\x90\x4e", b"\x00\xff"])
def test_damage_is_an_error(packed):
    """Never other bytes."""
    with pytest.raises(ValueError, match=r"cut off|more than there is"):
        unpack_repeat(packed, b"the answer")
