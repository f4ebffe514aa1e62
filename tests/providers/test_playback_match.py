"""A recording is found by what was asked: same endpoint, same body as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.replay.conftest import Recorded
from workbench.domain.errors import FilterError, UsageError
from workbench.providers.playback_match import Matcher, Wanted, fingerprint, parse_wanted

CHAT = "/v1/chat/completions"


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recorded]:
    made = Recorded(tmp_path / "workbench.db")
    try:
        yield made
    finally:
        made.close()


def asked(text: str, **fields: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **fields}).encode()


def test_order_of_keys_and_white_space_make_no_difference() -> None:
    """Everything else does, the endpoint too."""
    left = fingerprint(CHAT, b'{"a": 1, "b": [1, 2]}', ())
    assert left == fingerprint(CHAT, b'{"b":[1,2],"a":1}', ())
    assert left != fingerprint(CHAT, b'{"b":[2,1],"a":1}', ())
    assert left != fingerprint("/v1/messages", b'{"a": 1, "b": [1, 2]}', ())


def test_ignored_paths_make_no_difference() -> None:
    """A path goes through lists to each of their items."""
    ignore = parse_wanted("tag:x; ignore=user, messages.id").ignore
    one = b'{"user": 1, "messages": [{"id": 1, "content": "a"}, {"id": 2, "content": "b"}]}'
    two = b'{"messages": [{"content": "a"}, {"id": 9, "content": "b"}]}'
    assert fingerprint(CHAT, one, ignore) == fingerprint(CHAT, two, ignore)


def test_a_run_is_written_shortly() -> None:
    """Its id alone is the filter `run:ID`."""
    assert parse_wanted("run_01k9") == Wanted("run:run_01k9")
    assert parse_wanted("tag:golden model:demo") == Wanted("tag:golden model:demo")
    with pytest.raises(UsageError, match="ignore="):
        parse_wanted("tag:x; speed=fast")


def test_the_newest_whole_recording_of_the_filter_answers(recording: Recorded) -> None:
    """Others of the filter, broken ones and what was played back itself do not."""
    recording.add(asked("a"), tags=("x",))
    newest = recording.add(asked("a"), tags=("x",))
    recording.add(asked("a"), tags=("x",), state="interrupted")
    recording.add(asked("a"), tags=("x",), provider="playback")
    recording.add(asked("a"), tags=("y",))
    assert Matcher(recording.store).find("tag:x", CHAT, asked("a")) == newest.id


def test_what_is_recorded_later_is_found_too(recording: Recorded) -> None:
    """More than a page of it, without reading the first ones again."""
    first = recording.add(asked("a"), tags=("x",))
    matcher = Matcher(recording.store)
    assert matcher.find("tag:x", CHAT, asked("a")) == first.id
    later = [recording.add(asked(f"b{number}"), tags=("x",)) for number in range(205)]
    assert matcher.find("tag:x", CHAT, asked("b0")) == later[0].id
    assert matcher.find("tag:x", CHAT, asked("b204")) == later[-1].id
    assert matcher.find("tag:x", CHAT, asked("a")) == first.id


def test_a_request_with_a_secret_finds_its_redacted_recording(recording: Recorded) -> None:
    """The key is replaced on both sides."""
    body = asked("sk-proj-" + "a1B2c3D4e5F6g7H8i9J0" * 3)
    exchange = recording.add(body, tags=("x",))
    assert exchange.redacted
    assert Matcher(recording.store).find("tag:x", CHAT, body) == exchange.id


def test_what_was_never_asked_has_no_answer(recording: Recorded) -> None:
    """It fails closed, and says how much was looked at; a filter that does not parse says so."""
    recording.add(asked("a"), tags=("x",))
    matcher = Matcher(recording.store)
    with pytest.raises(UsageError, match="1 recordings of 'tag:x'"):
        matcher.find("tag:x", CHAT, asked("never"))
    with pytest.raises(FilterError):
        matcher.find("nokey:x", CHAT, asked("a"))
