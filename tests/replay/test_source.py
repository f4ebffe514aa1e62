"""What is sent again: recorded exchanges, runs in order, payload files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from workbench.domain.errors import UnknownId, UsageError
from workbench.domain.payload import Payload, dump
from workbench.domain.run import Run
from workbench.replay.edit import Edit
from workbench.replay.resend import Options, jobs_for, prepare
from workbench.replay.source import exchange_source, file_source, is_exchange, is_run, pending, run_sources

if TYPE_CHECKING:
    from tests.replay.conftest import Recorded

BODY = b'{ "model": "m", "temperature": 1.0, "messages": [{"role":"user","content":"caf\\u00e9"}] }'


def test_an_exchange_is_sent_with_its_bytes_and_the_headers_that_matter(recording: Recorded) -> None:
    """Keys, tenant and the old connection stay behind; the endpoint's own headers go along."""
    headers = [
        ("Authorization", "Bearer sk-something-that-is-secret"),
        ("Host", "old"),
        ("X-Tenant-ID", "acme"),
        ("X-Workbench-Run", "run_old"),
        ("anthropic-beta", "tools"),
        ("Content-Type", "application/json"),
    ]
    exchange = recording.add(BODY, headers=headers)
    source = exchange_source(recording.store, exchange.id[:-3] + exchange.id[-3:])
    assert source.payload.body == BODY
    assert source.payload.headers == [("anthropic-beta", "tools"), ("Content-Type", "application/json")]
    assert source.warnings == ()


def test_what_was_redacted_is_warned_about(recording: Recorded) -> None:
    """A body with a key in it is stored without, so the replay is not quite the request."""
    secret = "sk-proj-" + "a1B2c3D4e5F6g7H8i9J0" * 3
    exchange = recording.add(
        json.dumps({"model": "m", "messages": [{"role": "user", "content": secret}]}).encode()
    )
    assert exchange.redacted
    source = exchange_source(recording.store, exchange.id)
    assert secret.encode() not in source.payload.body
    assert "redacted" in source.warnings[0]


def test_a_run_gives_its_exchanges_oldest_first(recording: Recorded) -> None:
    """More than a page of them too; a run without any is an error."""
    recording.store.create_run(Run(id="run_a", kind="workflow", title="t", status="passed", started_at=1))
    recording.store.create_run(Run(id="run_b", kind="workflow", title="t", status="passed", started_at=2))
    added = [recording.add(run="run_a").id for _ in range(205)]
    recording.add()
    sources = run_sources(recording.store, recording.store.run("run_a"))
    assert [source.name for source in sources] == added
    with pytest.raises(UsageError, match="no exchanges"):
        next(run_sources(recording.store, recording.store.run("run_b")))


def test_a_payload_file_is_sent_as_it_is(tmp_path: Path) -> None:
    """Bytes that JSON would not keep are kept; an old key in it is not sent."""
    file = tmp_path / "saved.json"
    file.write_bytes(
        dump(Payload(endpoint="/v1/messages", body=BODY, headers=[("x-api-key", "old"), ("a", "b")]))
    )
    source = file_source(file)
    assert source.payload == Payload(endpoint="/v1/messages", body=BODY, headers=[("a", "b")])
    assert source.original is None


def test_what_can_not_be_read_says_so(recording: Recorded, tmp_path: Path) -> None:
    """An unknown id, a folder, a file that is no payload."""
    with pytest.raises(UnknownId):
        exchange_source(recording.store, "ex_9")
    with pytest.raises(UsageError, match="can't be read"):
        file_source(tmp_path)
    (tmp_path / "x.json").write_text("[1]")
    with pytest.raises(UsageError, match=r"x\.json"):
        file_source(tmp_path / "x.json")


def test_a_replay_names_its_original_and_what_it_is_part_of(recording: Recorded) -> None:
    """The router learns by headers; the body changes only as asked."""
    exchange = recording.add(BODY)
    source = exchange_source(recording.store, exchange.id)
    options = Options(model="other", edits=(Edit(("temperature",), 0),), run="run_a", tags=("x", "y"))
    payload, headers = prepare(source, options)
    assert payload.body == BODY.replace(b'"m"', b'"other"').replace(b"1.0", b"0")
    assert headers == [
        ("X-Workbench-Replay-Of", exchange.id),
        ("X-Workbench-Run", "run_a"),
        ("X-Workbench-Tags", "x,y"),
    ]
    assert prepare(source, Options(playback=True, fast=True))[1] == [
        ("X-Workbench-Replay-Of", exchange.id),
        ("X-Workbench-Playback", exchange.id),
        ("X-Workbench-Playback-Speed", "fast"),
    ]


def test_a_file_has_no_recording_to_play_back(tmp_path: Path) -> None:
    """Said before anything is sent."""
    (tmp_path / "x.json").write_bytes(BODY)
    with pytest.raises(UsageError, match="recorded exchange"):
        prepare(file_source(tmp_path / "x.json"), Options(playback=True))


def test_every_source_meets_every_model(recording: Recorded) -> None:
    """Without models each is sent once, as it is."""
    sources = [exchange_source(recording.store, recording.add().id) for _ in range(2)]
    names = [(source.name, options.model) for source, options in jobs_for(sources, ("a", "b"), Options())]
    assert names == [(source.name, model) for source in sources for model in ("a", "b")]
    assert [options.model for _, options in jobs_for(sources, (), Options())] == [None, None]


def test_what_can_not_be_changed_is_refused_before_anything_is_sent(recording: Recorded) -> None:
    """A body that is no JSON can be sent again, but not to another model."""
    source = exchange_source(recording.store, recording.add(b"not json", status=400).id)
    assert len(jobs_for([source], (), Options())) == 1
    with pytest.raises(UsageError, match="not JSON"):
        jobs_for([source], ("other",), Options())


def test_a_job_holds_no_body_until_its_turn(recording: Recorded, tmp_path: Path) -> None:
    """A long run's bodies are read one by one; a file is what it was when the command began."""
    exchange = recording.add(BODY)
    waiting = pending(exchange_source(recording.store, exchange.id))
    assert (waiting.name, waiting.has_original) == (exchange.id, True)
    assert waiting.load(recording.store).payload.body == BODY
    (tmp_path / "x.json").write_bytes(BODY)
    of_file = pending(file_source(tmp_path / "x.json"))
    (tmp_path / "x.json").write_bytes(b"changed")
    assert (of_file.has_original, of_file.load(recording.store).payload.body) == (False, BODY)


def test_arguments_are_told_apart_by_their_beginning() -> None:
    """ids by prefix, all else is a file."""
    assert is_exchange("ex_01k9")
    assert is_run("run_01k9")
    assert not is_exchange("ex_.json")
    assert not is_run("runs.json")
