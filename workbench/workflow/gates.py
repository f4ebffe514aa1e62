"""A recipe's gates in order, in the sandbox, with live output; the first failure ends it."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from workbench.domain.events import GateFinished, GateOutput, GateStarted, RunEvent
from workbench.workflow.budget import Budget
from workbench.workflow.process import Caps, Outcome, run
from workbench.workflow.recipe import Gate
from workbench.workflow.sandbox import Backend, Toolbox

TAIL_CHARS = 6000
"""Of a failed gate's log that goes into the report and to the model."""
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07")
_TELLING = re.compile(
    r"\b(error|failed|failure|exception|assert\w*|cannot|can't|not found|expected)\b|^E  ", re.I
)
_VARIABLE = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{8,}\b|\d+(\.\d+)?(ms|s)?|/[\w./-]+/", re.I)


class GateResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a gate ended. `exit_code` is None when it was killed, `reason` then says why."""

    name: str
    passed: bool
    exit_code: int | None
    duration_ms: float
    argv: list[str]
    proves: str = ""
    reason: str = ""
    attempts: int = 1
    """More than one: it failed first and passed (or failed) again; only for gates declared flaky."""
    tail: str = ""
    """The end of its output, plain text."""
    log: str = ""
    """Its whole log, relative to the run's folder."""


class Runner:
    """Runs gates on one app in one sandbox; each gate's log goes to the folder `logs`."""

    def __init__(
        self,
        *,
        app: Path,
        logs: Path,
        backend: Backend,
        tools: Toolbox,
        emit: Callable[[RunEvent], None],
        budget: Budget | None = None,
    ) -> None:
        self.app, self.backend, self.tools = app, backend, tools
        self._logs, self._emit, self._budget = logs, emit, budget

    async def all(self, gates: list[Gate], label: str = "") -> list[GateResult]:
        """Run `gates` until one fails; those after it are not in the result."""
        results: list[GateResult] = []
        for gate in gates:
            results.append(await self.one(gate, label))
            if not results[-1].passed:
                break
        return results

    async def one(self, gate: Gate, label: str = "") -> GateResult:
        """Run one gate, again if it failed and is declared flaky."""
        for attempt in range(1, gate.retries + 2):
            outcome = await self._run(gate, label, attempt)
            if outcome.passed:
                break
        log = f"gates/{gate.name}{label}.log"
        tail = clean(outcome.output)[-TAIL_CHARS:]
        result = GateResult(
            name=gate.name,
            passed=outcome.passed,
            exit_code=outcome.exit_code,
            duration_ms=round(outcome.duration_ms, 1),
            argv=gate.argv,
            proves=gate.proves,
            reason=outcome.killed,
            attempts=attempt,
            tail=tail,
            log=log,
        )
        self._emit(
            GateFinished(
                gate=gate.name,
                passed=result.passed,
                exit_code=result.exit_code,
                duration_ms=result.duration_ms,
                reason=result.reason,
            )
        )
        return result

    async def _run(self, gate: Gate, label: str, attempt: int) -> Outcome:
        self._emit(GateStarted(gate=gate.name, argv=gate.argv))
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        mode = "wb" if attempt == 1 else "ab"
        with (self._logs / f"{gate.name}{label}.log").open(mode) as file:

            async def hear(data: bytes) -> None:
                file.write(data)
                file.flush()
                self._emit(GateOutput(gate=gate.name, text=decoder.decode(data)))

            left = self._budget.wall_left() if self._budget is not None else gate.timeout_s
            return await self.command(gate.argv, gate.env, min(gate.timeout_s, left), gate.memory_mb, hear)

    async def command(
        self, argv: list[str], env: dict[str, str], timeout_s: float, memory_mb: int, hear: Any = None
    ) -> Outcome:
        """Run a command in the app's folder in the sandbox."""
        app = self.backend.app_path or str(self.app)
        filled = [part.replace("{app}", app) for part in argv]
        launch = self.backend.wrap(filled, app=self.app, tools=self.tools, env=env)
        caps = Caps(timeout_s=timeout_s, memory_mb=memory_mb, folder=self.app)
        return await run(launch.argv, env=launch.env, cwd=launch.cwd, caps=caps, on_output=hear)


def clean(output: bytes) -> str:
    """Return a command's output as text without colours and cursor movements."""
    text = _ANSI.sub("", output.decode("utf-8", "replace"))
    return "\n".join(line.rsplit("\r", 1)[-1] for line in text.replace("\r\n", "\n").split("\n"))


def signature(result: GateResult) -> str:
    """Return a hash of what went wrong, the same when only numbers, addresses or paths differ."""
    lines = {_VARIABLE.sub("#", line.strip()) for line in result.tail.splitlines() if line.strip()}
    telling = {line for line in lines if _TELLING.search(line)} or lines
    text = "\n".join([result.name, result.reason and "killed", *sorted(telling)])
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
