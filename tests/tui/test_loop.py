"""Nothing that a person does blocks the event loop: measured in the loop thread's own CPU time."""

from __future__ import annotations

import asyncio
import json

from tests.tui.builders import answered, shows


async def test_going_through_a_list_of_thousands_and_a_large_body_never_blocks(app, recorded, loop_guard):
    """Scrolling, filtering, opening a 12 MB answer, searching it."""
    recorded.put(b"{}", answered("needle " + "0123456789 " * 1_100_000))
    for number in range(600):
        recorded.chat(f"question {number}", f"answer {number}")
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "1 of 601")
        await pilot.press("pagedown", "pageup", "j", "k")
        loop_guard.arm()
        await pilot.press(*["pagedown"] * 10, "G")
        await shows(pilot, "601 of 601")
        await pilot.press("enter", "right", "right")
        await shows(pilot, "needle 01")
        await pilot.press("slash", *"needle")
        await shows(pilot, "1 of 1")
        loop_guard.armed = False


def burst(recorded):
    """Record 300 exchanges, one commit each."""
    for number in range(300):
        recorded.put(json.dumps({"n": number}).encode(), b"{}")


async def test_news_by_the_hundred_never_block(app, recorded, loop_guard):
    """A burst of commits is one reading of the newest page."""
    recorded.chat("first", "1")
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("j", "k")
        loop_guard.arm()
        await asyncio.to_thread(burst, recorded)
        await shows(pilot, "of 301")
        loop_guard.armed = False
