"""A workflow run from brief to report: plan, scaffold, verify (and repair), smoke.

The same function starts and resumes: what ``state.json`` says is finished is skipped, recorded answers are
reused, the rest is done. However a run ends, its report, its state and its row in the store say how.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

import msgspec
import psutil

from workbench.client import RouterClient
from workbench.domain import ids
from workbench.domain.errors import Cancelled, CheckFailed, UnknownId, UsageError, WorkbenchError
from workbench.domain.events import RunEvent, RunFinished, RunStarted
from workbench.domain.run import Run
from workbench.settings.home import Home
from workbench.settings.sections import Settings
from workbench.settings.units import seconds
from workbench.store.store import Store
from workbench.workflow import report as reports
from workbench.workflow.artifacts import Log, Options, RunFolder, State
from workbench.workflow.asking import Asker
from workbench.workflow.brief import title
from workbench.workflow.budget import Budget
from workbench.workflow.gates import GateResult, Runner
from workbench.workflow.job import Job, input_hash, now_us
from workbench.workflow.library import load_recipe
from workbench.workflow.modules import ModuleStore
from workbench.workflow.paths import drop_half_written, write_atomic
from workbench.workflow.planning import make_plan
from workbench.workflow.repair import tree_hash, verify_and_repair
from workbench.workflow.report import RunReport
from workbench.workflow.sandbox import Backend, choose
from workbench.workflow.scaffold import write_files, write_template
from workbench.workflow.seeds import give_seed
from workbench.workflow.smoke import SmokeReport, web_smoke

OnEvent = Callable[[RunEvent], None]
DEMO_PROVIDER = "demo"


class GenerateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks for; None means the home's setting."""

    brief: str
    recipe: str | None = None
    model: str | None = None
    review: bool = False
    max_repairs: int | None = None
    budget_usd: float | None = None
    budget_tokens: int | None = None
    max_wall: str | None = None
    unsafe_no_sandbox: bool = False
    smoke: bool = True


def new_state(request: GenerateRequest, settings: Settings) -> State:
    """Return the state of a run that is about to start. Raises UsageError for an empty brief."""
    if not request.brief.strip():
        raise UsageError("the brief is empty", hint='workbench generate "a slug library with tests"')
    defaults = settings.workflow
    run = ids.new_id(ids.RUN, now_us())
    return State(
        run=run,
        seed=run,
        brief=request.brief,
        recipe=request.recipe or defaults.recipe,
        model=request.model or defaults.model,
        started_at=now_us(),
        options=Options(
            review=request.review,
            max_repairs=defaults.max_repairs if request.max_repairs is None else request.max_repairs,
            max_parallel=defaults.max_parallel,
            budget_usd=defaults.budget_usd if request.budget_usd is None else request.budget_usd,
            budget_tokens=defaults.budget_tokens if request.budget_tokens is None else request.budget_tokens,
            max_wall_s=duration_s(request.max_wall or defaults.max_wall),
            unsafe_no_sandbox=request.unsafe_no_sandbox,
            smoke=request.smoke,
        ),
    )


def duration_s(duration: str) -> float:
    """Return the seconds of a duration that a person typed. Raises UsageError."""
    try:
        return seconds(duration)
    except ValueError as error:
        raise UsageError(str(error)) from None


async def run_workflow(
    request: GenerateRequest | State,
    *,
    home: Home,
    settings: Settings,
    client: RouterClient,
    store: Store,
    on_event: OnEvent | None = None,
) -> RunReport:
    """Run a new request, or go on with a saved state, to its end and return the report.

    A run that fails returns a report that says so (``exit_code`` is not 0); it raises only for what is wrong
    before there is a run: an unknown recipe, an empty brief, no sandbox for a real model's code.
    """
    state = request if isinstance(request, State) else new_state(request, settings)
    kit = load_recipe(state.recipe, home)
    # Told before anything is asked (and paid for); who answered is checked again before code runs.
    choose(trusted=is_demo(state.model), unsafe=state.options.unsafe_no_sandbox)
    folder = RunFolder(home.runs / state.run)
    resumed = await asyncio.to_thread(_known, store, state.run)
    folder.create()
    folder.save(state)
    log = Log(folder, state.run, on_event, now_us)
    try:
        job = Job(home=home, kit=kit, state=state, folder=folder, log=log, store=store)
        await _register(job, resumed=resumed)
        return await _Drive(job, client, resumed=resumed).to_the_end()
    finally:
        log.close()


