"""Gates: order, live output, flaky ones, and when two failures are the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from workbench.domain.events import GateFinished, GateOutput, RunEvent
from workbench.workflow.gates import GateResult, Runner, clean, signature
from workbench.workflow.recipe import Gate
from workbench.workflow.sandbox import CleanProcess, Toolbox


@pytest.fixture
def runner(tmp_path: Path) -> tuple[Runner, list[RunEvent]]:
    """A runner without a sandbox, and what it says."""
    events: list[RunEvent] = []
    app, logs = tmp_path / "app", tmp_path / "gates"
    app.mkdir()
    logs.mkdir()
    made = Runner(app=app, logs=logs, backend=CleanProcess(), tools=Toolbox(), emit=events.append)
    return made, events


def gate(name: str, script: str, **other: object) -> Gate:
    fields = {"name": name, "argv": ["/bin/sh", "-c", script], "proves": "something", **other}
    return msgspec.convert(fields, Gate)


async def test_the_first_failure_ends_it(runner: tuple[Runner, list[RunEvent]]) -> None:
    """Gates after a failed one are not run."""
    made, _ = runner
    results = await made.all([gate("a", "true"), gate("b", "exit 3"), gate("c", "true")])
    assert [(result.name, result.passed, result.exit_code) for result in results] == [
        ("a", True, 0),
        ("b", False, 3),
    ]


async def test_output_is_live_and_logged(runner: tuple[Runner, list[RunEvent]], tmp_path: Path) -> None:
    """Output comes as events while the command runs, and whole into the log."""
    made, events = runner
    result = await made.one(gate("a", "echo one; sleep 0.3; echo two >&2"))
    pieces = [event.text for event in events if isinstance(event, GateOutput)]
    assert pieces == ["one\n", "two\n"]
    assert (tmp_path / "gates" / "a.log").read_text() == "one\ntwo\n"
    assert result.tail == "one\ntwo\n"
    assert isinstance(events[-1], GateFinished)


async def test_a_flaky_gate_is_tried_again_and_says_so(runner: tuple[Runner, list[RunEvent]]) -> None:
    """A gate with retries that passes at the second try passes, with two attempts on record."""
    made, _ = runner
    once = gate("a", "test -e seen || { touch seen; exit 1; }", retries=1)
    result = await made.one(once)
    assert (result.passed, result.attempts) == (True, 2)


async def test_a_gate_that_hangs_is_killed(runner: tuple[Runner, list[RunEvent]]) -> None:
    """The timeout kills it; the result says so and has no exit code."""
    made, _ = runner
    result = await made.one(gate("a", "sleep 60", timeout_s=0.5))
    assert (result.passed, result.exit_code, result.reason) == (False, None, "timeout after 0.5 s")


async def test_a_missing_program_fails_the_gate(runner: tuple[Runner, list[RunEvent]]) -> None:
    """A command that does not exist is a failed gate, not a crash."""
    made, _ = runner
    result = await made.one(gate("a", "x", argv=["no-such-program"]))
    assert result.exit_code == 127


def result(tail: str, name: str = "tests") -> GateResult:
    return GateResult(name=name, passed=False, exit_code=1, duration_ms=1, argv=[], tail=tail)


def test_the_same_error_elsewhere_has_the_same_signature() -> None:
    """Numbers, addresses, folders and durations do not make another error."""
    first = result("/tmp/a/x.py:3: error: no attribute 'y' at 0x7f01\n1 failed in 0.12s")
    second = result("/tmp/b/x.py:19: error: no attribute 'y' at 0x88aa\n1 failed in 3.4s")
    assert signature(first) == signature(second)
    assert signature(first) != signature(result("error: no attribute 'z'"))
    assert signature(first) != signature(result(first.tail, "lint"))


def test_logs_are_plain_text() -> None:
    """Colours, titles and progress lines that overwrite themselves are taken out."""
    assert clean(b"\x1b[31mred\x1b[0m \x1b]0;title\x07x\r\n10%\r100%\n") == "red x\n100%\n"
    assert shutil.which("sh") is not None
