"""Verify and repair: gates, then at most N rounds of mending the one that failed.

Early ends: the same error (numbers and paths aside) is back after a round, or a round changed no file.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.domain.errors import UnusableAnswer
from workbench.domain.events import FileRefused, FileWritten, RepairStarted
from workbench.domain.marker import Marker
from workbench.workflow import answers
from workbench.workflow import plan as plans
from workbench.workflow.asking import Question
from workbench.workflow.gates import GateResult, Runner, signature
from workbench.workflow.imports import check_imports
from workbench.workflow.job import Job, input_hash
from workbench.workflow.nonces import nonce
from workbench.workflow.paths import PathRefused, check_path, read_inside, write_inside
from workbench.workflow.prompts import reask, repair_messages

if TYPE_CHECKING:
    from workbench.workflow.asking import Asker
    from workbench.workflow.plan import Plan

MAX_TRIES = 2
"""Answers of one round: the first, and one more after a refusal."""
CONTEXT_CHARS = 60_000
"""Of files that go into a repair prompt."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How verify ended. `reason` is empty when all gates passed."""

    gates: list[GateResult]
    rounds: int
    reason: str = ""

    @property
    def passed(self) -> bool:
        """All gates passed."""
        return not self.reason


async def verify_and_repair(job: Job, asker: Asker, plan: Plan, runner: Runner) -> Verdict:
    """Return the verdict after at most ``max_repairs`` rounds. Raises LimitReached when a cap ends it."""
    seen: set[str] = set()
    number = 0
    while True:
        results = await _verify(job, runner, number)
        failed = next((result for result in results if not result.passed), None)
        if failed is None:
            return Verdict(gates=results, rounds=number)
        reason = ""
        mark = signature(failed)
        if number >= job.state.options.max_repairs:
            reason = f"{failed.name} still fails after {number} of {number} repairs"
        elif mark in seen:
            reason = f"{failed.name} fails with the same error after a repair"
        if reason:
            return Verdict(gates=results, rounds=number, reason=reason)
        seen.add(mark)
        number += 1
        if not await _repair(job, asker, plan, failed, number):
            reason = f"the repair of {failed.name} changed no file"
            return Verdict(gates=results, rounds=number, reason=reason)


async def _verify(job: Job, runner: Runner, number: int) -> list[GateResult]:
    """Run the gates as a step, or give the kept results where a later repair was built on them."""
    name = f"verify {number}" if number else "verify"
    tree = await asyncio.to_thread(tree_hash, job)
    followed = job.found("repair", f"repair {number + 1}")
    step = job.found("verify", name)
    if step is not None and step.status in {"passed", "failed"} and "gates" in step.detail:
        repaired = followed is not None and followed.status == "passed"
        if repaired or step.input_hash == tree:
            return msgspec.convert(step.detail["gates"], list[GateResult])
    async with job.step("verify", name, tree) as step:
        results = await runner.all(job.recipe.gates, f"-{number}" if number else "")
        step.detail = {"gates": msgspec.to_builtins(results)}
        step.status = "passed" if all(result.passed for result in results) else "failed"
        step.output_hash = tree
        step.detail["commit"] = await job.commits.commit(f"{name}: {step.status}")
    return results


