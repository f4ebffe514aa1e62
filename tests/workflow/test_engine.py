"""A run from brief to report, with a model that says what the test wants, real gates and a real store."""

from __future__ import annotations

import asyncio
import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from tests.workflow.conftest import Bench, file_of, plan_of
from workbench.domain import events as e
from workbench.domain.marker import Marker
from workbench.workflow import lineage, namespaces, sandbox, verbs
from workbench.workflow.artifacts import RunFolder

pytestmark = pytest.mark.sandbox

GOOD = {"main.py": "import pkg.core\n\nprint(pkg.core.NAME)", "pkg/core.py": 'NAME = "x"'}


def speaks(files: dict[str, str], **depends: list[str]) -> Any:
    def speak(marker: Marker, messages: list[dict[str, Any]]) -> str:
        if marker.kind == "plan":
            return plan_of(*files, **depends)
        return file_of(marker, files[marker.path])

    return speak


async def test_a_run_writes_its_files_and_passes(bench: Bench) -> None:
    """Plan, files, gates: the app is on disk, the report says passed, the store has run and steps."""
    bench.model.speak = speaks(GOOD, main=["pkg/core.py"])
    report = await bench.generate()
    assert (report.status, report.exit_code, report.stop_reason) == ("passed", 0, "all gates passed")
    app = bench.home.generated / report.run
    assert (app / "main.py").read_text() == GOOD["main.py"] + "\n"
    assert [gate.name for gate in report.gates] == ["compile", "run"]
    run = bench.store.run(report.run)
    assert (run.status, run.recipe, run.model) == ("passed", "tiny", "m")
    names = [(step.kind, step.name, step.status) for step in bench.store.steps(report.run)]
    assert names == [
        ("plan", "plan", "passed"),
        ("scaffold", "template", "passed"),
        ("scaffold", "main.py", "passed"),
        ("scaffold", "pkg/core.py", "passed"),
        ("verify", "verify", "passed"),
    ]


async def test_the_run_folder_holds_everything(bench: Bench) -> None:
    """plan.json, events.jsonl, state.json, report.json, junit.xml, payloads and gate logs are written."""
    bench.model.speak = speaks(GOOD)
    report = await bench.generate()
    folder = RunFolder(bench.home.runs / report.run)
    assert json.loads(folder.plan_file.read_text())["summary"] == "a plan"
    lines = [e.decode(line) for line in folder.events_file.read_bytes().splitlines()]
    assert isinstance(lines[0], e.RunStarted)
    assert isinstance(lines[-1], e.RunFinished)
    assert None not in lines
    assert json.loads(folder.report_file.read_text())["status"] == "passed"
    suite = ET.parse(folder.junit_file).getroot().find("testsuite")
    assert suite is not None
    assert suite.attrib["tests"] == "2"
    assert sorted(path.name for path in folder.gates.iterdir()) == ["compile.log", "run.log"]
    assert (folder.gates / "run.log").read_text() == "x\n"
    payload = json.loads((folder.payloads / "plan-1-1.json").read_text())
    assert payload["endpoint"] == "/v1/chat/completions"
    assert payload["body"] == bench.model.requests[0]


async def test_requests_name_their_run_and_step(bench: Bench) -> None:
    """The router is told which run and step a request belongs to."""
    bench.model.speak = speaks(GOOD)
    report = await bench.generate()
    assert {head["X-Workbench-Run"] for head in bench.model.headers} == {report.run}
    assert sorted(head["X-Workbench-Step"] for head in bench.model.headers) == [
        "file:main.py#1",
        "file:pkg/core.py#1",
        "plan-1#1",
    ]


async def test_a_bad_plan_is_asked_again_with_its_errors(bench: Bench) -> None:
    """A plan with a hostile path is refused; the re-ask quotes why; the second plan is taken."""
    files = speaks(GOOD)

    def speak(marker: Marker, messages: list[dict[str, Any]]) -> str:
        if marker.kind == "plan" and len(messages) == 2:
            return plan_of("../evil.py", "main.py")
        return files(marker, messages)

    bench.model.speak = speak
    report = await bench.generate()
    assert report.exit_code == 0
    again = bench.model.requests[1]["messages"][-1]["content"]
    assert "path '../evil.py' refused" in again


