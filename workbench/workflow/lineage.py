"""Going on with a run, and branching off it.

Resume takes the saved state as it is. Fork makes a new run that starts with another's steps up to one of
them: plan, answers and files are copied, so nothing is asked again for what both share.
"""

from __future__ import annotations

import shutil

import msgspec

from workbench.domain import ids
from workbench.domain.errors import UsageError
from workbench.domain.run import Run
from workbench.settings.home import Home
from workbench.workflow.artifacts import Options, RunFolder, State, StepState
from workbench.workflow.budget import Spent
from workbench.workflow.commits import Commits
from workbench.workflow.job import now_us
from workbench.workflow.verbs import driver

_UNFINISHED = frozenset({"running", "waiting", "interrupted", "cancelled", "pending"})


def resume(home: Home, run: Run, **changes: object) -> State:
    """Return the state to go on with; `changes` replace `Options` (``max_repairs``, ``budget_usd``, …).

    Raises UsageError when the run's process is still at work, UnknownId when its folder is gone.
    """
    process = driver(run)
    if process is not None:
        raise UsageError(
            f"{run.id} is still running (pid {process.pid})", hint=f"workbench runs cancel {run.id}"
        )
    state = RunFolder(home.runs / run.id).load()
    kept = {name: value for name, value in changes.items() if value is not None}
    if kept:
        state.options = msgspec.structs.replace(state.options, **kept)
    for step in state.steps:
        if step.status in _UNFINISHED:
            step.status = "pending"
    return state


async def fork(
    home: Home,
    run: Run,
    *,
    step: int | None = None,
    model: str | None = None,
    brief: str | None = None,
    options: Options | None = None,
) -> State:
    """Return the state of a new run that shares the steps 1 to `step` with `run` (None: plan and files).

    Another model goes on after that step; another brief shares nothing but the options. Raises UsageError
    for a step that did not end well.
    """
    source = RunFolder(home.runs / run.id)
    old = source.load()
    shared = [] if brief is not None else _shared(old, step)
    new_id = ids.new_id(ids.RUN, now_us())
    state = State(
        run=new_id,
        seed=old.seed,
        brief=brief or old.brief,
        recipe=old.recipe,
        model=model or old.model,
        options=options or old.options,
        parent=old.run,
        started_at=now_us(),
        approved=old.approved if shared else None,
        feedback=list(old.feedback) if shared else [],
        steps=shared,
        spent=Spent(),
    )
    target = RunFolder(home.runs / new_id)
    target.create()
    if shared:
        await _copy(home, source, target, old, state, shared)
    target.save(state)
    return state


def _shared(old: State, upto: int | None) -> list[StepState]:
    """Return copies of the steps that the fork starts with."""
    if upto is not None and upto not in range(1, len(old.steps) + 1):
        raise UsageError(f"there is no step {upto}; the run has {len(old.steps)}")
    if upto is None:
        upto = max((step.seq for step in old.steps if step.kind in {"plan", "scaffold"}), default=0)
    steps = [step for step in old.steps if step.seq <= upto]
    good = [step for step in steps if step.status in {"passed", "failed"} and step.input_hash is not None]
    if len(good) < len(steps):
        bad = next(step for step in steps if step not in good)
        raise UsageError(f"step {bad.seq} ({bad.kind} {bad.name}) is {bad.status}; fork from an earlier one")
    return msgspec.convert(msgspec.to_builtins(good), list[StepState])


async def _copy(
    home: Home, source: RunFolder, target: RunFolder, old: State, state: State, shared: list[StepState]
) -> None:
    """Copy plan, payloads and the app as it was after the last shared step."""
    for file in (source.plan_file,):
        if file.is_file():
            shutil.copy2(file, target.root / file.name)
    for file in source.payloads.iterdir():
        shutil.copy2(file, target.payloads / file.name)
    before, after = home.generated / old.run, home.generated / state.run
    written = [step for step in shared if step.kind != "plan"]
    if not written or not before.is_dir():
        return
    after.mkdir(parents=True)
    commits = Commits(after)
    await commits.take_over(before, [step.detail.get("commit") for step in written])
