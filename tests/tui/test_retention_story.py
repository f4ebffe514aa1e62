"""Prune with a preview: what goes is shown first, and only a yes lets it go."""

from __future__ import annotations

import threading

from tests.tui.builders import shows, told, until
from workbench.store import pruning


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


async def test_pruning_says_how_far_it_is_and_c_ends_it_between_two_batches(app, recorded, home, monkeypatch):
    """What has gone is gone; the rest stays and is planned again."""
    home.settings_file.write_text("retention:\n  max_age: 1d\n")
    for number in range(4):
        recorded.chat(f"old {number}", "older")
    monkeypatch.setattr("workbench.store.pruning._GROUP", 1)
    began, go_on = threading.Event(), threading.Event()
    delete = pruning.delete_in_batches

    def slowly(*arguments, **options):
        if began.is_set():
            go_on.wait(20)
        began.set()
        return delete(*arguments, **options)

    monkeypatch.setattr(pruning, "delete_in_batches", slowly)
    async with app.run_test(size=(130, 40)) as pilot:
        await pilot.press("6")
        await shows(pilot, "would go")
        await pilot.press("P")
        await shows(pilot, "Prune?")
        await pilot.press("y")
        await shows(pilot, "pruning 1 of 4", "a second", "left", "c cancels")
        await pilot.press("c")
        await shows(pilot, "ending after this batch")
        go_on.set()
        await told(pilot, "Cancelled: 2 exchanges")
    assert recorded.store.count() == 2