async def test_a_plan_that_never_comes_right_ends_with_4(bench: Bench) -> None:
    """After the first plan and two re-asks the answer is unusable: exit 4, nothing written."""
    bench.model.speak = lambda marker, messages: "I'd rather talk about it"
    report = await bench.generate()
    assert report.exit_code == 4
    assert len(bench.model.requests) == 3
    assert not (bench.home.generated / report.run).exists()


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (lambda marker: (f"=== FILE {marker.nonce} main.py\nprint(", "length"), "cut short"),
        (lambda marker: f"=== FILE {marker.nonce} main.py\nprint(1)", "END line never came"),
        (lambda marker: file_of(marker, "a = 1\n# rest of the file unchanged"), "placeholder"),
        (lambda marker: file_of(marker, "print(1)", "other.py"), "was not asked for"),
        (lambda marker: file_of(marker, "   "), "empty"),
    ],
)
async def test_a_bad_file_is_refused_and_asked_again(bench: Bench, bad: Any, reason: str) -> None:
    """Cut short, open-ended, placeholder, another path, empty: refused with the reason, then mended."""
    tries = {"main.py": 0}

    def speak(marker: Marker, messages: list[dict[str, Any]]) -> Any:
        if marker.kind == "plan":
            return plan_of("main.py")
        tries["main.py"] += 1
        return bad(marker) if tries["main.py"] == 1 else file_of(marker, "print(1)")

    bench.model.speak = speak
    report = await bench.generate()
    assert report.exit_code == 0
    refusals = bench.seen(e.FileRefused)
    assert len(refusals) == 1
    assert reason in refusals[0].reason


async def test_a_cut_answer_is_asked_again_with_twice_the_room(bench: Bench) -> None:
    """A truncated file is retried with a doubled token cap and the same messages."""

    def speak(marker: Marker, messages: list[dict[str, Any]]) -> Any:
        if marker.kind == "plan":
            return plan_of("main.py")
        return (file_of(marker, "print(1)"), "length" if len(bench.model.requests) == 2 else "stop")

    bench.model.speak = speak
    await bench.generate()
    first, second = bench.model.requests[1:]
    assert second["max_tokens"] == 2 * first["max_tokens"]
    assert second["messages"] == first["messages"]


async def test_a_model_that_takes_other_options_is_asked_in_its_way(bench: Bench) -> None:
    """No schema, another name of the cap, no temperature: learned from three refusals, once for the run."""

    def refuse(body: dict[str, Any]) -> str:
        if "max_tokens" in body:
            return "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        if "temperature" in body:
            return "'temperature' does not support 0 with this model."
        return "this response_format is unavailable" if "response_format" in body else ""

    bench.model.speak = speaks(GOOD)
    bench.model.refuse = refuse
    report = await bench.generate()
    assert report.status == "passed"
    assert len(bench.model.requests) == 3 + 3
    assert set(bench.model.requests[-1]) == {"model", "messages", "stream", "max_completion_tokens"}
    kept = json.loads((bench.home.runs / report.run / "payloads" / "plan-1-1.json").read_text())
    assert "response_format" not in kept["body"]


async def test_a_refusal_that_nothing_helps_ends_the_run(bench: Bench) -> None:
    """An error that stays is the run's stop reason."""
    bench.model.refuse = lambda body: "no such model here"
    report = await bench.generate()
    assert report.exit_code == 1
    assert "no such model here" in report.stop_reason
    assert len(bench.model.requests) == 2


async def test_independent_files_are_asked_for_at_once(bench: Bench) -> None:
    """Three files without dependencies are under way together; one that builds on them comes last."""
    files = {**dict.fromkeys(("a.py", "b.py", "c.py"), "A = 1"), "main.py": "import a"}
    bench.model.speak = speaks(files, main=["a.py", "b.py", "c.py"])
    bench.model.delay = 0.2
    report = await bench.generate()
    assert report.exit_code == 0
    assert bench.model.most == 3
    last = bench.model.requests[-1]["messages"][-1]["content"]
    assert 'path="main.py"' in last
    assert "a.py\nA = 1" in last


async def test_repair_mends_a_failing_gate(bench: Bench) -> None:
    """The failing gate's log goes to the model; its answer is written and the gates run again."""

    def speak(marker: Marker, messages: list[dict[str, Any]]) -> str:
        if marker.kind == "plan":
            return plan_of("main.py")
        if marker.kind == "repair":
            assert "NameError: name 'nope'" in messages[-1]["content"]
            return file_of(marker, "print(1)", "main.py")
        return file_of(marker, "print(nope)")

    bench.model.speak = speak
    report = await bench.generate()
    assert (report.exit_code, report.repairs) == (0, 1)
    assert (bench.home.generated / report.run / "main.py").read_text() == "print(1)\n"


async def test_repair_stops_when_the_error_comes_back(bench: Bench) -> None:
    """The same error with another number after a repair ends the run early, with the reason."""

    def speak(marker: Marker, messages: list[dict[str, Any]]) -> str:
        if marker.kind == "plan":
            return plan_of("main.py")
        if marker.kind == "repair":
            return file_of(marker, "x = 1\nraise ValueError(22)", "main.py")
        return file_of(marker, "raise ValueError(1)")

    bench.model.speak = speak
    report = await bench.generate(max_repairs=3)
    assert report.exit_code == 1
    assert "same error" in report.stop_reason
    assert len(bench.model.asked("repair")) == 1