def is_demo(model: str) -> bool:
    """Tell whether a model group is one of the built-in demos, by its name."""
    return model == "demo" or model.startswith("demo-")


def _known(store: Store, run: str) -> bool:
    try:
        return store.run(run).id == run
    except UnknownId:
        return False


async def _register(job: Job, *, resumed: bool) -> None:
    """Put the run into the store, or mark it as running again under our pid."""
    state, me = job.state, psutil.Process(os.getpid())
    facts: dict[str, Any] = {"status": "running", "pid": me.pid, "pid_started": me.create_time()}
    path = str(job.app.relative_to(job.home.root))
    if resumed:
        await job.stored(
            lambda store: store.update_run(state.run, **facts, ended_at=None, stop_reason=None, path=path)
        )
        job.note("resumed")
        return
    run = Run(
        id=state.run,
        kind="workflow",
        title=title(state.brief),
        started_at=state.started_at,
        recipe=state.recipe,
        model=state.model,
        brief=state.brief,
        parent=state.parent,
        path=path,
        **facts,
    )
    await asyncio.to_thread(job.store.create_run, run)
    await job.keep_all()
    job.log.emit(RunStarted(title=run.title, recipe=state.recipe, model=state.model, brief=state.brief))


class _Drive:
    """Goes through the stages and turns every way to end into a report."""

    def __init__(self, job: Job, client: RouterClient, *, resumed: bool) -> None:
        self._job, self._resumed = job, resumed
        options = job.state.options
        self._budget = Budget(
            usd=options.budget_usd,
            tokens=options.budget_tokens,
            wall_s=options.max_wall_s,
            spent=job.state.spent,
        )
        self._asker = Asker(job, client, self._budget)
        state = job.state
        self._report = RunReport(
            run=state.run,
            status="running",
            stop_reason="",
            exit_code=0,
            title=title(state.brief),
            brief=state.brief,
            recipe=state.recipe,
            model=state.model,
            path=str(job.app),
            started_at=state.started_at,
            parent=state.parent,
        )

    async def to_the_end(self) -> RunReport:
        """Run all stages; the report is written whatever happens, a bug of ours included."""
        failure: BaseException | None = None
        try:
            await self._stages()
            self._set("passed", "all gates passed", 0)
        except BaseException as error:
            failure = _single(error)
            self._fail(failure)
        await self._finish()
        if failure is not None and not isinstance(failure, WorkbenchError | asyncio.CancelledError):
            raise failure
        return self._report

    async def _stages(self) -> None:
        job = self._job
        tools = asyncio.create_task(
            ModuleStore(job.home.modules, job.note).toolbox(job.kit), name="toolchain"
        )
        try:
            plan = await make_plan(job, self._asker)
            self._report.plan, self._report.plan_hash = msgspec.to_builtins(plan), job.state.approved
            if self._resumed:
                await self._take_up()
            if tools.done():
                await tools  # a toolchain that can't be had is told before the files are paid for
            await write_template(job)
            await write_files(job, self._asker, plan)
            toolbox = await tools
            await asyncio.to_thread(give_seed, job.app, toolbox)
            runner = Runner(
                app=job.app,
                logs=job.folder.gates,
                backend=self._backend(),
                tools=toolbox,
                emit=job.log.emit,
                budget=self._budget,
            )
        finally:
            tools.cancel()
            await asyncio.gather(tools, return_exceptions=True)
        verdict = await verify_and_repair(job, self._asker, plan, runner)
        self._report.gates, self._report.repairs = verdict.gates, verdict.rounds
        if not verdict.passed:
            raise CheckFailed(verdict.reason)
        if job.recipe.serve is not None and job.state.options.smoke:
            self._report.smoke = await self._smoke(runner)

    async def _take_up(self) -> None:
        """Bring the app's folder into a known state: half a repair is set aside, edits by hand are kept."""
        job = self._job
        for folder in (job.app, job.folder.root):
            await asyncio.to_thread(drop_half_written, folder)
        if any(step.kind == "repair" and step.status == "pending" for step in job.state.steps):
            if await job.commits.set_back():
                job.note("a half-done repair was set aside under refs/workbench/interrupted")
        elif await job.commits.commit("changes made by hand before the resume"):
            job.note("your changes in the app's folder are kept, as a commit")

    def _backend(self) -> Backend:
        """Choose the sandbox by who really wrote the code: the recording says which provider answered."""
        trusted = self._job.folder.providers() == {DEMO_PROVIDER}
        backend = choose(trusted=trusted, unsafe=self._job.state.options.unsafe_no_sandbox)
        self._report.sandbox = backend.name
        self._job.note(f"sandbox: {backend.name}")
        return backend

    async def _smoke(self, runner: Runner) -> SmokeReport:
        job = self._job
        hashed = input_hash(tree_hash(job), job.state.brief)
        async with job.step("smoke", "web_smoke", hashed) as step:
            smoke = await web_smoke(
                job.recipe,
                runner,
                brief=job.state.brief,
                folder=job.folder.root,
                emit=job.log.emit,
                build=False,
            )
            step.detail = {"checks": msgspec.to_builtins(smoke.checks)}
            self._report.smoke = smoke
            if not smoke.passed:
                problems = [f"{check.what}: {check.problem}" for check in smoke.checks if check.problem]
                raise CheckFailed("web_smoke: " + "; ".join(problems)[:500])
        return smoke

    async def _write_diff(self) -> None:
        """Keep what the run made of its template as a patch."""
        template = self._job.found("scaffold", "template")
        commit = template.detail.get("commit") if template else None
        if commit and self._job.app.is_dir():
            text = await self._job.commits.changed_since(commit)
            write_atomic(self._job.folder.diff_file, text.encode("utf-8", "replace"))

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError | KeyboardInterrupt | Cancelled):
            self._set("cancelled", "cancelled", Cancelled.exit_code)
        elif isinstance(error, WorkbenchError):
            self._set("failed", error.message, error.exit_code)
            if error.hint:
                self._job.note(f"hint: {error.hint}")
        else:
            self._set("failed", f"a bug: {type(error).__name__}: {error}", 70)

    def _set(self, status: str, reason: str, code: int) -> None:
        self._report.status, self._report.stop_reason, self._report.exit_code = status, reason, code

    async def _finish(self) -> None:
        """Write report and JUnit, end the run in the store, say the last event."""
        job, report = self._job, self._report
        report.ended_at = now_us()
        if not report.gates:  # a cap or a refusal ended the repairs
            last = [step.detail["gates"] for step in job.state.steps if "gates" in step.detail][-1:]
            report.gates = msgspec.convert(last[0], list[GateResult]) if last else []
            report.repairs = sum(1 for step in job.state.steps if step.kind == "repair")
        reports.add_steps(report, job.state)
        job.folder.save(job.state)
        reports.write(report, job.folder, job.app, job.recipe.gates)
        await self._write_diff()
        changes: dict[str, Any] = {
            "status": report.status,
            "ended_at": report.ended_at,
            "stop_reason": report.stop_reason,
            "pid": None,
            "pid_started": None,
        }
        await asyncio.shield(job.stored(lambda store: store.update_run(report.run, **changes)))
        job.log.emit(
            RunFinished(status=report.status, stop_reason=report.stop_reason, exit_code=report.exit_code)
        )


def _single(error: BaseException) -> BaseException:
    """Return the one error of a task group; of several the one with the most to say."""
    while isinstance(error, BaseExceptionGroup):
        ours = [one for one in error.exceptions if not isinstance(one, asyncio.CancelledError)]
        error = (ours or list(error.exceptions))[0]
    return error
