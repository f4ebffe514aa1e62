"""Prune with a preview: what goes is shown first, and only a yes lets it go."""

from __future__ import annotations

from tests.tui.builders import shows, until


async def test_prune_shows_what_would_go_asks_and_keeps_what_is_pinned(app, recorded, home):
    """`6`, read, `P`, `n` keeps all; `P`, `y` lets it go but for the pinned one."""
    home.settings_file.write_text("retention:\n  max_age: 1d\n")
    kept = recorded.chat("keep me", "kept")
    gone = recorded.chat("old", "older")
    recorded.store.set_pinned(kept.id, True)
    async with app.run_test(size=(130, 40)) as pilot:
        await shows(pilot, "1 of 2")
        await pilot.press("6")
        await shows(pilot, "what would go", "would go")
        await pilot.press("P")
        await shows(pilot, "Prune?", "1 exchanges")
        await pilot.press("n")
        assert recorded.store.count() == 2
        await pilot.press("P")
        await shows(pilot, "Prune?")
        await pilot.press("y")
        await until(pilot, lambda: recorded.store.count() == 1, "the pruning")
        await shows(pilot, "Nothing: all is within the policy.")
    assert [item.id for item in recorded.store.exchanges().items] == [kept.id]
    assert gone.id != kept.id
