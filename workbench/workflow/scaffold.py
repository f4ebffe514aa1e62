"""The scaffold stage: the template first, then each planned file from one request of its own.

Files that do not build on each other are asked for at the same time. What is refused (cut short, a
placeholder, shrunken, another path) is asked again; a cut answer with a doubled cap, the others with the
reason.
"""

from __future__ import annotations

import asyncio
import hashlib

from workbench.domain.errors import UnusableAnswer
from workbench.domain.events import FileDelta, FileRefused, FileStarted, FileWritten
from workbench.domain.marker import Marker
from workbench.workflow import answers
from workbench.workflow import plan as plans
from workbench.workflow.artifacts import StepState
from workbench.workflow.asking import Asker, Question
from workbench.workflow.brief import variables
from workbench.workflow.deltas import Gather
from workbench.workflow.imports import check_imports
from workbench.workflow.job import Job, input_hash
from workbench.workflow.nonces import file_key, nonce
from workbench.workflow.paths import read_inside, write_inside
from workbench.workflow.plan import Plan, PlannedFile
from workbench.workflow.prompts import file_messages, reask

MAX_TRIES = 3


async def write_template(job: Job) -> None:
    """Make the app's folder with the recipe's files and the first commit."""
    values = variables(job.state.brief)
    hashed = input_hash(job.kit.digest(), job.state.brief)
    if not job.app.is_dir():
        # A resume whose app was deleted: written again, from the answers that are kept.
        job.forget("scaffold", "verify", "repair", "smoke")
    job.app.mkdir(parents=True, exist_ok=True)
    if job.done("scaffold", "template", hashed) is not None:
        return
    async with job.step("scaffold", "template", hashed) as step:
        files = job.kit.template(values)
        for path, data in files.items():
            write_inside(job.app, path, data)
        await job.commits.start()
        if not job.commits.available:
            job.note("git is not installed: no commit per step")
        step.detail = {"files": sorted(files), "commit": await job.commits.commit("template")}


async def write_files(job: Job, asker: Asker, plan: Plan) -> None:
    """Write every planned file that is not written yet, in the order of what builds on what."""
    for file in plan.files:
        job.reserve("scaffold", file.path)
    limit = asyncio.Semaphore(job.state.options.max_parallel)
    for wave in plans.waves(plan):
        async with asyncio.TaskGroup() as group:
            for file in wave:
                group.create_task(_write(job, asker, plan, file, limit), name=f"file {file.path}")


async def _write(job: Job, asker: Asker, plan: Plan, file: PlannedFile, limit: asyncio.Semaphore) -> None:
    async with limit:
        plan_json = plans.encode(plan)
        hashed = input_hash(plan_json, file.path, job.kit.digest())
        if job.done("scaffold", file.path, hashed) is not None:
            return
        async with job.step("scaffold", file.path, hashed) as step:
            content = await _content(job, asker, plan, file, step)
            await _keep(job, file.path, content, step)


async def _keep(job: Job, path: str, content: str, step: StepState) -> None:
    data = content.encode("utf-8", "surrogateescape")
    await asyncio.to_thread(write_inside, job.app, path, data)
    step.output_hash = hashlib.sha256(data).hexdigest()
    commit = await job.commits.commit(f"write {path}", path)
    step.detail.update(size=len(data), commit=commit)
    job.log.emit(FileWritten(path=path, size=len(data), sha256=step.output_hash))


async def _content(job: Job, asker: Asker, plan: Plan, file: PlannedFile, step: StepState) -> str:
    """Return the file's content after at most `MAX_TRIES` answers. Raises UnusableAnswer."""
    key = file_key("file", file.path)
    fence = nonce(job.state.seed, key)
    marker = Marker(kind="file", recipe=job.recipe.name, path=file.path, nonce=fence)
    context = {path: text for path in file.depends_on if (text := read_inside(job.app, path)) is not None}
    messages = file_messages(
        job.recipe,
        job.state.brief,
        fence,
        path=file.path,
        purpose=file.purpose,
        plan_json=plans.encode(plan).decode(),
        context=context,
    )
    cap = job.recipe.limits.max_output_tokens
    reasons: list[str] = []
    for attempt in range(1, MAX_TRIES + 1):
        job.log.emit(FileStarted(path=file.path, attempt=attempt))
        gather = Gather(lambda text: job.log.emit(FileDelta(path=file.path, text=text)))
        question = Question(
            key=f"{key}-{attempt}",
            step=f"file:{file.path}#{attempt}",
            messages=messages,
            max_output=cap,
            part_of=step.detail,
        )
        answer = await asker.ask(question, gather)
        gather.flush()
        try:
            content = answers.one_file(answer.text, fence, file.path, finish_reason=answer.finish_reason)
            _check(job, plan, file, content)
        except answers.Refused as refused:
            reasons.append(refused.reason)
            job.log.emit(FileRefused(path=file.path, reason=refused.reason))
            if refused.truncated:
                cap *= 2
            else:
                messages = reask(messages, answer.text, marker, [refused.reason])
            continue
        return content
    raise UnusableAnswer(f"{file.path}: no usable answer in {MAX_TRIES} tries ({'; '.join(reasons)})")


def _check(job: Job, plan: Plan, file: PlannedFile, content: str) -> None:
    """Raise Refused for content that must not be written."""
    before = read_inside(job.app, file.path) if file.action == "modify" else None
    answers.check_content(file.path, content, before=before, max_kb=job.recipe.limits.max_file_kb)
    files = job.app_files(one.path for one in plan.files)
    check_imports(file.path, content, dependencies=job.recipe.dependencies, files=files)
