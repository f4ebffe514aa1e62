"""Ids, times, payload files, markers, verdicts: the small values everything stands on."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain import ids, marker, payload, times, verdict
from workbench.domain.errors import UsageError
from workbench.domain.payload import Payload

moments = st.integers(0, 4_000_000_000_000_000)


@given(moments, moments)
def test_ids_sort_as_time_does(one: int, other: int) -> None:
    """Ids of different milliseconds are in the order of creation."""
    if one // 1000 < other // 1000:
        assert ids.new_id(ids.EXCHANGE, one) < ids.new_id(ids.EXCHANGE, other)


def test_an_id_is_recognised_by_its_prefix() -> None:
    """A file's name is not mistaken for an id."""
    exchange = ids.new_id(ids.EXCHANGE, 1_700_000_000_000_000)
    assert ids.looks_like(ids.EXCHANGE, exchange)
    assert ids.looks_like(ids.EXCHANGE, exchange[:6])
    assert not ids.looks_like(ids.RUN, exchange)
    assert not ids.looks_like(ids.EXCHANGE, "ex_ample.json")


@given(moments)
def test_iso_round_trip_to_the_millisecond(moment: int) -> None:
    """What JSON shows can be read back."""
    text = times.iso(moment)
    assert text is not None
    assert abs(times.parse_iso(text) - moment) <= 1000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", 90_000_000),
        ("1h30m", 5_400_000_000),
        ("250ms", 250_000),
        ("1.5d", 129_600_000_000),
        ("2w", 1_209_600_000_000),
    ],
)
def test_durations(text: str, expected: int) -> None:
    """People write 90s, 1h30m, 2w."""
    assert expected == times.parse_duration_us(text)


@pytest.mark.parametrize("text", ["", "90", "h", "1x", "1h 30m", "-1h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="not a duration"):
        times.parse_duration_us(text)


@given(
    st.binary(max_size=300)
    | st.dictionaries(st.text(max_size=5), st.integers(0, 9)).map(lambda d: json.dumps(d).encode())
)
def test_a_payload_file_keeps_the_body_byte_for_byte(body: bytes) -> None:
    """Bodies that JSON would change are kept as base64."""
    original = Payload(endpoint="/v1/chat/completions", body=body, headers=[("x-a", "1")])
    assert original == payload.load(payload.dump(original))


@pytest.mark.parametrize(
    ("body", "endpoint"),
    [
        ({"messages": []}, "/v1/chat/completions"),
        ({"messages": [], "system": "x", "max_tokens": 5}, "/v1/messages"),
        ({"input": "x"}, "/v1/responses"),
        ({"prompt": "x"}, "/v1/completions"),
    ],
)
def test_a_bare_body_is_a_payload(body: dict[str, object], endpoint: str) -> None:
    """What people already have works, and keeps its bytes."""
    data = json.dumps(body, indent=3).encode()
    assert Payload(endpoint=endpoint, body=data) == payload.load(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"version": 9, "endpoint": "/v1/x", "body": 1}',
        b'{"version": 1, "endpoint": "x", "body": 1}',
        b'{"version": 1, "endpoint": "/v1/x"}',
        b'{"version": 1, "endpoint": "/v1/x", "body": 1, "headers": {"a": 1}}',
        b'{"version": 1, "endpoint": "/v1/x", "body_b64": "%%%"}',
    ],
)
def test_what_is_no_payload_says_so(data: bytes) -> None:
    """The file is named in the error."""
    with pytest.raises(UsageError, match=r"saved\.json"):
        payload.load(data, name="saved.json")


@given(st.text(max_size=30).filter(lambda text: "\n" not in text))
def test_a_marker_is_found_again_whatever_the_path(path: str) -> None:
    """Quotes, brackets and non-ASCII in a path do not hide it."""
    made = marker.Marker(kind="file", recipe="python-lib", nonce="ab12", path=path)
    assert made == marker.find(f"words\n{made.line()}\nmore [workbench kind=file]")


def test_the_last_marker_counts() -> None:
    """A file that quotes a marker does not take over the prompt's own."""
    first = marker.Marker(kind="plan", recipe="a", nonce="1")
    last = marker.Marker(kind="file", recipe="b", nonce="2", path="x")
    assert last == marker.find(f"{first.line()}\n{last.line()}")
    assert marker.find("no marker") is None


def test_verdicts_are_ordered() -> None:
    """Expecting `similar` accepts what is closer, and nothing farther."""
    met = [name for name in verdict.ORDER if verdict.meets(name, "similar")]
    assert met == ["same", "equivalent", "similar"]
