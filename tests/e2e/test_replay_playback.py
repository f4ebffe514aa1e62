"""Playback answers from the recording: nothing goes upstream, bytes and pauses are the original's."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.conftest import MockUpstream, RouterProcess


def test_playback_needs_no_upstream(mock_router: RouterProcess, upstream: MockUpstream) -> None:
    """With the upstream's process gone, plain and streamed answers come back byte for byte."""
    router = mock_router
    originals = [router.chat("hello", model="mock"), router.chat("hello", model="mock", stream=True)]
    upstream.stop()
    results = router.cli.json("replay", *originals, "--playback", "--fast", "--expect", "same")
    for original, result in zip(originals, results, strict=True):
        answers = [
            router.cli.bytes("exchanges", "body", one, "response") for one in (original, result["replay"])
        ]
        assert answers[0] == answers[1]
        assert result["facts"]["output_tokens"][0] == result["facts"]["output_tokens"][1]


def test_playback_opens_no_connection(mock_router: RouterProcess, upstream: MockUpstream) -> None:
    """The upstream counts one request: the original's."""
    original = mock_router.chat("hello", model="mock", stream=True)
    mock_router.cli.run("replay", original, "--playback", "--expect", "same")
    assert len(upstream.requests()) == 1


def test_playback_keeps_the_writes(mock_router: RouterProcess, upstream: MockUpstream) -> None:
    """A stream with pauses is played back in as many writes, its last no earlier than the original's."""
    upstream.behave(chunks=5, chunk_delay_ms=60)
    original = mock_router.chat("hello", model="mock", stream=True)
    result = mock_router.cli.json("replay", original, "--playback")
    before, now = (mock_router.cli.json("exchanges", "show", one) for one in (original, result["replay"]))
    assert now["latency_ms"] >= 0.9 * before["latency_ms"]
    assert now["provider"] == "playback"


def test_an_error_is_played_back_too(mock_router: RouterProcess, upstream: MockUpstream) -> None:
    """Status and body of a failure are part of the recording."""
    upstream.behave(status=422)
    original = mock_router.chat("hello", model="mock")
    result = mock_router.cli.json("replay", original, "--playback", "--expect", "same")
    assert result["status"] == 422


def test_a_client_is_answered_from_a_tagged_recording_without_naming_exchanges(
    mock_router: RouterProcess, upstream: MockUpstream
) -> None:
    """Somebody's tests: recorded once with a tag, then played back offline with one header."""
    router = mock_router
    asked = [
        {"model": "mock", "messages": [{"role": "user", "content": f"case {number}"}], "stream": number == 1}
        for number in range(2)
    ]
    record = {"X-Workbench-Tags": "golden"}
    first = [router.post("/v1/chat/completions", body, **record) for body in asked]
    upstream.stop()
    playback = {"X-Workbench-Playback": "tag:golden; ignore=user", "X-Workbench-Playback-Speed": "fast"}
    for body, (status, headers, answer) in zip(asked, first, strict=True):
        played = router.post("/v1/chat/completions", body | {"user": "me"}, **playback)
        assert (played[0], played[2]) == (status, answer)
        assert played[1]["x-workbench-playback"] == headers["x-workbench-exchange"]
    status, _, answer = router.post("/v1/chat/completions", asked[0] | {"seed": 1}, **playback)
    assert status == 404
    assert b"nothing is sent upstream" in answer


def test_a_cassette_is_played_back_on_another_machine(
    mock_router: RouterProcess, upstream: MockUpstream, tmp_path: Path
) -> None:
    """Exported here, imported there, played back by id and by what is asked; no provider is known there."""
    body = {"model": "mock", "messages": [{"role": "user", "content": "take me along"}], "stream": True}
    _, headers, recorded = mock_router.post("/v1/chat/completions", body, **{"X-Workbench-Tags": "golden"})
    cassette = tmp_path / "talk.cassette"
    mock_router.cli.run("export", str(cassette), "tag:golden")
    upstream.stop()
    mock_router.stop()
    other = RouterProcess(tmp_path / "elsewhere" / "home")
    other.home.parent.mkdir()
    try:
        other.start()
        other.cli.run("import", str(cassette))
        result = other.cli.json("replay", headers["x-workbench-exchange"], "--playback", "--fast")
        assert result["verdict"] == "same"
        found = other.post("/v1/chat/completions", body, **{"X-Workbench-Playback": "tag:golden"})
        assert found[::2] == (200, recorded)
    finally:
        other.stop()
