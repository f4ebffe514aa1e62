"""Following a workflow run on a terminal: a line for each thing that happens, on stderr."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from workbench.cli.output import emit_line, talk
from workbench.domain import events as e
from workbench.domain.text import one_line


class JsonLines:
    """Prints each event as a JSON line on stdout."""

    def __call__(self, event: e.RunEvent) -> None:
        """Take the next event."""
        emit_line(msgspec.to_builtins(event))


class Progress:
    """Says what happens in lines for people; streamed text and gate output stay in the run's folder."""

    def __init__(self, *, quiet: bool = False, on_waiting: Callable[[str], None] | None = None) -> None:
        """`on_waiting` gets the run's id whenever its plan waits for a person."""
        self._quiet, self._on_waiting = quiet, on_waiting

    def __call__(self, event: e.RunEvent) -> None:
        """Take the next event."""
        if self._quiet and not isinstance(event, e.PlanWaiting):
            return
        line = self._line(event)
        if line:
            talk(line)
        if isinstance(event, e.PlanWaiting) and self._on_waiting is not None:
            self._on_waiting(event.run)

    def _line(self, event: e.RunEvent) -> str:  # noqa: PLR0911 - one return a kind of event
        match event:
            case e.RunStarted():
                return f"{event.run}  {event.recipe} with {event.model}"
            case e.PlanReady():
                return _plan(event)
            case e.PlanWaiting():
                return (
                    f"the plan waits for you: workbench runs approve {event.run}   "
                    f'(or: workbench runs send-back {event.run} "what to change")'
                )
            case e.FileWritten():
                return f"wrote {event.path} ({event.size} bytes)"
            case e.FileRefused():
                return f"refused {event.path}: {event.reason}"
            case e.GateStarted():
                return f"gate {event.gate}: {' '.join(event.argv)}"
            case e.GateFinished():
                how = "passed" if event.passed else f"FAILED ({event.reason or f'exit {event.exit_code}'})"
                return f"gate {event.gate} {how} in {event.duration_ms / 1000:.1f} s"
            case e.RepairStarted():
                return f"repair {event.round}, because of {event.gate}"
            case e.SmokeOutput() | e.Note():
                return event.text
        return ""


def _plan(event: e.PlanReady) -> str:
    lines = [f"plan: {one_line(str(event.plan.get('summary', '')))}"]
    lines += [f"  {file['path']}  {one_line(file['purpose'], 80)}" for file in event.plan.get("files", [])]
    return "\n".join(lines)
