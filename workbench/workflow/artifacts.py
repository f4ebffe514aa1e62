"""The folder of a run: ``artifacts/runs/<run-id>/``.

::

    plan.json      the accepted plan            state.json   where the run stands; atomic, after each step
    events.jsonl   append-only, one event a line  report.json  the end; also junit.xml
    payloads/      each request as a payload file and its answer
    gates/         each gate's log              control/     what people say to the run (approve, send back)
    app.diff       the app against its template

A line of ``events.jsonl`` is written with one system call, so a reader sees whole lines or a torn last one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from workbench.domain.errors import UnknownId
from workbench.domain.events import RunEvent, encode
from workbench.domain.payload import Payload, dump
from workbench.domain.times import iso
from workbench.workflow.budget import Spent
from workbench.workflow.paths import write_atomic


class StepState(msgspec.Struct, kw_only=True):
    """A step as ``state.json`` keeps it; `input_hash` decides whether a resume may skip it."""

    seq: int
    kind: str
    name: str
    status: str = "pending"
    input_hash: str | None = None
    output_hash: str | None = None
    started_at: int | None = None
    ended_at: int | None = None
    detail: dict[str, Any] = {}


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for at the start; a resume goes on with the same."""

    review: bool = False
    max_repairs: int = 3
    max_parallel: int = 3
    budget_usd: float | None = 1.0
    budget_tokens: int | None = 400_000
    max_wall_s: float = 1200
    unsafe_no_sandbox: bool = False
    smoke: bool = True
    """Serve and probe the app after its gates, when the recipe says how."""


class State(msgspec.Struct, kw_only=True):
    """Where a run stands. Version 1."""

    version: int = 1
    run: str
    brief: str
    recipe: str
    model: str
    seed: str
    """What nonces are derived from: the first run's id, so that a fork can reuse answers."""
    options: Options = Options()
    parent: str | None = None
    started_at: int = 0
    approved: str | None = None
    """Hash of the plan that was approved (or that needed no approval)."""
    feedback: list[str] = []
    steps: list[StepState] = []
    spent: Spent = msgspec.field(default_factory=Spent)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A complete answer as kept beside its payload: enough to go on without asking again."""

    request_sha256: str
    text: str
    finish_reason: str | None
    exchange: str | None
    provider: str | None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None


class RunFolder:
    """Reads and writes one run's folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.payloads = root / "payloads"
        self.gates = root / "gates"
        self.control = root / "control"
        self.events_file = root / "events.jsonl"
        self.plan_file = root / "plan.json"
        self.state_file = root / "state.json"
        self.report_file = root / "report.json"
        self.junit_file = root / "junit.xml"
        self.diff_file = root / "app.diff"

    def create(self) -> None:
        """Make the folder and its parts; nothing happens to what is there."""
        for folder in (self.root, self.payloads, self.gates, self.control):
            folder.mkdir(parents=True, exist_ok=True)

    def load(self) -> State:
        """Return the saved state. Raises UnknownId when this is no run's folder."""
        try:
            return msgspec.json.decode(self.state_file.read_bytes(), type=State)
        except (OSError, msgspec.DecodeError):
            raise UnknownId("workflow run", self.root.name, hint="workbench runs list") from None

    def save(self, state: State) -> None:
        """Write ``state.json`` whole or not at all."""
        write_atomic(self.state_file, msgspec.json.format(msgspec.json.encode(state), indent=1))

    def save_payload(self, key: str, payload: Payload) -> None:
        """Keep a request, so that `workbench replay` can send it again."""
        write_atomic(self.payloads / f"{key}.json", dump(payload))

    def save_answer(self, key: str, answer: Answer) -> None:
        """Keep a complete answer beside its request."""
        write_atomic(
            self.payloads / f"{key}.answer.json", msgspec.json.format(msgspec.json.encode(answer), indent=1)
        )

    def providers(self) -> set[str]:
        """Return who gave the kept answers, a fork's shared ones included; ``unknown`` where nobody knows."""
        found = set()
        for file in self.payloads.glob("*.answer.json"):
            kept = self.answer(file.name.removesuffix(".answer.json"))
            found.add((kept.provider if kept else None) or "unknown")
        return found

    def answer(self, key: str) -> Answer | None:
        """Return the kept answer, or None."""
        try:
            return msgspec.json.decode((self.payloads / f"{key}.answer.json").read_bytes(), type=Answer)
        except (OSError, msgspec.DecodeError):
            return None


class Log:
    """Writes a run's events and hands each to whoever follows."""

    def __init__(
        self,
        folder: RunFolder,
        run: str,
        on_event: Callable[[RunEvent], None] | None,
        clock_us: Callable[[], int],
    ) -> None:
        self._run, self._on_event, self._clock_us = run, on_event, clock_us
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(folder.events_file, flags, 0o644)
        self._close_torn_line(folder.events_file)

    def _close_torn_line(self, path: Path) -> None:
        """End a line that a kill cut off, so that the next event starts on its own."""
        data = path.read_bytes()
        if data and not data.endswith(b"\n"):
            os.write(self._file, b"\n")

    def emit(self, event: RunEvent) -> None:
        """Write one event, stamped with the time and the run."""
        event.at, event.run = iso(self._clock_us()) or "", self._run
        os.write(self._file, encode(event))
        if self._on_event is not None:
            try:
                self._on_event(event)
            except OSError:  # whoever followed is gone (a closed pipe); the run goes on without
                self._on_event = None

    def close(self) -> None:
        """Make what was written durable."""
        os.fsync(self._file)
        os.close(self._file)