def tree_hash(job: Job) -> str:
    """Return the hash of the app's own files (not of what builds leave behind)."""
    digest = hashlib.sha256(job.kit.digest().encode())
    plan = plans.parse(job.folder.plan_file.read_text(encoding="utf-8"))
    for path in sorted(job.app_files(file.path for file in plan.files)):
        text = read_inside(job.app, path)
        digest.update(f"{path}\0{'' if text is None else text}\0".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


async def _repair(job: Job, asker: Asker, plan: Plan, failed: GateResult, number: int) -> bool:
    """Ask for a repair and write it. Returns whether any file is different now."""
    name = f"repair {number}"
    hashed = input_hash(failed.name, signature(failed))
    step = job.done("repair", name, hashed)
    if step is not None and step.status == "passed":
        return bool(step.detail.get("changed"))
    async with job.step("repair", name, hashed) as step:
        job.log.emit(RepairStarted(round=number, gate=failed.name))
        files = _named_files(job, plan, failed.tail)
        changes = await _changes(job, asker, plan, failed, number, files, step.detail)
        for path, content in changes.items():
            data = content.encode("utf-8", "surrogateescape")
            await asyncio.to_thread(write_inside, job.app, path, data)
            digest = hashlib.sha256(data).hexdigest()
            job.log.emit(FileWritten(path=path, size=len(data), sha256=digest))
        commit = await job.commits.commit(f"{name}: mend {failed.name}")
        step.detail.update(gate=failed.name, changed=sorted(changes), commit=commit)
    return bool(changes)


async def _changes(
    job: Job,
    asker: Asker,
    plan: Plan,
    failed: GateResult,
    number: int,
    files: dict[str, str],
    detail: dict[str, Any],
) -> dict[str, str]:
    """Return path -> new content of the files that the model's answer really changes."""
    key = f"repair-{number}"
    fence = nonce(job.state.seed, key)
    marker = Marker(kind="repair", recipe=job.recipe.name, nonce=fence)
    log = f"{failed.reason}\n{failed.tail}" if failed.reason else failed.tail
    messages = repair_messages(
        job.recipe,
        job.state.brief,
        fence,
        gate=failed.name,
        log=log,
        plan_json=plans.encode(plan).decode(),
        files=files,
    )
    cap = job.recipe.limits.max_output_tokens * 2
    for attempt in range(1, MAX_TRIES + 1):
        question = Question(
            key=f"{key}-{attempt}",
            step=f"{key}#{attempt}",
            messages=messages,
            max_output=cap,
            part_of=detail,
        )
        answer = await asker.ask(question)
        try:
            found = answers.repairs(answer.text, fence, finish_reason=answer.finish_reason)
            return _accepted(job, plan, found)
        except (answers.Refused, PathRefused) as refused:
            job.log.emit(FileRefused(path=refused.path, reason=refused.reason))
            if attempt == MAX_TRIES:
                raise UnusableAnswer(f"{key}: {refused.message}") from None
            if isinstance(refused, answers.Refused) and refused.truncated:
                cap *= 2
            else:
                messages = reask(messages, answer.text, marker, [refused.message])
    raise AssertionError("unreachable")


def _accepted(job: Job, plan: Plan, found: list[answers.Block]) -> dict[str, str]:
    """Return what the blocks change, all of them checked before any is written. Raises Refused."""
    planned = {file.path for file in plan.files}
    changes: dict[str, str] = {}
    for block in found:
        check_path(block.path)
        if block.path not in planned:
            raise answers.Refused("it is not one of the planned files", path=block.path)
        before = changes.get(block.path, read_inside(job.app, block.path) or "")
        after = answers.apply_edit(before, block.content, block.path) if block.edit else block.content
        answers.check_content(block.path, after, before=before, max_kb=job.recipe.limits.max_file_kb)
        check_imports(block.path, after, dependencies=job.recipe.dependencies, files=job.app_files(planned))
        if after != before:
            changes[block.path] = after
    return changes


def _named_files(job: Job, plan: Plan, log: str) -> dict[str, str]:
    """Return the planned files that the log names and those they build on; all of them when it names none."""
    by_path = {file.path: file for file in plan.files}
    named = [path for path in by_path if re.search(rf"(?<![\w-]){re.escape(path)}(?![\w-])", log)]
    wanted = list(named or by_path)
    for path in wanted:
        wanted += [other for other in by_path[path].depends_on if other in by_path and other not in wanted]
    files: dict[str, str] = {}
    room = CONTEXT_CHARS
    for path in wanted:
        text = read_inside(job.app, path)
        if text is not None and len(text) <= room:
            files[path] = text
            room -= len(text)
    return files
