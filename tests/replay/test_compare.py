"""Verdicts mean what docs/replay.md says they mean."""

from __future__ import annotations

import base64
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.replay.builders import chat, chat_stream, messages_stream, recorded
from workbench.domain.verdict import ORDER, meets
from workbench.replay.compare import compare

LONG = "The quick brown fox jumps over the lazy dog, and then it sleeps in the warm sun until the evening."

texts = st.text(min_size=1, max_size=40)
answers = st.builds(
    lambda text, status, finish: recorded(
        chat(text, finish=finish) if status < 400 else {"error": {"message": text}}, status=status
    ),
    texts,
    st.sampled_from([200, 400, 500]),
    st.sampled_from(["stop", "length"]),
)


@given(answers)
def test_an_answer_is_the_same_as_itself(answer) -> None:  # type: ignore[no-untyped-def]
    """Success or error, with nothing to show in the diff."""
    comparison = compare(answer, answer)
    assert comparison.verdict == "same"
    assert comparison.similarity == 1
    assert comparison.diff == ""


@given(answers, answers)
def test_a_verdict_is_never_better_than_its_reasons(original, replay) -> None:  # type: ignore[no-untyped-def]
    """Failed, and only then, when an answer was lost; anything but the same has a reason."""
    comparison = compare(original, replay)
    assert (comparison.verdict == "failed") == (original.ok and not replay.ok)
    assert (comparison.verdict == "same") == (not comparison.reasons)
    if comparison.verdict in ("same", "equivalent", "similar"):
        assert original.exchange.status == replay.exchange.status
    assert 0 <= comparison.similarity <= 1


def test_ids_and_times_make_no_difference() -> None:
    """Two runs of a deterministic model are the same."""
    assert compare(recorded(chat()), recorded(chat(id="other", created=99))).verdict == "same"


def test_chunking_makes_no_difference() -> None:
    """The same stream in other pieces is the same."""
    left, right = (recorded(chat_stream(cut, number=len(cut)), stream=True) for cut in (["ab"], ["a", "b"]))
    assert compare(left, right).verdict == "same"


def test_a_stream_and_a_plain_answer_with_the_same_words_are_equivalent() -> None:
    """Bytes differ by nature, the answer does not."""
    comparison = compare(recorded(chat_stream(["hel", "lo"]), stream=True), recorded(chat("hello")))
    assert comparison.verdict == "equivalent"
    assert comparison.diff == ""


def test_white_space_and_usage_are_equivalent() -> None:
    """So is another model's name: what was said counts."""
    other = chat("hello  \n there", usage={"prompt_tokens": 9}) | {"model": "other"}
    assert compare(recorded(chat("hello there")), recorded(other)).verdict == "equivalent"


def test_a_few_other_words_are_similar() -> None:
    """From a similarity of 0.8, with the finish reason told apart."""
    comparison = compare(recorded(chat(LONG)), recorded(chat(LONG.replace("lazy", "tired"))))
    assert comparison.verdict == "similar"
    assert comparison.reasons == ("text differs",)
    assert "-" + LONG in comparison.diff.splitlines()


def test_other_words_are_different() -> None:
    """And the diff is made of both."""
    comparison = compare(recorded(chat("yes")), recorded(chat("by no means"), id="ex_b"))
    assert comparison.verdict == "different"
    assert comparison.diff.splitlines() == ["--- ex_a", "+++ ex_b", "@@ -1 +1 @@", "-yes", "+by no means"]


@pytest.mark.parametrize(
    ("before", "now", "verdict"),
    [
        ([("look", '{"a": 1, "b": 2}')], [("look", '{"b":2,"a":1}')], "equivalent"),
        ([("look", '{"a": 1}')], [("look", '{"a": 2}')], "similar"),
        ([("look", '{"a": 1}')], [("find", '{"a": 1}')], "different"),
        ([("look", '{"a": 1}')], [], "different"),
    ],
)
def test_tool_calls_are_compared_by_name_and_parsed_arguments(before, now, verdict) -> None:  # type: ignore[no-untyped-def]
    """The order of keys says nothing, another tool is another answer."""
    left = recorded(chat(LONG, calls=before))
    right = recorded(chat(LONG, calls=now, id="x"))
    assert compare(left, right).verdict == verdict


