"""What a workflow run says while it goes on: one JSON line each in ``events.jsonl``.

Every line is ``{"type": …, "at": ISO 8601, "run": id, …}``. Readers skip types they do not know, so that
a newer run can be followed by an older program.
"""

from __future__ import annotations

from typing import Any

import msgspec


class RunEvent(msgspec.Struct, kw_only=True, tag_field="type", omit_defaults=False):
    """Base of all: when and of which run. `at` is ISO 8601 in UTC."""

    at: str = ""
    run: str = ""


class RunStarted(RunEvent, tag="run_started"):
    """The run exists; nothing was asked of a model yet."""

    title: str
    recipe: str
    model: str
    brief: str


class StepStarted(RunEvent, tag="step_started"):
    """A step begins. `kind` is plan, scaffold, verify, repair or smoke."""

    seq: int
    kind: str
    name: str


class PlanDelta(RunEvent, tag="plan_delta"):
    """A piece of the plan's raw text as the model writes it."""

    text: str


class PlanReady(RunEvent, tag="plan_ready"):
    """A plan that passed validation, and the SHA-256 of its saved bytes."""

    plan: dict[str, Any]
    hash: str


class PlanWaiting(RunEvent, tag="plan_waiting"):
    """The run waits for `runs approve` or for feedback."""


class PlanSentBack(RunEvent, tag="plan_sent_back"):
    """The plan goes back to the model with these words."""

    feedback: str


class FileStarted(RunEvent, tag="file_started"):
    """A file is asked for; `attempt` is 1 for the first try."""

    path: str
    attempt: int = 1


class FileDelta(RunEvent, tag="file_delta"):
    """A piece of a file as the model writes it."""

    path: str
    text: str


class FileWritten(RunEvent, tag="file_written"):
    """A whole file is on disk: size in bytes, SHA-256."""

    path: str
    size: int
    sha256: str


class FileRefused(RunEvent, tag="file_refused"):
    """An answer was not written, and why."""

    path: str
    reason: str


class GateStarted(RunEvent, tag="gate_started"):
    """A gate's command begins."""

    gate: str
    argv: list[str]


class GateOutput(RunEvent, tag="gate_output"):
    """A piece of a gate's output, stdout and stderr together."""

    gate: str
    text: str


class GateFinished(RunEvent, tag="gate_finished"):
    """A gate's end; `exit_code` None when it was killed."""

    gate: str
    passed: bool
    exit_code: int | None
    duration_ms: float
    reason: str = ""


class RepairStarted(RunEvent, tag="repair_started"):
    """Round `round` of repair, because of `gate`."""

    round: int
    gate: str


class SmokeOutput(RunEvent, tag="smoke_output"):
    """A line of web_smoke's log."""

    text: str


class StepFinished(RunEvent, tag="step_finished"):
    """A step's end."""

    seq: int
    kind: str
    name: str
    status: str
    duration_ms: float


class Note(RunEvent, tag="note"):
    """A sentence for people: which sandbox, what is installed, what was skipped."""

    text: str


class RunFinished(RunEvent, tag="run_finished"):
    """The end; `exit_code` as in the design's list."""

    status: str
    stop_reason: str
    exit_code: int


AnyEvent = (
    RunStarted
    | StepStarted
    | PlanDelta
    | PlanReady
    | PlanWaiting
    | PlanSentBack
    | FileStarted
    | FileDelta
    | FileWritten
    | FileRefused
    | GateStarted
    | GateOutput
    | GateFinished
    | RepairStarted
    | SmokeOutput
    | StepFinished
    | Note
    | RunFinished
)

_DECODER: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(event: RunEvent) -> bytes:
    """Return the event as one line of JSON, newline included."""
    return msgspec.json.encode(event) + b"\n"


def decode(line: bytes) -> AnyEvent | None:
    """Return the event of one line, or None when it is torn or of a type not known here."""
    try:
        return _DECODER.decode(line)
    except msgspec.DecodeError:
        return None
