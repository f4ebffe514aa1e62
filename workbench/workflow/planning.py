"""The plan stage: ask, check, ask again with the errors (at most twice), wait for a person if asked to."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from workbench.domain.events import PlanDelta, PlanReady, PlanSentBack, PlanWaiting
from workbench.domain.marker import Marker
from workbench.workflow import plan as plans
from workbench.workflow.artifacts import Answer
from workbench.workflow.asking import Asker, Question
from workbench.workflow.deltas import Gather
from workbench.workflow.job import Job, input_hash
from workbench.workflow.nonces import file_key, nonce
from workbench.workflow.paths import write_atomic
from workbench.workflow.plan import Plan, PlanRefused
from workbench.workflow.prompts import Messages, plan_messages, reask
from workbench.workflow.verbs import Decision, take_decision

MAX_REASKS = 2
PLAN_TOKENS = 4096
_POLL_S = 0.2


async def make_plan(job: Job, asker: Asker) -> Plan:
    """Return the accepted plan, asked for, approved and saved as far as it is not there already."""
    hashed = input_hash(job.state.brief, job.recipe.name, job.kit.digest(), job.state.options.review)
    step = job.done("plan", "plan", hashed)
    if step is not None and step.status == "passed":
        return _saved(job)
    async with job.step("plan", "plan", hashed) as step:
        while True:
            plan = await _ask(job, asker, step.detail)
            data = plans.encode(plan)
            if not job.state.options.review:
                break
            decision = await _wait_for_decision(job, data)
            if decision.approved:
                data = decision.plan or data
                plan = _check(job, plans.parse(data.decode("utf-8", "replace")))
                break
            job.state.feedback.append(decision.feedback)
            job.folder.save(job.state)
            job.log.emit(PlanSentBack(feedback=decision.feedback))
        write_atomic(job.folder.plan_file, data)
        job.state.approved = step.output_hash = plans.digest(data)
        step.detail.update(files=len(plan.files), summary=plan.summary)
    return plan


def _saved(job: Job) -> Plan:
    return _check(job, plans.parse(job.folder.plan_file.read_text(encoding="utf-8")))


def _check(job: Job, plan: Plan) -> Plan:
    return plans.check_for(job.kit, job.state.brief, plan)


async def _ask(job: Job, asker: Asker, detail: dict[str, Any]) -> Plan:
    state = job.state
    name = f"plan-{len(state.feedback) + 1}"
    fence = nonce(state.seed, name)
    messages = plan_messages(job.recipe, state.brief, fence, feedback=state.feedback)
    marker = Marker(kind="plan", recipe=job.recipe.name, nonce=fence)
    for attempt in range(1, MAX_REASKS + 2):
        answer = await _answer(job, asker, name, attempt, messages, detail)
        try:
            plan = _check(job, plans.parse(answer.text))
        except PlanRefused as refused:
            if attempt > MAX_REASKS:
                raise
            job.note(f"plan refused, asked again: {'; '.join(refused.errors)}")
            messages = reask(messages, answer.text, marker, refused.errors)
            continue
        data = plans.encode(plan)
        write_atomic(job.folder.plan_file, data)
        job.log.emit(PlanReady(plan=msgspec.to_builtins(plan), hash=plans.digest(data)))
        return plan
    raise AssertionError("unreachable")


async def _answer(
    job: Job, asker: Asker, name: str, attempt: int, messages: Messages, detail: dict[str, Any]
) -> Answer:
    """Ask with the plan's JSON schema, for models that can be held to one."""
    gather = Gather(lambda text: job.log.emit(PlanDelta(text=text)))
    question = Question(
        key=file_key(name, attempt),
        step=f"{name}#{attempt}",
        messages=messages,
        max_output=PLAN_TOKENS,
        schema=plans.json_schema(),
        part_of=detail,
    )
    try:
        return await asker.ask(question, gather)
    finally:
        gather.flush()


async def _wait_for_decision(job: Job, data: bytes) -> Decision:
    """Wait until a person approves or sends back; the decision comes as a file in the run's folder."""
    await _waiting(job, "waiting")
    job.log.emit(PlanWaiting())
    while (decision := take_decision(job.folder, plans.digest(data))) is None:  # noqa: ASYNC110 - a file
        await asyncio.sleep(_POLL_S)
    await _waiting(job, "running")
    return decision


async def _waiting(job: Job, status: Any) -> None:
    step = job.reserve("plan", "plan")
    step.status = status
    job.folder.save(job.state)
    await job.stored(lambda store: store.update_run(job.state.run, status=status))
