"""`workbench generate` and `workbench runs` as a user types them, through a real router."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.e2e.conftest import Cli, RouterProcess

pytestmark = pytest.mark.timeout(300)

BRIEF = "a slug library with tests"


def test_generate_passes_and_everything_is_recorded(router: RouterProcess, tmp_path: Path) -> None:
    """The demo writes a library that passes its gates; run, steps, exchanges, files and reports are there."""
    junit = tmp_path / "out.xml"
    report = router.cli.json(
        "generate", BRIEF, "--recipe", "python-lib", "--model", "demo", "--junit", str(junit)
    )
    assert (report["status"], report["exit_code"]) == ("passed", 0)
    assert [gate["name"] for gate in report["gates"]] == ["compile", "lint", "types", "tests"]
    assert ET.parse(junit).getroot().find("testsuite[@name='gates']") is not None
    folder = router.home / "artifacts" / "runs" / report["run"]
    for name in ("plan.json", "events.jsonl", "state.json", "report.json", "junit.xml"):
        assert (folder / name).is_file()
    run = router.cli.json("runs", "show", report["run"])
    assert run["status"] == "passed"
    assert run["exchanges"] == report["calls"]
    assert run["path"] == f"apps/generated/{report['run']}"
    exchanges = router.cli.json("exchanges", "list", f"run:{report['run']}")
    assert {exchange["provider"] for exchange in exchanges} == {"demo"}
    tests = list((router.home / "apps" / "generated" / report["run"] / "tests").glob("test_*.py"))
    assert all("assert" in test.read_text() for test in tests)


def test_flaky_demo_passes_after_one_repair(router: RouterProcess) -> None:
    """The first try fails a real gate; the repair made from its log passes."""
    report = router.cli.json("generate", BRIEF, "--model", "demo-flaky")
    assert (report["exit_code"], report["repairs"]) == (0, 1)
    steps = router.cli.json("runs", "show", report["run"])["step_list"]
    assert report["steps"] == len(steps)
    kinds = [step["kind"] for step in steps]
    assert kinds[-3:] == ["verify", "repair", "verify"]


def test_hostile_demo_is_held_off(router: RouterProcess) -> None:
    """Paths outside, placeholders and endless repair: nothing is written outside, the run ends by itself."""
    before = {path.name for path in router.home.parent.iterdir()}
    done = router.cli.run("generate", BRIEF, "--model", "demo-hostile", exit_code=1)
    assert "\x1b" not in done.stdout + done.stderr
    assert {path.name for path in router.home.parent.iterdir()} == before
    assert not list(router.home.rglob("outside.py"))


def test_events_are_json_lines_that_follow_the_run(router: RouterProcess) -> None:
    """--events prints each event as it comes; the last one has the exit code."""
    done = router.cli.run("generate", BRIEF, "--model", "demo", "--events")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["type"] == "run_started"
    assert (events[-1]["type"], events[-1]["exit_code"]) == ("run_finished", 0)
    kept = (router.home / "artifacts" / "runs" / events[0]["run"] / "events.jsonl").read_text()
    assert [json.loads(line)["type"] for line in kept.splitlines()] == [event["type"] for event in events]


def test_exit_codes(router: RouterProcess, tmp_path: Path) -> None:
    """Usage, unknown names, budgets, unknown models and a missing router end as the design says."""
    for arguments, exit_code in [
        (("generate", "  "), 2),
        (("generate", BRIEF, "--recipe", "python-lob"), 2),
        (("generate", BRIEF, "--json", "--events"), 2),
        (("generate", BRIEF, "--max-wall", "soon"), 2),
        (("generate", BRIEF, "--budget-tokens", "100"), 3),
        (("generate", BRIEF, "--model", "no-such-model"), 1),
        (("runs", "resume", "run_none"), 2),
    ]:
        done = router.cli.run(*arguments, exit_code=exit_code)
        assert "error" in done.stderr or done.stdout
        assert "Traceback" not in done.stderr
    Cli(tmp_path / "other").run("generate", BRIEF, "--no-start", exit_code=6)


def test_review_and_approval_from_another_process(router: RouterProcess) -> None:
    """A run with --review waits; approve lets it go on to its end."""
    process = router.cli.start("generate", BRIEF, "--model", "demo", "--review")
    run = _wait_for_status(router.cli, "waiting")
    router.cli.run("runs", "approve", run)
    assert process.wait(60) == 0
    assert router.cli.json("runs", "show", run)["status"] == "passed"


def test_cancel_ends_the_run_and_its_commands(router: RouterProcess) -> None:
    """runs cancel ends the process; the run is cancelled, nothing of it lives on."""
    process = router.cli.start("generate", BRIEF, "--model", "demo", "--review")
    run = _wait_for_status(router.cli, "waiting")
    router.cli.run("runs", "cancel", run)
    assert process.wait(20) == 130
    assert router.cli.json("runs", "show", run)["status"] == "cancelled"
    router.cli.run("runs", "cancel", run, exit_code=2)


def test_kill_then_resume_reuses_what_was_answered(router: RouterProcess) -> None:
    """kill -9 during the gates: the run shows as interrupted; resume passes without asking the model."""
    process = router.cli.start("generate", BRIEF, "--model", "demo", "--events")
    run = _read_until(process, b'"gate_started"')
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    assert router.cli.json("runs", "show", run)["status"] == "interrupted"
    before = len(router.cli.json("exchanges", "list", f"run:{run}"))
    report = router.cli.json("runs", "resume", run)
    assert (report["run"], report["status"]) == (run, "passed")
    assert len(router.cli.json("exchanges", "list", f"run:{run}")) == before


def test_fork_shares_the_first_steps(router: RouterProcess) -> None:
    """A fork after the plan with another model asks for the files again, not for the plan."""
    source = router.cli.json("generate", BRIEF, "--model", "demo")["run"]
    report = router.cli.json("runs", "fork", source, "--step", "1", "--model", "demo-flaky")
    assert (report["status"], report["parent"], report["repairs"]) == ("passed", source, 1)
    steps = {exchange["step"] for exchange in router.cli.json("exchanges", "list", f"run:{report['run']}")}
    assert not any(step.startswith("plan") for step in steps)
    whole = router.cli.json("runs", "fork", source)
    assert whole["status"] == "passed"
    assert router.cli.json("exchanges", "list", f"run:{whole['run']}") == []
    assert (router.home / "apps" / "generated" / whole["run"] / "README.md").is_file()


def test_delete_takes_rows_folder_and_app(router: RouterProcess) -> None:
    """runs delete removes the run everywhere."""
    run = router.cli.json("generate", BRIEF, "--model", "demo")["run"]
    router.cli.run("runs", "delete", run)
    router.cli.run("runs", "show", run, exit_code=2)
    assert not (router.home / "artifacts" / "runs" / run).exists()
    assert not (router.home / "apps" / "generated" / run).exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twenty_kills_at_any_moment(router: RouterProcess) -> None:
    """kill -9 at 20 moments over a run: resume finishes each, no complete answer is asked for twice,
    and the files are the same as those of an undisturbed run.
    """
    whole = router.cli.json("generate", BRIEF, "--model", "demo-flaky")
    expected = _files(router.home / "apps" / "generated" / whole["run"])
    length = whole["duration_ms"] / 1000
    for number in range(20):
        process = router.cli.start("generate", BRIEF, "--model", "demo-flaky", "--events")
        run = _read_until(process, b'"run_started"')
        time.sleep(length * number / 20)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        report = router.cli.json("runs", "resume", run)
        assert report["status"] == "passed"
        assert _files(router.home / "apps" / "generated" / run) == expected
        exchanges = router.cli.json("exchanges", "list", f"run:{run}", "--limit", "200")
        complete = [exchange["step"] for exchange in exchanges if exchange["state"] == "complete"]
        assert sorted(complete) == sorted(set(complete))


def _files(app: Path) -> dict[str, bytes]:
    found = [path for path in app.rglob("*") if path.is_file() and not _left_behind(path.relative_to(app))]
    return {path.relative_to(app).as_posix(): path.read_bytes() for path in found}


def _left_behind(path: Path) -> bool:
    names = {".git", "__pycache__", ".mypy_cache", ".ruff_cache", "junit.xml", ".home"}
    return bool(names & set(path.parts))


def _read_until(process: subprocess.Popen[bytes], word: bytes) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return str(json.loads(line)["run"])
    raise AssertionError("the run ended first")


def _wait_for_status(cli: Cli, status: str) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        runs = cli.json("runs", "list", "--kind", "workflow")
        if runs and runs[0]["status"] == status:
            return str(runs[0]["id"])
        time.sleep(0.1)
    raise AssertionError(f"no run became {status}: {runs}")
