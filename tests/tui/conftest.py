"""The real app on a real store; only the terminal is headless."""

from __future__ import annotations

import asyncio
import gc
import os
import time

import pytest

from tests.tui.builders import NOW_US, Recorded
from workbench.settings.home import Home
from workbench.tui.app import WorkbenchApp
from workbench.tui.source import Source


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch):
    """Pin the zone, the clock that is drawn and the terminal, so that screens are the same everywhere."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    monkeypatch.setattr("workbench.tui.format.now_us", lambda: NOW_US)
    services = [("service", "not installed; to start the router when you sign in: workbench service install")]
    monkeypatch.setattr("workbench.tui.screens.router.services_of", lambda _home: services)
    monkeypatch.setattr("textual.widgets.Input.cursor_blink", False, raising=False)
    monkeypatch.setattr("textual.widgets.TextArea.cursor_blink", False, raising=False)


@pytest.fixture
def home(tmp_path):
    """A home with nothing in it."""
    return Home(tmp_path / "home")


@pytest.fixture
def recorded(home):
    """A store to put exchanges and runs in."""
    made = Recorded(home)
    yield made
    made.close()


@pytest.fixture
def app(home):
    """The app on that home; it starts no router."""
    return WorkbenchApp(Source(home), start_router=False)


@pytest.fixture
def loop_guard(monkeypatch):
    """Fail the test when one callback uses the event loop's thread for more than 50 ms.

    CPU time of the thread, not time on the clock: a busy machine must not fail the test. Armed with
    ``guard.arm()`` once the app is up: parsing the stylesheet is part of the start.
    """
    guard = Guard()
    run = asyncio.events.Handle._run

    def timed(handle):
        began = time.thread_time()
        result = run(handle)
        guard.took(time.thread_time() - began, handle)
        return result

    monkeypatch.setattr(asyncio.events.Handle, "_run", timed)
    yield guard
    gc.enable()
    assert guard.blocked == []


class Guard:
    """What blocked the loop."""

    limit_s = 0.050 * float(os.environ.get("WORKBENCH_TEST_SLOWNESS", "1"))

    def __init__(self):
        self.armed = False
        self.blocked = []

    def arm(self):
        # A collection walks the whole heap of the test process, which is not the app's doing.
        gc.collect()
        gc.disable()
        self.armed = True

    def took(self, seconds, handle):
        if self.armed and seconds > self.limit_s:
            task = getattr(handle._callback, "__self__", None)
            name = task.get_name() if isinstance(task, asyncio.Task) else repr(handle)
            if name.startswith("Task-"):
                return  # the test's own task
            self.blocked.append(f"{seconds * 1000:.0f} ms in {name}")
