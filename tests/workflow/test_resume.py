"""Going on with a run, and branching off it, without asking for the same thing twice."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.workflow.conftest import Bench, file_of, plan_of
from workbench.domain import events as e
from workbench.domain.errors import UsageError
from workbench.domain.marker import Marker
from workbench.workflow import lineage, verbs
from workbench.workflow.artifacts import RunFolder
from workbench.workflow.plan import PlanRefused

pytestmark = pytest.mark.sandbox

FILES = {"a.py": "A = 1", "b.py": "B = 2", "main.py": "import a, b\nprint(a.A + b.B)"}


def speak(marker: Marker, messages: list[dict[str, Any]]) -> str:
    if marker.kind == "plan":
        return plan_of(*FILES, main=["a.py", "b.py"])
    return file_of(marker, FILES[marker.path])


async def cancelled_at(bench: Bench, kind: type[e.RunEvent], number: int = 1) -> str:
    """Start a run, cancel it when the nth event of a kind is there; return its id."""
    bench.model.speak = speak
    task = asyncio.create_task(bench.generate())
    while len(bench.seen(kind)) < number:
        await asyncio.sleep(0.005)
    task.cancel()
    return (await task).run


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (e.PlanDelta, 1),
        (e.PlanReady, 1),
        (e.FileStarted, 1),
        (e.FileWritten, 2),
        (e.GateStarted, 1),
        (e.GateStarted, 2),
    ],
)
async def test_a_resume_asks_only_for_what_is_missing(
    bench: Bench, kind: type[e.RunEvent], number: int
) -> None:
    """Cancelled anywhere and resumed, the run passes; each question was answered at most once."""
    run = await cancelled_at(bench, kind, number)
    report = await bench.go(lineage.resume(bench.home, bench.store.run(run)))
    assert (report.run, report.status) == (run, "passed")
    kept = {path.name for path in RunFolder(bench.home.runs / run).payloads.glob("*.answer.json")}
    assert len(kept) == 4
    written = {name: (bench.home.generated / run / name).read_text() for name in FILES}
    assert written == {name: text + "\n" for name, text in FILES.items()}


async def test_after_the_gates_nothing_is_asked_again(bench: Bench) -> None:
    """All answers are kept: a resume makes no call at all."""
    run = await cancelled_at(bench, e.GateStarted)
    asked = len(bench.model.requests)
    report = await bench.go(lineage.resume(bench.home, bench.store.run(run)))
    assert report.status == "passed"
    assert len(bench.model.requests) == asked


async def test_a_deleted_app_is_written_again_from_kept_answers(bench: Bench) -> None:
    """The app's folder is gone: the files come back without a call."""
    bench.model.speak = speak
    report = await bench.generate()
    asked = len(bench.model.requests)
    shutil.rmtree(bench.home.generated / report.run)
    again = await bench.go(lineage.resume(bench.home, bench.store.run(report.run)))
    assert again.status == "passed"
    assert len(bench.model.requests) == asked
    assert (bench.home.generated / report.run / "main.py").is_file()


async def test_a_mended_file_is_verified_again(bench: Bench) -> None:
    """A failed run whose file a person mended passes on resume; the change is a commit."""
    bench.model.speak = lambda marker, messages: (
        plan_of("main.py") if marker.kind == "plan" else file_of(marker, "raise ValueError(1)", "main.py")
    )
    report = await bench.generate(max_repairs=0)
    assert report.exit_code == 1
    app = bench.home.generated / report.run
    (app / "main.py").write_text("print('mended')\n")
    again = await bench.go(lineage.resume(bench.home, bench.store.run(report.run)))
    assert again.status == "passed"
    assert (app / "main.py").read_text() == "print('mended')\n"
    assert "changes made by hand before the resume" in git(app, "log", "--format=%s")


async def test_half_a_repair_is_set_aside_not_lost(bench: Bench) -> None:
    """A run that died in a repair starts it again from whole files; what was there is kept under a ref."""

    def speak(marker: Marker, messages: list[dict[str, Any]]) -> str:
        if marker.kind == "plan":
            return plan_of("main.py", "b.py")
        if marker.kind == "repair":
            return file_of(marker, "print(1)", "main.py")
        return file_of(marker, "raise ValueError(1)" if marker.path == "main.py" else "B = 2")

    bench.model.speak = speak
    task = asyncio.create_task(bench.generate())
    while not bench.seen(e.RepairStarted):
        await asyncio.sleep(0.005)
    task.cancel()
    run = (await task).run
    app = bench.home.generated / run
    (app / "b.py").write_text("half writ")
    report = await bench.go(lineage.resume(bench.home, bench.store.run(run)))
    assert report.status == "passed"
    assert (app / "b.py").read_text() == "B = 2\n"
    ref = git(app, "for-each-ref", "--format=%(refname)", "refs/workbench/interrupted").strip()
    assert git(app, "show", f"{ref}:b.py") == "half writ"


