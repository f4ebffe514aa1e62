"""Jump mode: `;` puts letters on panes, tabs and rows; a letter goes there."""

from __future__ import annotations

import pytest

from tests.tui.builders import screen_text, shows, until
from workbench.tui.jump import LETTERS, labels
from workbench.tui.screens.jump import JumpScreen


def letter_of(app, y, x=None):
    """Return the label at a row of the screen."""
    return next(
        label
        for label, target in app.screen.labelled.items()
        if target.y == y and (x is None or target.x == x)
    )


async def jump(pilot):
    await pilot.press("semicolon")
    await until(pilot, lambda: isinstance(pilot.app.screen, JumpScreen), "the letters")


async def test_a_letter_puts_the_cursor_on_a_row_and_shift_opens_it(app, recorded):
    """The letter stands where the row begins."""
    made = [recorded.chat(f"question {n}", "a") for n in range(8)]
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "1 of 8", "question 0")
        rows = app.screen.rows
        at = rows.region.y + 4  # below the head: the fourth newest
        await jump(pilot)
        letter = letter_of(app, at, rows.region.x)
        assert screen_text(app).splitlines()[at].startswith(letter)
        await pilot.press(letter)
        await until(pilot, lambda: not isinstance(app.screen, JumpScreen))
        assert rows.current.id == made[4].id
        await jump(pilot)
        await pilot.press(letter_of(app, at + 1, rows.region.x).upper())
        await shows(pilot, "Timing", made[3].id)


async def test_a_letter_shows_a_tab(app, recorded):
    """The views of an exchange are one key apart from anywhere."""
    recorded.chat("q", "a")
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("enter")
        await shows(pilot, "Timing")
        line = app.screen.tabs
        await jump(pilot)
        column = dict(line.tab_places())[3]
        await pilot.press(letter_of(app, line.region.y, column))
        await until(pilot, lambda: line.tab == "Headers", "the headers")


async def test_a_letter_gives_a_pane_the_focus(app, recorded):
    """The preview beside the list, the log beside the router's facts."""
    recorded.chat("q", "a")
    async with app.run_test(size=(160, 36)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("4")
        await shows(pilot, "The router is not running.")
        log = app.screen.query_one("#log")
        await jump(pilot)
        await pilot.press(letter_of(app, log.region.y, log.region.x))
        await until(pilot, lambda: log.has_focus, "the log")


@pytest.mark.parametrize("key", ["escape", "1", "f5"])
async def test_anything_else_leaves_without_a_change(app, recorded, key):
    """Nothing is done by mistake."""
    recorded.chat("q", "a")
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "1 of 1")
        await jump(pilot)
        await pilot.press(key)
        await until(pilot, lambda: not isinstance(app.screen, JumpScreen), "the list")
        assert app.current_mode == "exchanges"


async def test_more_rows_than_letters_take_two(app, recorded):
    """A tall terminal: the first letter leaves those that begin with it."""
    made = [recorded.chat(f"question {n}", "a") for n in range(80)]
    async with app.run_test(size=(300, 100)) as pilot:
        await shows(pilot, "1 of 80", "question 0")
        rows = app.screen.rows
        await jump(pilot)
        last = letter_of(app, rows.region.y + 80, rows.region.x)
        assert len(last) == 2
        await pilot.press(*last)
        await until(pilot, lambda: not isinstance(app.screen, JumpScreen))
        assert rows.current.id == made[0].id


async def test_a_screen_that_changes_its_size_ends_it(app, recorded):
    """Letters would stand beside what they mean."""
    recorded.chat("q", "a")
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "1 of 1")
        await jump(pilot)
        await pilot.resize_terminal(100, 30)
        await until(pilot, lambda: not isinstance(app.screen, JumpScreen), "the list")


@pytest.mark.parametrize("count", [0, 1, 26, 27, 51, 52, 100, 676, 5000])
def test_labels_are_short_and_none_begins_another(count):
    """What is typed is never in doubt."""
    made = labels(count)
    assert len(made) == min(count, len(LETTERS) ** 2)
    assert len(set(made)) == len(made)
    singles = {label for label in made if len(label) == 1}
    assert not any(label[0] in singles for label in made if len(label) == 2)
