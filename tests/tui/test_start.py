"""The first frame waits for nothing that can come after it, and nothing is done twice for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pytest
from textual.css import stylesheet

from tests.tui.builders import at_rest, screen_text, shows, until
from workbench.control.home import ensure_home
from workbench.tui.source import Source
from workbench.tui.widgets.textview import TextView


async def test_the_store_is_read_after_the_first_frame(app, recorded, monkeypatch):
    """What a thread imports and reads before it would hold it up."""
    recorded.chat("question", "answer")
    painted = []
    page = Source.exchanges
    monkeypatch.setattr(
        Source, "exchanges", lambda self, *a, **k: painted.append(app.painted.is_set()) or page(self, *a, **k)
    )
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "1 of 1")
    assert painted
    assert all(painted)


@pytest.mark.parametrize(
    ("written", "loaded", "theme"),
    [("", False, "workbench-dark"), ("tui: {theme: nord}\n", True, "nord")],
    ids=["a fresh home", "settings of the app"],
)
def test_only_settings_of_the_app_are_worth_reading_yaml_for(home, written, loaded, theme):
    """A fresh home's settings speak of the app in comments alone."""
    ensure_home(home)
    home.settings_file.write_text(home.settings_file.read_text() + written)
    code = (
        "import json, sys; from pathlib import Path; from workbench.settings.home import Home;"
        "from workbench.cli.tui import _settings;"
        "print(json.dumps([_settings(Home(Path(sys.argv[1]))).theme, 'yaml' in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(home.root)], capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(done.stdout) == [theme, loaded]


async def test_every_style_source_is_parsed_once_for_a_theme(app, recorded, monkeypatch):
    """Neither a new screen nor a new widget has everything parsed again; another theme does, once.

    A widget may give the styles of a class that it is made from another rank: those are other rules.
    """
    parsed = Counter()
    parse = stylesheet.parse

    def counted(scope, css, read_from, **more):
        parsed[read_from, more["tie_breaker"]] += 1
        return parse(scope, css, read_from, **more)

    monkeypatch.setattr(stylesheet, "parse", counted)
    recorded.chat("question", "answer")
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("enter")
        await shows(pilot, "Timing")
        assert set(parsed.values()) == {1}
        known, ground = {source for source, _ in parsed}, app.screen.styles.background
        parsed.clear()
        app.theme = "workbench-light"
        await at_rest(pilot)
        assert set(parsed.values()) == {1}
        assert {source for source, _ in parsed} >= known
        assert app.screen.styles.background != ground


async def test_nothing_is_drawn_for_a_batch_before_it_is_over(app, recorded, monkeypatch):
    """Textual would draw the screen and throw it away; afterwards it shows all that was changed."""
    recorded.chat("question", "answer")
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "1 of 1", "answer")
        await at_rest(pilot)
        screen, drawn = app.screen, []
        render = screen._compositor.render_update
        monkeypatch.setattr(
            screen._compositor, "render_update", lambda **k: drawn.append(app._batch_count) or render(**k)
        )
        with app.batch_update():
            screen.say(trail="changed meanwhile")
            screen.refresh(layout=True)
            screen._refresh_layout()
            await pilot.pause(0.1)
            assert drawn == []
        await shows(pilot, "changed meanwhile")
        await at_rest(pilot)
        assert set(drawn) == {0}
        assert "changed meanwhile" in screen_text(app)


async def test_what_was_asked_for_before_all_was_drawn_is_not_drawn_again(app, recorded):
    """Opening a screen draws it whole; its widgets' own wishes come in only afterwards."""
    recorded.chat("question", "answer")
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "1 of 1", "answer")
        await at_rest(pilot)
        screen, compositor, drawn = app.screen, app.screen._compositor, []
        draw = compositor.render_update
        compositor.render_update = lambda **k: drawn.append(draw(**k)) or drawn[-1]
        screen.rows.refresh()
        screen._repaint_required = True
        screen._compositor_refresh()
        await pilot.pause(0.1)
        assert [update is not None for update in drawn if update] == [True]
        screen.rows.refresh()
        await until(pilot, lambda: sum(update is not None for update in drawn) == 2)


async def test_a_text_is_never_drawn_for_another_width(app, recorded, monkeypatch):
    """Neither before it is laid out, nor after the terminal has changed its size."""
    recorded.chat("how wide is this question? " * 20, "answer")
    widths = []
    draw = TextView.render_line
    monkeypatch.setattr(
        TextView,
        "render_line",
        lambda self, y: widths.append((self._index.width, self._text_width())) or draw(self, y),
    )
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("enter")
        await shows(pilot, "Timing", "answer")
        await pilot.resize_terminal(80, 30)
        await shows(pilot, "Timing", "answer")
        await at_rest(pilot)
    assert len({made for made, _ in widths}) >= 2
    assert [width for width in widths if len(set(width)) > 1] == []
