"""A workflow run as its events tell it. No I/O: events in, a picture out; the screens draw the picture."""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.domain import events as ev
from workbench.domain.times import parse_iso


class FileState(msgspec.Struct):
    """One file of the app: what was written of it so far."""

    path: str
    status: str = "writing"
    """writing, written or refused"""
    attempt: int = 1
    size: int = 0
    text: str = ""
    reason: str = ""


class GateState(msgspec.Struct):
    """One gate: its output so far."""

    name: str
    argv: list[str] = []
    status: str = "running"
    """running, passed or failed"""
    exit_code: int | None = None
    duration_ms: float | None = None
    reason: str = ""
    text: str = ""


class StepPicture(msgspec.Struct):
    """One step as it goes."""

    seq: int
    kind: str
    name: str
    status: str = "running"
    duration_ms: float | None = None


class RunPicture:
    """Feed it a run's events in order; read its fields at any time."""

    def __init__(self) -> None:
        self.run = ""
        self.title = ""
        self.brief = ""
        self.recipe = ""
        self.model = ""
        self.started_at: int | None = None
        self.plan_text = ""
        self.plan: dict[str, Any] | None = None
        self.plan_hash = ""
        self.waiting = False
        self.steps: dict[int, StepPicture] = {}
        self.files: dict[str, FileState] = {}
        self.gates: dict[str, GateState] = {}
        self.smoke = ""
        self.log: list[tuple[str, str]] = []
        """(style, sentence) for people."""
        self.repairs = 0
        self.status = "running"
        self.stop_reason = ""
        self.exit_code: int | None = None
        self.ended_at: int | None = None

    @property
    def ended(self) -> bool:
        """Whether the run said that it is over."""
        return self.exit_code is not None

    @property
    def planned(self) -> list[str]:
        """Paths of the plan."""
        files = (self.plan or {}).get("files", [])
        return [str(file.get("path", "")) for file in files if isinstance(file, dict)]

    def take(self, event: ev.AnyEvent) -> None:
        """Apply one event."""
        handler = getattr(self, f"_{type(event).__struct_config__.tag}", None)
        if handler is not None:
            handler(event)

    def _say(self, text: str, style: str = "") -> None:
        self.log.append((style, text))

    def _run_started(self, event: ev.RunStarted) -> None:
        self.run, self.title, self.brief = event.run, event.title, event.brief
        self.recipe, self.model = event.recipe, event.model
        self.started_at = self.started_at or _moment(event.at)
        self.exit_code, self.status, self.ended_at = None, "running", None
        self._say(f"{event.recipe} with {event.model}", "dim")

    def _step_started(self, event: ev.StepStarted) -> None:
        self.steps[event.seq] = StepPicture(event.seq, event.kind, event.name)
        if event.kind == "plan":
            self.plan_text = ""

    def _step_finished(self, event: ev.StepFinished) -> None:
        step = self.steps.setdefault(event.seq, StepPicture(event.seq, event.kind, event.name))
        step.status, step.duration_ms = event.status, event.duration_ms

    def _plan_delta(self, event: ev.PlanDelta) -> None:
        self.plan_text += event.text

    def _plan_ready(self, event: ev.PlanReady) -> None:
        self.plan, self.plan_hash, self.waiting = event.plan, event.hash, False
        self._say(f"plan: {len(self.planned)} files", "ok")

    def _plan_waiting(self, _: ev.PlanWaiting) -> None:
        self.waiting = True
        self._say("the plan waits: a accepts it, s sends it back", "mark")

    def _plan_sent_back(self, event: ev.PlanSentBack) -> None:
        self.waiting, self.plan, self.plan_text = False, None, ""
        self._say(f"sent back: {event.feedback}", "mark")

    def _file_started(self, event: ev.FileStarted) -> None:
        self.waiting = False
        self.files[event.path] = FileState(event.path, attempt=event.attempt)

    def _file_delta(self, event: ev.FileDelta) -> None:
        self._file(event.path).text += event.text

    def _file_written(self, event: ev.FileWritten) -> None:
        file = self._file(event.path)
        file.status, file.size = "written", event.size
        self._say(f"wrote {event.path}  {event.size:,} bytes", "ok")

    def _file_refused(self, event: ev.FileRefused) -> None:
        file = self._file(event.path)
        file.status, file.reason = "refused", event.reason
        self._say(f"refused {event.path}: {event.reason}", "bad")

    def _gate_started(self, event: ev.GateStarted) -> None:
        self.waiting = False
        self.gates[event.gate] = GateState(event.gate, event.argv)

    def _gate_output(self, event: ev.GateOutput) -> None:
        self.gates.setdefault(event.gate, GateState(event.gate)).text += event.text

    def _gate_finished(self, event: ev.GateFinished) -> None:
        gate = self.gates.setdefault(event.gate, GateState(event.gate))
        gate.status = "passed" if event.passed else "failed"
        gate.exit_code, gate.duration_ms, gate.reason = event.exit_code, event.duration_ms, event.reason
        self._say(f"gate {event.gate} {gate.status}", "ok" if event.passed else "bad")

    def _repair_started(self, event: ev.RepairStarted) -> None:
        self.repairs = event.round
        self._say(f"repair {event.round}, because of {event.gate}", "warn")

    def _smoke_output(self, event: ev.SmokeOutput) -> None:
        self.smoke += event.text if event.text.endswith("\n") else event.text + "\n"

    def _note(self, event: ev.Note) -> None:
        self._say(event.text, "dim")

    def _run_finished(self, event: ev.RunFinished) -> None:
        self.status, self.stop_reason, self.exit_code = event.status, event.stop_reason, event.exit_code
        self.ended_at, self.waiting = _moment(event.at), False
        style = "ok" if event.status == "passed" else "bad"
        self._say(f"{event.status}: {event.stop_reason}" if event.stop_reason else event.status, style)

    def _file(self, path: str) -> FileState:
        return self.files.setdefault(path, FileState(path))


def _moment(at: str) -> int | None:
    try:
        return parse_iso(at)
    except ValueError:
        return None