def test_tool_calls_of_both_dialects_are_read_from_streams() -> None:
    """An Anthropic stream's tool input is joined before it is compared."""
    left = recorded(
        messages_stream(["hi"], tool_input=['{"a"', ": 1}"]), endpoint="/v1/messages", stream=True
    )
    right = recorded(
        messages_stream(["hi"], tool_input=['{ "a":1}'], number=2), endpoint="/v1/messages", stream=True
    )
    assert compare(left, right).verdict == "equivalent"


def test_a_cut_stream_has_failed() -> None:
    """A stream without its end is no answer, even with status 200 and all the words."""
    left = recorded(chat_stream(["hello"]), stream=True)
    right = recorded(chat_stream(["hello"], finish=None, done=False), stream=True)
    comparison = compare(left, right)
    assert comparison.verdict == "failed"
    assert "not complete" in comparison.reasons[0]


def test_an_error_where_there_was_an_answer_has_failed() -> None:
    """The reason is the router's own message."""
    right = recorded({"error": {"message": "no such model"}}, status=404)
    comparison = compare(recorded(chat()), right)
    assert comparison.verdict == "failed"
    assert comparison.reasons == ("status 404: no such model",)


def test_an_answer_where_there_was_an_error_is_different() -> None:
    """Better than before is not the same as before."""
    left = recorded({"error": {"message": "overloaded"}}, status=503)
    assert compare(left, recorded(chat())).verdict == "different"


def test_two_errors_are_compared_by_their_words() -> None:
    """Same status and message but for an exchange's id: equal enough; another status is different."""
    errors = [recorded({"error": {"message": "bad", "exchange_id": f"ex_{n}"}}, status=400) for n in range(2)]
    assert compare(*errors).verdict == "same"
    assert compare(errors[0], recorded({"error": {"message": "bad"}}, status=500)).verdict == "different"


def test_embeddings_are_compared_by_direction() -> None:
    """Noise in the last digits is equivalent, another direction is not; base64 is read too."""

    def vectors(*numbers: float, encoded: bool = False) -> dict[str, object]:
        raw = struct.pack(f"<{len(numbers)}f", *numbers)
        return {"data": [{"embedding": base64.b64encode(raw).decode() if encoded else list(numbers)}]}

    left = recorded(vectors(1.0, 0.5), endpoint="/v1/embeddings")
    for other, verdict in (
        (vectors(1.0, 0.5001), "equivalent"),
        (vectors(1.0, 0.5, encoded=True), "equivalent"),
        (vectors(1.0, 0.2), "similar"),
        (vectors(-1.0, 0.5), "different"),
        (vectors(1.0, 0.5, 0.1), "different"),
    ):
        assert compare(left, recorded(other, endpoint="/v1/embeddings")).verdict == verdict


def test_figures_of_both_sides_are_listed() -> None:
    """Stored figures come first, what the answer itself tells second."""
    left = recorded(chat(usage={"prompt_tokens": 3, "completion_tokens": 4}), latency_ms=10.0)
    right = recorded(chat(), input_tokens=7, latency_ms=20.0)
    facts = compare(left, right).facts
    assert facts["input_tokens"] == (3, 7)
    assert facts["output_tokens"] == (4, None)
    assert facts["latency_ms"] == (10.0, 20.0)
    assert json.dumps(facts)


def test_expectations_are_ordered() -> None:
    """A closer verdict meets a farther expectation, never the reverse."""
    for place, verdict in enumerate(ORDER):
        assert [meets(verdict, expected) for expected in ORDER] == [
            place <= other for other in range(len(ORDER))
        ]
