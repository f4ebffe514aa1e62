"""Keys: each has an id, a place in the help and in the docs; what can be done is in the palette."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tui.builders import at_rest, shows, until
from tests.tui.scenes import begun
from workbench.tui.binding_ids import all_keys
from workbench.tui.commands import WorkbenchCommands
from workbench.tui.screens.help import keys_of

DOCS = Path(__file__).parents[2] / "docs"


def test_every_binding_has_an_id_and_says_what_it_does():
    """The keymap file and the help need both."""
    keys = all_keys()
    assert len(keys) > 80
    assert [key for key in keys if not key.id or not key.text] == []


def test_the_docs_list_every_binding_with_its_keys():
    """docs/keys.md is what the code has."""
    text = (DOCS / "keys.md").read_text()
    listed = dict(re.findall(r"^\| `([\w.-]+)` \| ([^|]+) \|", text, re.M))
    assert {key.id: key.keys for key in all_keys()} == {
        name: keys.strip().strip("`") for name, keys in listed.items()
    }


PLACES = {
    "exchanges": [],
    "exchange": ["enter"],
    "compare": ["m", "m", "m", "d"],
    "diff": ["m", "m", "d"],
    "edit": ["e"],
    "runs": ["2"],
    "run": ["2", "enter"],
    "new run": ["3", "escape"],
    "router": ["4"],
    "stats": ["5"],
    "retention": ["6"],
    "settings": ["7"],
}
"""How each screen is reached from the start."""


@pytest.mark.parametrize("place", PLACES)
async def test_help_and_palette_of_every_place_have_what_works_there(app, recorded, place):
    """What is bound is what `?` shows, and what is enabled is what ctrl+p offers, each place besides."""
    for _ in range(3):
        recorded.chat("q", "a")
    recorded.events(recorded.run(), begun())
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "1 of 3")
        for key in PLACES[place]:
            await pilot.press(key)
            await at_rest(pilot)
        bound = [active for active in app.screen.active_bindings.values() if active.binding.id]
        helped = {name for name, _, _ in keys_of(app.screen)}
        assert {active.binding.id for active in bound} <= helped
        provider = WorkbenchCommands(app.screen)
        offered = {name for name, _, _ in provider._commands()}
        wanted = {active.binding.description for active in bound if active.enabled}
        assert wanted | {f"Go to {title}" for _, _, title in app.places} <= offered


async def test_the_palette_offers_what_the_keys_do_and_every_place(app, recorded):
    """ctrl+p finds replay and runs it as the key would."""
    recorded.chat("q", "a")
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("ctrl+p")
        await shows(pilot, "Replay")
        await pilot.press(*"go to stats")
        await shows(pilot, "Go to Stats")
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "stats", "the stats")


async def test_a_key_of_the_users_own_does_it_instead(app, recorded, home):
    """keys.yaml moves a key; the footer shows the new one."""
    (home.root / "keys.yaml").write_text("exchange.save: ctrl+g\n")
    exchange = recorded.chat("q", "a")
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "1 of 1", "^g Save payload")
        await pilot.press("ctrl+g")
        await until(pilot, (home.artifacts / "payloads" / f"{exchange.id}.json").exists)


async def test_a_wrong_keymap_is_said_and_the_app_goes_on(app, recorded, home):
    """The notice names the file, the id and the nearest one."""
    (home.root / "keys.yaml").write_text("exchange.sav: ctrl+g\n")
    recorded.chat("q", "a")
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "1 of 1")
        said = [notice.message for notice in app._notifications]
        await until(
            pilot, lambda: [n for n in app._notifications if "exchange.save'" in n.message], str(said)
        )
