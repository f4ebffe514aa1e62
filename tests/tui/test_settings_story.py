"""Settings are read, changed, checked, taken back and used, all with keys."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import RouterProcess
from tests.tui.builders import screen_text, shows, until
from workbench.settings.home import Home
from workbench.settings.load import load_settings
from workbench.settings.sections import TuiSettings
from workbench.tui.app import WorkbenchApp
from workbench.tui.source import Source

WRITTEN = "# mine\nrouter:\n  port: 4100  # taken\n"


async def at(pilot, name):
    """Go to a setting by its name, with `/`."""
    await shows(pilot, "max_body_mb")
    await pilot.press("slash", *name, "enter")
    await until(pilot, lambda: pilot.app.screen.query_one("#items").key.endswith(name), name)


async def test_every_setting_shows_its_value_its_origin_and_its_sentence(app, home, monkeypatch):
    """The file with its line, the environment, the default."""
    monkeypatch.setenv("WORKBENCH_MODEL", "echo")
    home.root.mkdir(parents=True)
    home.settings_file.write_text(WRITTEN)
    async with app.run_test(size=(140, 44)) as pilot:
        await pilot.press("7")
        await shows(
            pilot, "workbench.yaml:3", "4100", "Port to listen on", "WORKBENCH_MODEL", "echo", "2 of 27"
        )
        await at(pilot, "port")
        await shows(pilot, "takes a whole number, 0 to 65535; default 4000", "set in workbench.yaml:3")


async def test_a_value_is_checked_before_it_is_written_and_u_takes_it_back(app, home):
    """A wrong one is said in place; a right one goes into the file, beside its comment."""
    home.root.mkdir(parents=True)
    home.settings_file.write_text(WRITTEN)
    async with app.run_test(size=(130, 44)) as pilot:
        await pilot.press("7")
        await at(pilot, "port")
        await pilot.press("enter", *["backspace"] * 4, *"99999", "enter")
        await shows(pilot, "99999", "✗ Expected", "65535")
        assert home.settings_file.read_text() == WRITTEN
        await pilot.press(*["backspace"] * 5, *"4200", "enter")
        await until(pilot, lambda: home.settings_file.read_text() == WRITTEN.replace("4100", "4200"))
        await shows(pilot, "4200")
        await pilot.press("u")
        await until(pilot, lambda: home.settings_file.read_text() == WRITTEN)
        await pilot.press("x")
        await until(pilot, lambda: load_settings(home, {}).router.port == 4000)
        await pilot.press("u")
        await until(pilot, lambda: load_settings(home, {}).router.port == 4100)


async def test_a_switch_is_switched_and_the_app_uses_it_at_once(app, home):
    """`tui.mouse` off: the mouse is the terminal's; the theme is chosen from those there are."""
    async with app.run_test(size=(130, 44)) as pilot:
        await pilot.press("7")
        await at(pilot, "mouse")
        await pilot.press("enter")
        await until(pilot, lambda: not app.mouse, "the mouse to be let go")
        assert home.settings_file.read_text().endswith("tui:\n  mouse: false\n")
        await at(pilot, "theme")
        await pilot.press("enter")
        await shows(pilot, "tui.theme", "ansi-dark")
        while app.screen.query_one("ItemList").key != "nord":
            await pilot.press("j")
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == "nord", "the theme")
    assert load_settings(home, {}).tui == TuiSettings(theme="nord", mouse=False)


async def test_a_file_that_can_not_be_read_is_said_with_its_line(app, home):
    """The editor mends it; nothing else is stopped by it."""
    home.root.mkdir(parents=True)
    home.settings_file.write_text("router:\n  prot: 1\n")
    async with app.run_test(size=(130, 44)) as pilot:
        await pilot.press("7")
        await shows(pilot, "router.prot: unknown setting", "'prot'", "did you mean 'port'?")
        await pilot.press("1")
        await shows(pilot, "No exchanges yet")


async def test_a_setting_of_the_router_says_that_it_waits_and_restarts_it(tmp_path):
    """`ctrl+r` asks, stops the router and starts it with what is written."""
    router = RouterProcess(tmp_path / "home").start()
    home = Home(router.home)
    app = WorkbenchApp(Source(home), start_router=False)
    try:
        async with app.run_test(size=(140, 44)) as pilot:
            await shows(pilot, "● recording")
            before = app.status.pid
            await pilot.press("7")
            await at(pilot, "drain_s")
            await pilot.press("enter", "backspace", "backspace", "1", "enter")
            await shows(pilot, "still runs with the old settings")
            await pilot.press("ctrl+r")
            await shows(pilot, "Restart the router?")
            await pilot.press("y")
            await until(pilot, lambda: app.status.up and app.status.pid not in {None, before}, "a new router")
            assert "still runs with the old settings" not in screen_text(app)
    finally:
        from workbench.control.process import stop_router

        stop_router(home)
        router.stop()


@pytest.mark.parametrize(
    ("flag", "chosen", "setting", "shown"),
    [
        (None, None, "nord", "nord"),
        (None, "dracula", "workbench-dark", "dracula"),
        (None, "dracula", "nord", "nord"),
        ("gruvbox", "dracula", "nord", "gruvbox"),
        ("no-such-theme", None, "nord", "workbench-dark"),
    ],
)
def test_the_later_word_about_the_theme_counts(home, flag, chosen, setting, shown):
    """A flag for this time; what was chosen in the app, unless the file says something new."""
    first = WorkbenchApp(Source(home), start_router=False)
    first.kept.theme = chosen
    home.root.mkdir(parents=True)
    from workbench.tui import state

    state.save(first.state_file, first.kept)
    again = WorkbenchApp(Source(home), theme=flag, settings=TuiSettings(theme=setting), start_router=False)
    assert again.theme == shown
