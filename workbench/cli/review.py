"""Asking at the terminal what to do with a plan that waits: accept, edit, send back, give up."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

import click

from workbench.cli.output import talk
from workbench.domain.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.settings.home import Home


def can_ask() -> bool:
    """Tell whether a person sits at this process's terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_in_thread(home: Home, run: str) -> None:
    """Ask beside the run, which goes on waiting for a decision from anywhere; the first one counts."""
    threading.Thread(target=_ask, args=(home, run), name="review", daemon=True).start()


def _ask(home: Home, run: str) -> None:
    while True:
        said = click.prompt(
            "[a]ccept, [e]dit, [s]end back or [q]uit", default="a", show_default=False, err=True
        )
        try:
            if _act(home, run, said.strip().lower()[:1]):
                return
        except WorkbenchError as error:
            talk(f"error: {error.message}")


def _act(home: Home, run: str, said: str) -> bool:
    """Do what was said; return whether that was a decision."""
    from workbench.workflow import verbs

    if said == "a":
        verbs.approve(home, run)
    elif said == "e":
        path = home.runs / run / "plan.json"
        edited = click.edit(path.read_text(encoding="utf-8"), extension=".json")
        if edited is None:
            return False
        verbs.approve(home, run, edited.encode())
    elif said == "s":
        verbs.send_back(home, run, click.prompt("what should be different", err=True))
    elif said == "q":
        os.kill(os.getpid(), signal.SIGTERM)
    else:
        return False
    return True