async def test_repair_stops_when_nothing_changes(bench: Bench) -> None:
    """A repair that answers the file as it is ends the run."""

    def speak(marker: Marker, messages: list[dict[str, Any]]) -> str:
        if marker.kind == "plan":
            return plan_of("main.py")
        return file_of(marker, "raise ValueError(1)", "main.py")

    bench.model.speak = speak
    report = await bench.generate()
    assert report.exit_code == 1
    assert "changed no file" in report.stop_reason


async def test_a_model_wrong_for_ever_stays_in_its_budget(bench: Bench) -> None:
    """Every repair fails differently; the token budget ends it with exit 3, and is not overdrawn."""
    count = 0

    def speak(marker: Marker, messages: list[dict[str, Any]]) -> str:
        nonlocal count
        count += 1
        if marker.kind == "plan":
            return plan_of("main.py")
        return file_of(marker, f"raise Error{'x' * count}(1)", "main.py")

    bench.model.speak = speak
    report = await bench.generate(max_repairs=10, budget_tokens=1800)
    assert report.exit_code == 3
    assert "1800 tokens" in report.stop_reason
    assert report.input_tokens + report.output_tokens <= 1800
    assert [gate.passed for gate in report.gates] == [True, False]
    assert report.repairs > 0


async def test_code_of_a_real_model_stays_so_in_a_fork(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no sandbox works, a run forked to a demo model does not run what another model wrote."""
    bench.model.speak = speaks(GOOD)
    source = await bench.generate()
    monkeypatch.setattr(namespaces, "problem", lambda: "none here")
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    report = await bench.go(await lineage.fork(bench.home, bench.store.run(source.run), model="demo"))
    assert (report.exit_code, report.gates) == (5, [])
    assert "no sandbox for a real model's code" in report.stop_reason


async def test_review_waits_and_goes_on_after_approval(bench: Bench) -> None:
    """With review the run waits; sent back, the next plan has the feedback; approved, it goes on."""
    bench.model.speak = speaks(GOOD)
    task = asyncio.create_task(bench.generate(review=True))
    run = await _waiting(bench)
    verbs.send_back(bench.home, run, "use better names")
    await _waiting(bench, 2)
    assert bench.store.run(run).status == "waiting"
    verbs.approve(bench.home, run)
    report = await task
    assert report.exit_code == 0
    assert "use better names" in bench.model.requests[1]["messages"][-1]["content"]


async def test_an_edited_plan_takes_the_models_place(bench: Bench) -> None:
    """Approving with another plan writes that plan's files."""
    bench.model.speak = speaks({**GOOD, "extra.py": "B = 2"})
    task = asyncio.create_task(bench.generate(review=True))
    run = await _waiting(bench)
    verbs.approve(bench.home, run, plan_of("main.py", "pkg/core.py").encode())
    report = await task
    assert report.exit_code == 0
    assert not (bench.home.generated / run / "extra.py").exists()
    assert json.loads((bench.home.runs / run / "plan.json").read_text())["files"][1]["path"] == "pkg/core.py"


async def _waiting(bench: Bench, times: int = 1) -> str:
    while len(bench.seen(e.PlanWaiting)) < times:
        await asyncio.sleep(0.02)
    run: str = bench.seen(e.PlanWaiting)[0].run
    return run


async def test_cancelling_ends_commands_and_says_so(bench: Bench) -> None:
    """A cancelled run ends its gate's process at once; the report and the store say cancelled (130)."""
    bench.model.speak = speaks({"main.py": "import time\ntime.sleep(60)"})
    task = asyncio.create_task(bench.generate())
    while not any(event.gate == "run" for event in bench.seen(e.GateStarted)):
        await asyncio.sleep(0.02)
    task.cancel()
    report = await task
    assert (report.status, report.exit_code) == ("cancelled", 130)
    assert bench.store.run(report.run).status == "cancelled"
    assert bench.store.steps(report.run)[-1].status == "cancelled"


async def test_a_follower_that_leaves_does_not_end_the_run(bench: Bench) -> None:
    """A closed pipe behind the events is no fault of the run; its own log stays whole."""
    bench.model.speak = speaks(GOOD)
    seen: list[e.RunEvent] = []

    class Leaves:
        def append(self, event: e.RunEvent) -> None:
            seen.append(event)
            if len(seen) == 5:
                raise BrokenPipeError

    bench.events = Leaves()  # type: ignore[assignment]
    report = await bench.generate()
    assert (report.status, len(seen)) == ("passed", 5)
    lines = (bench.home.runs / report.run / "events.jsonl").read_bytes().splitlines()
    assert isinstance(e.decode(lines[-1]), e.RunFinished)


async def test_every_step_is_a_commit(bench: Bench) -> None:
    """The app's folder is a repository with a commit a step."""
    bench.model.speak = speaks({"main.py": "print(1)", "b.txt": "b"})
    report = await bench.generate()
    app = bench.home.generated / report.run
    git = await asyncio.create_subprocess_exec(
        "git", "-c", "safe.directory=*", "log", "--format=%s", cwd=app, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await git.communicate()
    assert set(out.decode().split("\n")) >= {"write main.py", "write b.txt"}
