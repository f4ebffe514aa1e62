"""The screen of an exchange is made once and opened again: it never shows anything of the one before."""

from __future__ import annotations

import gc
import json
import threading

import pytest

from tests.tui.builders import answered, at_rest, screen_text, shows, until
from workbench.tui import source
from workbench.tui.body import Body


async def test_the_second_exchange_opens_as_if_the_screen_were_new(app, recorded):
    """View, search and wrapping begin anew; keys act on the exchange that is shown."""
    older = recorded.chat("first question", "first answer")
    newer = recorded.chat("second question", "second answer")
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "1 of 2", "second answer")
        await pilot.press("enter")
        await shows(pilot, "Timing", "second answer")
        await pilot.press("right", "w", "slash", *"question", "enter")
        await shows(pilot, "1 of 1")
        screen = app.screen
        await pilot.press("escape", "j", "enter")
        await shows(pilot, "Timing", "first answer")
        assert app.screen is screen
        assert screen.subjects()[0].id == older.id != newer.id
        assert (screen.tabs.tab, screen.text.term, screen.text.wrap) == ("Chat", "", True)
        assert "find" not in screen_text(app)
        assert "second" not in screen_text(app)


async def test_an_exchange_opened_from_a_replay_list_lies_on_top(app, recorded):
    """The kept screen is in use, so another one is made; `escape` goes back through both."""
    first = recorded.chat("ask", "original words")
    recorded.chat("ask", "replayed words", replay_of=first.id)
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "1 of 2")
        await pilot.press("j", "enter")
        await shows(pilot, "Timing", "original words")
        below = app.screen
        await pilot.press("left")
        await shows(pilot, "1 replays")
        await pilot.press("enter")
        await shows(pilot, "Timing", "replayed words")
        assert app.screen is not below
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is below)
        await pilot.press("escape")
        await shows(pilot, "2 of 2")


async def test_what_is_read_too_late_is_not_shown(app, recorded, monkeypatch):
    """The exchange was left before its bodies had been read."""
    slow = recorded.chat("slow question", "slow answer")
    recorded.chat("quick question", "quick answer")
    go_on, late = threading.Event(), threading.Event()
    whole = source.Source.whole

    def held(self, exchange_id):
        if exchange_id == slow.id:
            go_on.wait(10)
        found = whole(self, exchange_id)
        if exchange_id == slow.id:
            late.set()
        return found

    monkeypatch.setattr(source.Source, "whole", held)
    async with app.run_test(size=(120, 30)) as pilot:
        await shows(pilot, "1 of 2")
        await pilot.press("v", "j", "enter")
        await shows(pilot, "Reading…")
        await pilot.press("escape", "k", "enter")
        await shows(pilot, "Timing", "quick answer")
        go_on.set()
        await until(pilot, late.is_set)
        await pilot.pause(0.2)
        assert "quick answer" in screen_text(app)
        assert "slow" not in screen_text(app)


@pytest.mark.parametrize("keys", [["v"], []], ids=["no preview", "preview"])
async def test_it_opens_on_what_the_preview_has_read_or_reads_it(app, recorded, keys, monkeypatch):
    """With the preview an exchange is read once, not again for its own screen."""
    recorded.chat("question", "the answer")
    read = []
    whole = source.Source.whole
    monkeypatch.setattr(
        source.Source, "whole", lambda self, wanted: read.append(wanted) or whole(self, wanted)
    )
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(*keys)
        await shows(pilot, "1 of 1")
        if not keys:
            await shows(pilot, "the answer")
        await pilot.press("enter")
        await shows(pilot, "Timing", "the answer")
        assert len(read) == 1


async def test_folding_in_the_exchange_leaves_the_preview_alone(app, recorded):
    """Both show the same lines; each folds its own."""
    message = {"role": "assistant", "content": "Yes.", "reasoning_content": "Because\nof\nrain."}
    recorded.put(b'{"messages":[]}', json.dumps({"choices": [{"index": 0, "message": message}]}).encode())
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "1 of 1", "3 lines")
        await pilot.press("enter")
        await shows(pilot, "Timing", "3 lines")
        await pilot.press("Z", "Z")
        await shows(pilot, "rain.")
        await pilot.press("escape")
        await shows(pilot, "1 of 1", "3 lines")
        await pilot.press("tab", "j", "j")
        assert "rain." not in screen_text(app)


async def test_bodies_are_let_go_when_the_exchange_is_left(app, recorded):
    """Neither the kept screen nor a finished worker holds them."""
    recorded.put(b"{}", answered("0123456789 " * 200_000))
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("enter", "right", "right")
        await shows(pilot, "0123456789")
        assert held() != []
        await pilot.press("escape")
        await shows(pilot, "1 of 1")
        await until(pilot, lambda: held() == [])


def held():
    """Return what is alive of large exchanges: what was read, and the documents made of it."""
    gc.collect()
    wholes = [each.response for each in gc.get_objects() if isinstance(each, source.Whole)]
    bodies = [each.text(0, each.size) for each in gc.get_objects() if isinstance(each, Body)]
    return [len(each) for each in [*wholes, *bodies] if len(each) > 1_000_000]


async def test_news_in_the_list_below_do_not_draw_the_exchange_again(app, recorded, monkeypatch):
    """Only what is on the screen is drawn; going back shows what had come meanwhile."""
    recorded.chat("question", "the answer")
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "1 of 1")
        below = app.screen
        await pilot.press("enter")
        await shows(pilot, "Timing", "the answer")
        await at_rest(pilot)
        drawn = []
        draw = type(app)._display
        monkeypatch.setattr(
            type(app), "_display", lambda self, screen, what: drawn.append(screen) or draw(self, screen, what)
        )
        below.rows.refresh()
        below.say(trail="changed down there")
        await pilot.pause(0.1)
        assert drawn == []
        await pilot.press("escape")
        await shows(pilot, "changed down there")
