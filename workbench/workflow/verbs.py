"""What people do to a run from outside: approve or send back its plan, cancel it.

A decision is a file in the run's ``control/`` folder, written whole by rename; the run's own process
takes it. Used alike by the CLI and the TUI.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time

import msgspec
import psutil

from workbench.domain.errors import UsageError
from workbench.domain.run import FINISHED, Run
from workbench.settings.home import Home
from workbench.store.store import Store
from workbench.workflow import plan as plans
from workbench.workflow.artifacts import RunFolder
from workbench.workflow.library import load_recipe
from workbench.workflow.paths import write_atomic
from workbench.workflow.process import kill_tree

GRACE_S = 5.0
"""How long a cancelled run may take to end its commands and write its report before it is killed."""
_DECISION = "decision.json"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said to a plan."""

    approved: bool
    feedback: str = ""
    plan: bytes | None = None
    """An edited plan that takes the place of the model's."""
    plan_hash: str | None = None
    """The plan it was said about; a decision about another plan is not taken."""


def approve(home: Home, run_id: str, plan: bytes | None = None) -> None:
    """Let a waiting run go on, with its plan as it is or with an edited one.

    Raises PlanRefused for an edited plan that breaks the recipe's rules, UnknownId for no such run.
    """
    folder = _folder(home, run_id)
    if plan is not None:
        state = folder.load()
        kit = load_recipe(state.recipe, home)
        plans.check_for(kit, state.brief, plans.parse(plan.decode("utf-8", "replace")))
    _decide(folder, Decision(approved=True, plan=plan, plan_hash=_current(folder)))


def send_back(home: Home, run_id: str, feedback: str) -> None:
    """Send a waiting run's plan back to the model with `feedback`. Raises UnknownId, UsageError."""
    if not feedback.strip():
        raise UsageError("say what the plan should be like")
    folder = _folder(home, run_id)
    _decide(folder, Decision(approved=False, feedback=feedback.strip(), plan_hash=_current(folder)))


def take_decision(folder: RunFolder, plan_hash: str) -> Decision | None:
    """Return the decision about the plan with this hash and remove it; None when there is none yet."""
    path = folder.control / _DECISION
    try:
        decision = msgspec.json.decode(path.read_bytes(), type=Decision)
    except (OSError, msgspec.DecodeError):
        return None
    path.unlink(missing_ok=True)
    return decision if decision.plan_hash in {None, plan_hash} else None


def _folder(home: Home, run_id: str) -> RunFolder:
    folder = RunFolder(home.runs / run_id)
    folder.load()
    return folder


def _current(folder: RunFolder) -> str | None:
    try:
        return plans.digest(folder.plan_file.read_bytes())
    except OSError:
        return None


def _decide(folder: RunFolder, decision: Decision) -> None:
    folder.control.mkdir(exist_ok=True)
    write_atomic(folder.control / _DECISION, msgspec.json.encode(decision))


def driver(run: Run) -> psutil.Process | None:
    """Return the process that drives the run, or None when it is gone (a reused pid is not it)."""
    if run.pid is None or run.pid_started is None:
        return None
    try:
        process = psutil.Process(run.pid)
        same = abs(process.create_time() - run.pid_started) < 0.05
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def settle(store: Store) -> list[str]:
    """Mark workflow runs whose process died as interrupted; return their ids.

    A run that waits for approval needs no process: it stays as it is.
    """
    gone = [
        run.id
        for run in store.runs(kind="workflow", status="running", limit=500).items
        if driver(run) is None
    ]
    for run_id in gone:
        store.update_run(run_id, status="interrupted", stop_reason="its process is gone")
    return gone


def cancel(store: Store, run_id: str) -> Run:
    """End a run: its process is asked, then killed with all its commands. Returns the run as it is now.

    A run whose process is gone is marked cancelled. Raises UsageError for a run that has ended.
    """
    run = store.run(run_id)
    if run.status in FINISHED and driver(run) is None:
        raise UsageError(f"{run.id} has ended already ({run.status})", hint=f"workbench runs show {run.id}")
    process = driver(run)
    if process is not None:
        _end(process)
    run = store.run(run.id)
    if run.status not in FINISHED:
        store.update_run(
            run.id, status="cancelled", ended_at=time.time_ns() // 1000, stop_reason="cancelled from outside"
        )
    return store.run(run.id)


def _end(process: psutil.Process) -> None:
    """Ask by SIGTERM; after the grace time kill the whole tree, and the process group when it is its own."""
    leads_group = False
    with contextlib.suppress(OSError):
        leads_group = os.getpgid(process.pid) == process.pid
    with contextlib.suppress(psutil.Error):
        process.send_signal(signal.SIGTERM)
        process.wait(GRACE_S)
        return
    if leads_group:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    kill_tree(process.pid)
