"""Answers side by side: recorded ones with no router, new ones on a real router."""

from __future__ import annotations

import time

import pytest

from tests.e2e.conftest import RouterProcess
from tests.tui.builders import screen_text, shows, until
from workbench.settings.home import Home
from workbench.tui.app import WorkbenchApp
from workbench.tui.comparing import original_text
from workbench.tui.diff_view import beside
from workbench.tui.progress import Progress
from workbench.tui.source import Source


@pytest.fixture
def router(tmp_path):
    """A router of its own process on a port the system chose."""
    process = RouterProcess(tmp_path / "home").start()
    yield process
    process.stop()


@pytest.fixture
def three(recorded):
    """An answer and two others to the same question, from fastest to slowest."""
    return [
        recorded.chat("q", "the quick brown fox jumps", model="one", latency_ms=10.0),
        recorded.chat("q", "the slow brown fox jumps", model="two", latency_ms=2500.0),
        recorded.failed("q"),
    ]


async def compare_all(pilot):
    await shows(pilot, "1 of 3")
    await pilot.press("m", "m", "m", "d")
    await shows(pilot, "the original")


async def test_three_marked_exchanges_stand_side_by_side_with_verdict_status_latency_and_words(app, three):
    """`m` `m` `m` `d`: the oldest is the original, each other shows what differs from it."""
    async with app.run_test(size=(160, 40)) as pilot:
        await compare_all(pilot)
        await shows(pilot, "the [-quick-]{+slow+} brown fox", "the quick brown fox", "✓ 200  2.50 s", "✗ 504")
        row = next(row for row in screen_text(app).splitlines() if "the original" in row)
        assert "similar" in row
        assert "failed" in row


async def test_the_arrows_go_from_column_to_column_and_enter_opens_that_exchange(app, three):
    """What the keys act on is the column with the focus."""
    async with app.run_test(size=(160, 40)) as pilot:
        await compare_all(pilot)
        await pilot.press("right")
        await until(pilot, lambda: [item.id for item in app.screen.subjects()] == [three[1].id])
        await pilot.press("l", "enter")
        await shows(pilot, "Timing", "✗ 504", three[2].id)


@pytest.mark.parametrize(("width", "columns"), [(80, 1), (100, 2), (160, 3), (300, 3)])
async def test_as_many_columns_as_can_be_read_are_shown_and_tabs_lead_to_the_rest(app, three, width, columns):
    """A narrow terminal shows one at a time, and says which others there are."""
    async with app.run_test(size=(width, 24)) as pilot:
        await compare_all(pilot)
        await until(pilot, lambda: len(app.screen.columns.columns) == 3)
        shown = [column for column in app.screen.columns.columns if column.display]
        assert len(shown) == columns
        await pilot.press("right", "right")
        await shows(pilot, "failed")
        assert ("● one" in screen_text(app)) == (columns > 1 or "≈ two" in screen_text(app))


async def test_scrolling_one_column_scrolls_the_others(app, recorded):
    """The same place of each answer stays on the screen."""
    for answer in ("one", "two", "three"):
        recorded.chat("q", "\n".join(f"{answer} {n}" for n in range(200)))
    async with app.run_test(size=(160, 30)) as pilot:
        await compare_all(pilot)
        await until(pilot, lambda: all(len(c.text.document) > 100 for c in app.screen.columns.columns))
        await pilot.press("pagedown", "pagedown")
        await until(pilot, lambda: {int(c.text.scroll_y) for c in app.screen.columns.columns} != {0})
        await until(pilot, lambda: len({int(c.text.scroll_y) for c in app.screen.columns.columns}) == 1)


async def test_one_request_goes_to_several_models_side_by_side(router, monkeypatch):
    """`M`, two models marked, `enter`: both are asked at once and compared with the original."""
    monkeypatch.setattr("workbench.tui.format.now_us", lambda: time.time_ns() // 1000)
    router.chat("what is a monad?", model="echo")
    app = WorkbenchApp(Source(Home(router.home)), start_router=False)
    async with app.run_test(size=(160, 40)) as pilot:
        await shows(pilot, "1 of 1", "● recording")
        await pilot.press("M")
        await shows(pilot, "Send to which models?", "echo")
        for name in ("demo", "echo"):
            await pilot.press("g")
            while app.screen.query_one("ItemList").key != name:
                await pilot.press("j")
            await pilot.press("m")
        await pilot.press("enter")
        await shows(pilot, "2 of 2 answered", "the original", "different")
        assert "same" in screen_text(app) or "equivalent" in screen_text(app)
        await pilot.press("right", "p")
        await until(pilot, lambda: any(row["pinned"] for row in router.cli.json("exchanges", "list")))
    assert sorted(row["model"] for row in router.cli.json("exchanges", "list")) == ["demo", "echo", "echo"]


async def test_a_router_that_is_gone_is_said_in_the_column(app, recorded):
    """No answer is shown as none, with what mends it."""
    recorded.chat("q", "a")
    async with app.run_test(size=(140, 30)) as pilot:
        await shows(pilot, "1 of 1", "router not running")
        await pilot.press("r")
        await shows(pilot, "no answer", "no router runs", "1 of 1 answered")


def test_differences_are_signed_by_word_and_line_and_other_words_are_left_alone():
    """Signs never span lines; an answer that shares nothing is shown as it is."""
    assert [line.text for line in beside("a b c\nd", "a x y\nz d").lines] == [
        "a [-b-]{+x+} [-c-]{+y+}",
        "{+z +}d",
    ]
    assert [line.text for line in beside("one two", "alpha beta gamma").lines] == [
        "in other words altogether",
        "alpha beta gamma",
    ]
    assert [line.text for line in beside("same", "same").lines] == ["same"]


def test_progress_says_how_many_how_fast_and_how_long():
    """The time left follows from the rate so far."""
    now = [0.0]
    progress = Progress(10, lambda: now[0])
    assert str(progress) == "0 of 10"
    now[0] = 2.0
    progress.step(4)
    assert str(progress) == "4 of 10, 2.0 a second, 3.00 s left"


def test_an_original_without_an_answer_says_so(home, recorded):
    """An empty body is shown as one."""
    exchange = recorded.put(b'{"model":"demo","messages":[]}', b"")
    _, lines = original_text(Source(home), exchange.id)
    assert lines.lines
