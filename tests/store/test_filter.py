"""The filter language: what it means, and what it says when it is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.domain.errors import FilterError
from workbench.store.filter import Both, Either, Not, Term, parse, parse_size
from workbench.store.filter_keys import KEYS, complete

NOW = 1_790_000_000_000_000


def root(text):
    return parse(text, NOW).root


def test_terms_are_anded():
    """Blanks mean AND; a bare word is text:."""
    assert root('model:gpt* slug "two words"') == Both(
        (Term("model", "=", "gpt*"), Term("text", "=", "slug"), Term("text", "=", "two words", quoted=True))
    )


def test_or_binds_weaker_than_and():
    """a b OR c is (a b) OR c."""
    assert root("a b OR c") == Either(
        (Both((Term("text", "=", "a"), Term("text", "=", "b"))), Term("text", "=", "c"))
    )


def test_parentheses_and_negation():
    """!(…) negates the group."""
    assert root("!(a OR is:pinned)") == Not(Either((Term("text", "=", "a"), Term("is", "=", "pinned"))))


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("status:>=400", Term("status", ">=", 400)),
        ("status:4xx", Term("status", "=", (400, 499))),
        ("cost:>0.01", Term("cost", ">", 0.01)),
        ("cost:<$2", Term("cost", "<", 2.0)),
        ("tokens:>4000", Term("tokens", ">", 4000)),
        ("latency:>5s", Term("latency", ">", 5_000_000)),
        ("ttft:>800", Term("ttft", ">", 800_000)),
        ("since:2h", Term("since", "=", NOW - 7_200_000_000)),
        ("until:2026-09-21T00:00:00+00:00", Term("until", "=", 1_789_948_800_000_000)),
        ("size:>1.5MB", Term("size", ">", 1_500_000)),
        ("stream:yes", Term("stream", "=", "yes")),
        ('note:"a: (b)"', Term("note", "=", "a: (b)", quoted=True)),
        ('model:"OR"', Term("model", "=", "OR", quoted=True)),
        ("endpoint:/v1/messages", Term("endpoint", "=", "/v1/messages")),
        ("tag:a:b", Term("tag", "=", "a:b")),
    ],
)
def test_values_are_read_in_their_unit(text, term):
    """Durations become microseconds, sizes bytes, ages moments."""
    assert root(text) == term


def test_nothing_lets_everything_through():
    """An empty filter has no tree."""
    assert root("   ") is None


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("modle:demo", 0, "did you mean model"),
        ("model:demo staus:400", 11, "did you mean status"),
        ("status:>=abc", 7, "not a number"),
        ("is:pined", 3, "did you mean pinned"),
        ("since:yesterdy", 6, "not a moment"),
        ("latency:>fast", 8, "not a duration"),
        ("(a OR b", 0, "never closed"),
        ("a) b", 1, "without its"),
        ('model:"demo', 6, "never closed"),
        ("a OR", 4, "missing"),
        ("OR a", 0, "missing"),
        ("!", 0, "needs a term"),
        ("model:", 6, "needs a value"),
        ("regex:[", 6, "not a regular expression"),
    ],
)
def test_an_error_points_at_the_character(text, position, words):
    """Each error has the position, and the nearest key or value where there is one."""
    with pytest.raises(FilterError) as caught:
        parse(text, NOW)
    error = caught.value
    assert error.position == position
    assert words in f"{error.message} {error.hint}"
    assert error.pointer().splitlines()[1] == " " * position + "^"


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet=st.sampled_from('ab:()!"OR ><=*4statuxmodelsince\\\n'), max_size=30)
    | st.text(max_size=20)
)
def test_any_text_parses_or_is_explained(text):
    """Whatever is typed gives a tree or a FilterError inside the text, never another error."""
    try:
        parse(text, NOW)
    except FilterError as error:
        assert 0 <= error.position <= len(text)  # noqa: PT017  (either outcome is right)


def test_completion_offers_keys_and_fixed_values():
    """What is offered stands for the word being written."""
    assert complete("model:demo st") == ["status:", "state:", "stream:", "step:"]
    assert complete("(is:p") == ["is:pinned"]
    assert complete("!stre") == ["!stream:"]
    assert complete("model:x") == []


def test_every_key_has_a_sentence():
    """Keys are documented where they are defined."""
    assert all(key.about for key in KEYS.values())


@pytest.mark.parametrize(
    ("text", "size"),
    [("500", 500), ("10kB", 10_000), ("2GB", 2 * 10**9), ("1GiB", 1 << 30), ("1.5 M", 1_500_000)],
)
def test_sizes(text, size):
    """Decimal units, and binary ones with an i."""
    assert parse_size(text) == size
