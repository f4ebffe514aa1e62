"""Ids, times and chunking make no difference; everything else does."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.replay.builders import chat, chat_stream, messages_stream
from workbench.replay.fold import fold

texts = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=6)


@given(texts, st.data())
def test_a_stream_cut_elsewhere_folds_alike(pieces: list[str], data: st.DataObject) -> None:
    """The same words in other pieces, with other ids and times, are the same answer."""
    whole = "".join(pieces)
    cut = data.draw(st.integers(0, len(whole)))
    other = [piece for piece in (whole[:cut], whole[cut:]) if piece]
    assert fold(chat_stream(pieces), stream=True) == fold(chat_stream(other, number=2), stream=True)
    assert fold(messages_stream(pieces), stream=True) == fold(messages_stream(other, number=2), stream=True)


@given(texts, texts)
def test_other_words_fold_otherwise(first: list[str], second: list[str]) -> None:
    """Two streams fold alike only when they say the same."""
    alike = fold(chat_stream(first), stream=True) == fold(chat_stream(second), stream=True)
    assert alike == ("".join(first) == "".join(second))


def test_a_missing_end_is_a_difference() -> None:
    """A stream without [DONE] or finish reason is not the same as one with them."""
    whole = fold(chat_stream(["a"]), stream=True)
    assert whole != fold(chat_stream(["a"], done=False), stream=True)
    assert whole != fold(chat_stream(["a"], finish=None), stream=True)


def test_unknown_fields_count() -> None:
    """What we do not know may matter: it is compared, only ids and times are not."""
    plain = json.dumps(chat()).encode()
    assert fold(plain, stream=False) == fold(json.dumps(chat(id="x", created=9)).encode(), stream=False)
    assert fold(plain, stream=False) != fold(json.dumps(chat(service_tier="flex")).encode(), stream=False)


def test_an_id_inside_a_tools_input_is_no_bookkeeping() -> None:
    """What the model passes to a tool is compared whole."""
    bodies = [
        json.dumps(
            {"id": "msg", "content": [{"type": "tool_use", "id": "t", "name": "n", "input": {"id": n}}]}
        )
        for n in (1, 2)
    ]
    assert fold(bodies[0].encode(), stream=False) != fold(bodies[1].encode(), stream=False)


def test_what_is_no_answer_folds_to_nothing() -> None:
    """Neither JSON nor a stream of it."""
    assert fold(b"<html>", stream=False) is None
    assert fold(b"data: {torn\n\n", stream=True) is None
