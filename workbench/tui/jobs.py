"""Starting our own commands as processes of their own: leaving the app leaves them running."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from workbench.domain import events as ev
from workbench.domain.errors import WorkbenchError
from workbench.domain.text import printable
from workbench.settings.home import Home

_POLL_S = 0.05
START_S = 45.0
"""How long a run may take until it names itself: the router may have to start first."""


class Started(msgspec.Struct, frozen=True):
    """A command that runs; its output goes to `log`."""

    process: subprocess.Popen[bytes]
    log: Path


class CommandFailed(WorkbenchError):
    """A command of ours ended before it did what it was started for."""

    exit_code = 1


def spawn(home: Home, arguments: Sequence[str], log: Path) -> Started:
    """Start ``workbench ARGUMENTS`` detached, stdout and stderr into `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "workbench", "--home", str(home.root), *arguments]
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=home.root,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"},
        )
    return Started(process, log)


def start_run(home: Home, arguments: Sequence[str]) -> str:
    """Start a command that prints a run's events and return the run's id as soon as it is known. Blocks.

    Raises CommandFailed with what the command said when it ends, or stays silent, before that.
    """
    log = home.logs / f"run-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    started = spawn(home, arguments, log)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        ended = started.process.poll() is not None
        found = _run_named(log)
        if found is not None:
            return found
        if ended:
            break
        time.sleep(_POLL_S)
    said = printable(log.read_text(encoding="utf-8", errors="replace")).strip()
    raise CommandFailed(said.splitlines()[-1] if said else "the run did not start", hint=f"less {log}")


def _run_named(log: Path) -> str | None:
    for line in log.read_bytes().splitlines():
        event = ev.decode(line)
        if event is not None and event.run:
            return event.run
    return None


def run_command(home: Home, arguments: Sequence[str]) -> str:
    """Run one of our commands to its end and return what it printed. Raises CommandFailed. Blocks."""
    argv = [sys.executable, "-m", "workbench", "--home", str(home.root), *arguments]
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=600, cwd=home.root
    )
    if done.returncode:
        said = printable((done.stderr or done.stdout).decode("utf-8", "replace")).strip()
        raise CommandFailed(said or f"exit code {done.returncode}", hint=" ".join(["workbench", *arguments]))
    return done.stdout.decode("utf-8", "replace")


def smoke_run(home: Home, run_id: str) -> Started:
    """Start web_smoke on a run; its log arrives as the run's own events. Blocks until it lives or fails.

    Raises CommandFailed with its own words when it ends at once with an error.
    """
    started = spawn(home, ["web-smoke", run_id], home.logs / f"web-smoke-{run_id}.log")
    deadline = time.monotonic() + 1.5
    while time.monotonic() < deadline:
        code = started.process.poll()
        if code is not None and code > 1:
            said = printable(started.log.read_text(encoding="utf-8", errors="replace")).strip()
            raise CommandFailed(said or f"exit code {code}", hint=f"workbench web-smoke {run_id}")
        time.sleep(_POLL_S)
    return started
