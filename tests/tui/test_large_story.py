"""A body of 50 MB: it opens, it is searched, and the loop stays free meanwhile."""

from __future__ import annotations

import time

import pytest

from tests.tui.builders import answered, at_rest, shows, until

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


async def test_a_chat_says_what_it_leaves_out_of_a_very_long_message(app, recorded):
    """The body's own view has all of it."""
    recorded.chat("q", "x" * 1_000_100)
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("enter")
        await shows(pilot, "Timing", "user")
        await pilot.press("G")
        await shows(pilot, "… 100 characters more; Request and Response show all of it")