def git(app: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", *arguments], cwd=app, check=True, capture_output=True, text=True
    )
    return done.stdout


async def test_a_running_run_is_not_resumed(bench: Bench) -> None:
    """Two processes never drive the same run."""
    bench.model.speak = speak
    bench.model.delay = 0.5
    task = asyncio.create_task(bench.generate())
    while not bench.seen(e.StepStarted):
        await asyncio.sleep(0.01)
    run = bench.store.run(bench.seen(e.StepStarted)[0].run)
    with pytest.raises(UsageError, match="still running"):
        lineage.resume(bench.home, run)
    task.cancel()
    await task


async def test_new_caps_can_be_given(bench: Bench) -> None:
    """A run that ran out of tokens goes on with a larger budget, and what it spent still counts."""
    bench.model.speak = speak
    report = await bench.generate(budget_tokens=1000)
    assert report.exit_code == 3
    state = lineage.resume(bench.home, bench.store.run(report.run), budget_tokens=100_000)
    again = await bench.go(state)
    assert again.status == "passed"
    assert again.calls >= len(bench.model.requests)


async def test_a_fork_shares_the_plan_and_goes_its_own_way(bench: Bench) -> None:
    """Forked after the plan with another model: files are asked of that one, the source stays as it is."""
    bench.model.speak = speak
    source = await bench.generate()
    before = json.loads((bench.home.runs / source.run / "state.json").read_text())
    bench.model.requests.clear()
    state = await lineage.fork(bench.home, bench.store.run(source.run), step=1, model="other")
    report = await bench.go(state)
    assert (report.status, report.parent) == ("passed", source.run)
    assert {request["model"] for request in bench.model.requests} == {"other"}
    assert bench.model.asked("plan") == []
    assert json.loads((bench.home.runs / source.run / "state.json").read_text()) == before
    assert bench.store.run(report.run).parent == source.run


async def test_a_fork_after_the_files_asks_nothing(bench: Bench) -> None:
    """Without a step the plan and all files are shared, with their commits; only the gates run."""
    bench.model.speak = speak
    source = await bench.generate()
    bench.model.requests.clear()
    report = await bench.go(await lineage.fork(bench.home, bench.store.run(source.run), model="other"))
    assert (report.status, report.model) == ("passed", "other")
    assert bench.model.requests == []
    assert [step["status"] for step in report.steps] == ["passed"] * 6


async def test_a_fork_with_another_brief_shares_nothing(bench: Bench) -> None:
    """Only the options are taken over."""
    bench.model.speak = speak
    source = await bench.generate()
    report = await bench.go(await lineage.fork(bench.home, bench.store.run(source.run), brief="another one"))
    assert report.brief == "another one"
    assert len(bench.model.asked("plan")) == 2


async def test_a_step_that_is_not_there_is_refused(bench: Bench) -> None:
    """The error says how many steps there are."""
    bench.model.speak = speak
    source = await bench.generate()
    with pytest.raises(UsageError, match="the run has 6"):
        await lineage.fork(bench.home, bench.store.run(source.run), step=40)


async def test_an_edited_plan_must_keep_the_rules(bench: Bench) -> None:
    """A hostile edit is refused where it is given; the run goes on waiting."""
    bench.model.speak = speak
    task = asyncio.create_task(bench.generate(review=True))
    while not bench.seen(e.PlanWaiting):
        await asyncio.sleep(0.02)
    run = bench.seen(e.PlanWaiting)[0].run
    with pytest.raises(PlanRefused, match="refused"):
        verbs.approve(bench.home, run, plan_of("main.py", "../x.py").encode())
    assert not task.done()
    verbs.approve(bench.home, run)
    assert (await task).status == "passed"


async def test_a_dead_runs_row_is_settled(bench: Bench) -> None:
    """A run whose process is gone shows as interrupted; a waiting one keeps waiting."""
    run = await cancelled_at(bench, e.GateStarted)
    bench.store.update_run(run, status="running", pid=2**22 - 1, pid_started=1.0)
    assert verbs.settle(bench.store) == [run]
    assert bench.store.run(run).status == "interrupted"
    assert verbs.settle(bench.store) == []
