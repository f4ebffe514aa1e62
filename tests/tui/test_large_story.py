"""A body of 50 MB: it opens, it is searched, and the loop stays free meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from tests.tui.builders import PATIENCE_S, answered, at_rest, screen_text, shows, until
from workbench.tui.body import Body

SIZE = 50_000_000
LINE = b"lorem ipsum dolor sit amet, consectetur\n"
BODIES = {
    "one line": b"x" * SIZE + b"needle",
    "a million lines": LINE * (SIZE // len(LINE)) + b"needle\n",
    "an answer": answered("word " * (SIZE // 5) + "needle"),
}


@pytest.mark.parametrize("kind", BODIES)
async def test_fifty_megabytes_open_at_once_and_are_searched_to_their_end(app, recorded, loop_guard, kind):
    """Chat, then the response; `/` finds the one word at its end. Time is the process's, not the clock's."""
    recorded.put(b'{"model":"demo","messages":[{"role":"user","content":"much"}]}', BODIES[kind])
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "1 of 1")
        await at_rest(pilot)
        loop_guard.arm()
        began = time.process_time()
        await pilot.press("enter")
        await shows(pilot, "Timing", "user")
        assert time.process_time() - began < 3
        began = time.process_time()
        await pilot.press("right", "right")
        await shows(pilot, "50.0 MB")
        assert time.process_time() - began < 6
        began = time.process_time()
        await pilot.press("slash", *"needle", "enter")
        await shows(pilot, "1 of 1", "needle")
        assert time.process_time() - began < 8
        await pilot.press("g")
        await until(pilot, lambda: app.screen.text.scroll_y == 0, "the top")
        await pilot.press("w")
        await until(
            pilot, lambda: not app.screen.text.wrap and not app.screen.text.scroll_y, "lines as they are"
        )
        await pilot.press("L", "j", "w", "G")
        await shows(pilot, BODIES[kind][-20:].decode().split()[-1][-10:])


async def test_a_chat_says_what_it_leaves_out_of_a_very_long_message(app, recorded):
    """The body's own view has all of it."""
    recorded.chat("q", "x" * 1_000_100)
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("enter")
        await shows(pilot, "Timing", "user")
        await pilot.press("G")
        await shows(pilot, "… 100 characters more; Request and Response show all of it")


@pytest.fixture
def held_back(monkeypatch):
    """Bodies are filled only once the event is set; what was asked to be filled."""
    go_on, asked = threading.Event(), []
    fill = Body.fill

    def wait(self, cancelled=lambda: False):
        asked.append(self)
        deadline = time.monotonic() + PATIENCE_S
        while not go_on.wait(0.01) and time.monotonic() < deadline:
            if cancelled():
                asked.remove(self)
                return
        fill(self, cancelled)

    monkeypatch.setattr(Body, "fill", wait)
    yield go_on, asked
    go_on.set()


async def test_the_first_screen_of_a_large_body_waits_for_none_of_the_rest(app, recorded, held_back):
    """Lines are counted `so far`; what follows the end goes along, and hits come with the rest."""
    go_on, asked = held_back
    recorded.put(b"{}", b"first\n" + LINE * 40_000 + b"needle\nlast")
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("enter", "right", "right")
        await shows(pilot, "first", "so far")
        assert len(asked) == 1
        await pilot.press("slash", *"needle", "enter", "G")
        await pilot.pause(0.2)
        assert "last" not in screen_text(app)
        go_on.set()
        await shows(pilot, "needle", "last", "40,003 lines", "1 of 1")
        assert "so far" not in screen_text(app)
        assert len(app.screen.text.document) == 40_003
        await pilot.press("g", "n")
        await shows(pilot, "needle")


async def test_leaving_a_large_body_ends_its_filling(app, recorded, held_back):
    """So does showing it indented or raw, or another exchange: nothing is decoded that nobody sees."""
    _, asked = held_back
    recorded.put(b"{}", LINE * 100_000)
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("enter", "right", "right")
        await shows(pilot, "so far")
        await pilot.press("x")
        await until(pilot, lambda: len(asked) == 1 and app.screen.text.document is asked[0], "the raw view")
        await pilot.press("escape")
        await until(pilot, lambda: asked == [], "the end of the filling")


async def test_quitting_does_not_wait_for_the_rest_of_a_body(app, recorded, held_back):
    """The process would end only with the thread."""
    _, asked = held_back
    recorded.put(b"{}", LINE * 100_000)
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("enter", "right", "right")
        await shows(pilot, "so far")
        assert len(asked) == 1
    deadline = time.monotonic() + 5
    while asked and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    assert asked == []
