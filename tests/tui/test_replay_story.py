"""Find a failed call and send it again, on a real router."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import RouterProcess
from tests.tui.builders import shows, until
from workbench.settings.home import Home
from workbench.tui.app import WorkbenchApp
from workbench.tui.source import Source


@pytest.fixture
def router(tmp_path):
    """A router of its own process on a port the system chose."""
    process = RouterProcess(tmp_path / "home").start()
    yield process
    process.stop()


async def test_a_failed_call_is_found_and_sent_again_to_another_model(router, monkeypatch):
    """`/` finds it, `e` opens the request, `M` chooses the model, `ctrl+s` sends, the verdict is shown."""
    monkeypatch.setattr("workbench.tui.format.now_us", lambda: __import__("time").time_ns() // 1000)
    router.chat("all well", model="echo")
    router.post(
        "/v1/chat/completions", {"model": "nosuch", "messages": [{"role": "user", "content": "help"}]}
    )
    app = WorkbenchApp(Source(Home(router.home)), start_router=False)
    async with app.run_test(size=(140, 40)) as pilot:
        await shows(pilot, "of 2", "● recording")
        await pilot.press("slash", *"status:404", "enter")
        await shows(pilot, "1 of 1", "✗ 404")
        await pilot.press("e")
        await shows(pilot, '"nosuch"')
        await pilot.press("escape")
        await shows(pilot, "1 of 1", "✗ 404")
        await pilot.press("r")
        await shows(pilot, "1 of 1 answered", "100% alike")
        await pilot.press("M")
        await shows(pilot, "Send to which models?", "echo")
        while app.screen.query_one("ItemList").key != "echo":
            await pilot.press("j")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query("Columns"), "the results")
        await pilot.press("r")
        await shows(pilot, "2 of 2 answered", "different")
    assert router.cli.json("exchanges", "list")[0]["model"] == "echo"
