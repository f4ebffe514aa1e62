"""People replay what they recorded: on the same model, on others, edited, as a run."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

from tests.e2e.conftest import Cli, MockUpstream, RouterProcess


def test_a_replay_is_a_new_exchange_that_names_its_original(router: RouterProcess) -> None:
    """The same bytes go out again, the answer is the same, and both can be found."""
    original = router.chat("what is a slug?", model="demo", stream=True)
    result = router.cli.json("replay", original, "--expect", "same")
    assert result["original"] == original
    assert result["verdict"] == "same"
    again = router.cli.json("exchanges", "show", result["replay"])
    assert again["replay_of"] == original
    assert router.cli.bytes("exchanges", "body", result["replay"], "request") == router.cli.bytes(
        "exchanges", "body", original, "request"
    )


def test_one_value_is_set_and_the_other_bytes_stay(router: RouterProcess) -> None:
    """`--set` on a body with odd spacing changes that value alone."""
    body = b'{ "model":"echo" ,"temperature": 1.0,\n "messages":[{"role":"user","content":"caf\\u00e9"}] }'
    _, headers, _ = router.post("/v1/chat/completions", body)
    result = router.cli.json("replay", headers["x-workbench-exchange"], "--set", "temperature=0")
    sent = router.cli.bytes("exchanges", "body", result["replay"], "request")
    assert sent == body.replace(b"1.0", b"0")


def test_several_models_stand_side_by_side(router: RouterProcess) -> None:
    """Each model is asked once, in a run of kind replay, and the table names all."""
    original = router.chat("hello", model="echo")
    done = router.cli.run("replay", original, "--model", "demo", "--model", "echo")
    assert "demo" in done.stdout
    found = router.cli.json("exchanges", "list", "is:replay model:demo")
    assert [exchange["replay_of"] for exchange in found] == [original]
    run = router.cli.json("runs", "show", found[0]["run"])
    assert (run["kind"], run["status"], run["exchanges"]) == ("replay", "passed", 2)


def test_a_run_is_replayed_in_order(router: RouterProcess) -> None:
    """The exchanges of a session go out oldest first, in a new run that names the old one."""
    for text in ("first", "second", "third"):
        router.post(
            "/v1/chat/completions",
            {"model": "echo", "messages": [{"role": "user", "content": text}]},
            **{"X-Workbench-Session": "talk"},
        )
    session = router.cli.json("exchanges", "list")[0]["session"]
    assert session
    results = router.cli.json("replay", session)
    bodies = [router.cli.bytes("exchanges", "body", result["replay"], "request") for result in results]
    assert [json.loads(body)["messages"][0]["content"] for body in bodies] == ["first", "second", "third"]
    run = router.cli.json("runs", "show", results[0]["run"])
    assert run["parent"] == session


def test_find_the_failed_call_and_replay_it_on_another_model(
    mock_router: RouterProcess, upstream: MockUpstream
) -> None:
    """A story: a call failed, a filter finds it, another model answers it, the diff says what changed."""
    router = mock_router
    upstream.behave(status=400)
    router.chat("works elsewhere", model="mock")
    failed = router.cli.json("exchanges", "list", "status:>=400")
    assert len(failed) == 1
    result = router.cli.json("replay", failed[0]["id"], "--model", "echo")
    assert result["verdict"] == "different"
    assert result["facts"]["status"] == [400, 200]
    shown = router.cli.run("diff", failed[0]["id"], result["replay"])
    assert '"model": "[-mock-]"' in shown.stdout
    assert '"model": "{+echo+}"' in shown.stdout


def test_a_payload_file_goes_there_and_back(router: RouterProcess, tmp_path: Path) -> None:
    """Save, look, send again: the same bytes, no key in the file."""
    original = router.chat("keep me", model="echo")
    file = tmp_path / "saved.json"
    router.cli.run("exchanges", "save", original, "--out", str(file))
    assert router.key not in file.read_text()
    result = router.cli.json("replay", str(file))
    assert result["verdict"] is None
    assert result["status"] == 200
    assert router.cli.bytes("exchanges", "body", result["replay"], "request") == router.cli.bytes(
        "exchanges", "body", original, "request"
    )


def test_an_unknown_model_is_a_clear_error(router: RouterProcess) -> None:
    """Exit 2, with the router's nearest names."""
    original = router.chat("hello", model="echo")
    done = router.cli.run("replay", original, "--model", "ecko", exit_code=2)
    assert "ecko" in done.stderr
    assert "echo" in done.stderr


def test_what_is_not_there_is_a_clear_error(cli: Cli) -> None:
    """Neither id nor file; an unknown id; contradicting flags: exit 2, without a router."""
    assert "neither an id" in cli.run("replay", "nothing.json", exit_code=2).stderr
    assert "ex_zzz" in cli.run("replay", "ex_zzz", exit_code=2).stderr
    assert "--playback" in cli.run("replay", "ex_zzz", "--playback", "--set", "a=1", exit_code=2).stderr


def test_a_missed_expectation_is_exit_1(mock_router: RouterProcess, upstream: MockUpstream) -> None:
    """The verdict is printed all the same, with the command that shows the difference."""
    original = mock_router.chat("hello", model="mock")
    upstream.behave(chunks=3)
    done = mock_router.cli.run("replay", original, "--expect", "equivalent", exit_code=1)
    assert "workbench diff" in done.stderr
    assert "different" in done.stdout


def test_a_broken_answer_has_failed(mock_router: RouterProcess, upstream: MockUpstream) -> None:
    """A stream that is cut is no success, whatever its status said."""
    original = mock_router.chat("hello", model="mock", stream=True)
    upstream.behave(fault="cut")
    result = mock_router.cli.json("replay", original)
    assert result["verdict"] == "failed"
    assert result["reasons"]


def test_an_interrupted_replay_keeps_what_is_done(mock_router: RouterProcess, upstream: MockUpstream) -> None:
    """Ctrl-C after the first of three: exit 130, the first is recorded, the run is cancelled."""
    originals = [mock_router.chat(f"number {number}", model="mock") for number in range(3)]
    upstream.behave(latency_ms=1500)
    process = mock_router.cli.start("replay", *originals, "--json")
    deadline = time.monotonic() + 60
    while len(upstream.requests()) < len(originals) + 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    done = json.loads(printed)
    assert [result["verdict"] for result in done][:1] == ["same"]
    run = mock_router.cli.json("runs", "list")[0]
    assert (run["kind"], run["status"]) == ("replay", "cancelled")
