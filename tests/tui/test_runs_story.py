"""Find a run, unfold it down to what failed, open that; with the keys that Exchanges has."""

from __future__ import annotations

import pytest

from tests.tui.builders import answered, screen_text, shows, told, until
from tests.tui.scenes import run_tree, step, talk
from workbench.domain.exchange import Attempt
from workbench.domain.run import Run
from workbench.store.operations import AttemptRecord
from workbench.tui.app import WorkbenchApp
from workbench.tui.run_tree import PAGE
from workbench.tui.source import Source


def rows(app):
    """Return the list's rows as they are on the screen, where there is no preview."""
    return [line for line in screen_text(app).splitlines()[3:-2] if line.strip()]


async def press(pilot, *keys, until_shown=()):
    """Press keys one by one, each once what is read for the one before is there."""
    for key in keys:
        await pilot.press(key)
        await until(pilot, lambda: not any(worker.is_running for worker in pilot.app.workers), "rest")
    await shows(pilot, *until_shown)


async def test_a_failed_run_is_found_unfolded_to_its_gate_and_opened_there(app, recorded):
    """Filter, unfold twice, enter: the run's screen shows the gate's log."""
    run_tree(recorded)
    from workbench.domain import events as ev

    run = next(run for run in recorded.store.runs("state:failed").items)
    recorded.events(
        run,
        [
            ev.RunStarted(title="a slug library", recipe="python-lib", model="demo", brief="a slug library"),
            ev.GateStarted(gate="compile", argv=["python"]),
            ev.GateFinished(gate="compile", passed=True, exit_code=0, duration_ms=1.0),
            ev.GateStarted(gate="tests", argv=["pytest", "-q"]),
            ev.GateOutput(gate="tests", text="FAILED test_accents\n"),
            ev.GateFinished(gate="tests", passed=False, exit_code=1, duration_ms=1.0),
            ev.RunFinished(status="failed", stop_reason="tests fail", exit_code=1),
        ],
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", until_shown=["1 of 4"])
        await pilot.press("slash", *"gate:tests", "enter")
        await shows(pilot, "1 of 1", "▸ a slug library")
        await press(pilot, "right", until_shown=["├▸ verify", "└▸ a slug library", "no file"])
        await press(pilot, "j", "j", "j", "l", until_shown=["├─ compile", "└─ tests  exit 1"])
        await press(pilot, "j", "j", "enter", until_shown=["FAILED test_accents", "✗ failed"])
        await press(pilot, "y", until_shown=["the command that shows it"])
        await press(pilot, "escape")
        await press(pilot, "escape", until_shown=["└─ tests  exit 1"])
        await press(pilot, "h", "h", until_shown=["├▸ verify"])
        await press(pilot, "left", "left", until_shown=["▸ a slug library"])
        assert "├" not in screen_text(app)
        await press(pilot, "escape", until_shown=["of 4"])


async def test_a_sessions_forks_hang_at_their_turn_and_enter_opens_the_exchange(app, recorded):
    """The conversation stays in one line of turns; z and Z fold."""
    run_tree(recorded)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "G", "right", until_shown=["├▸ gpt-mini ⇉2 what is a monad?", "└─"])
        await press(pilot, "j", "right", until_shown=["│  └─ gpt-mini and in C?"])
        await press(pilot, "j", "z", until_shown=["│  │  └─ gpt-mini thanks"])
        assert [line.partition("mini ")[2] for line in rows(app)[-6:]] == [
            "⇉2 what is a monad?", "and in Rust?", "thanks", "and in C?", "and in Python?", "shorter, please",
        ]  # fmt: skip
        await press(pilot, "j", "enter", until_shown=["About thanks", "ex_"])
        await press(pilot, "escape", "Z", until_shown=["▸ what is a monad?"])
        assert "├" not in screen_text(app)
        assert app.screen.rows.current.run.kind == "session"


async def test_a_replays_results_say_how_they_compare(app, recorded):
    """The verdict stands beside each; d shows the whole comparison."""
    run_tree(recorded)
    async with app.run_test(size=(100, 24)) as pilot:
        await press(pilot, "2", "right", until_shown=["≈ similar", "≠ different"])
        await press(pilot, "j", "d", until_shown=["[-quick-]", "{+slow+}"])


async def test_attempts_are_inside_a_turn(app, recorded):
    """A turn that was tried twice unfolds to its attempts."""
    tried = [
        Attempt(
            number=number, deployment=name, provider="x", model="m", started_at=recorded_at, latency_ms=210.0,
            status=status, error=error, reason="weight 1 of 2",
        )
        for number, name, recorded_at, status, error in (
            (1, "east", 1_790_000_001_000_000, 503, "overloaded"),
            (2, "west", 1_790_000_001_300_000, 200, None),
        )
    ]  # fmt: skip
    first = talk(recorded, "one", session="s")
    talk(recorded, "two", first, session="s", attempts=[AttemptRecord(attempt=one) for one in tried])
    async with app.run_test(size=(100, 24)) as pilot:
        await press(pilot, "2", "right", until_shown=["└▸ gpt-mini \N{MULTIPLICATION SIGN}2"])
        await press(pilot, "j", "j", "right", until_shown=["├─ east  overloaded", "└─ west  weight", "✗ 503"])
        await press(pilot, "j", "enter", until_shown=["About two"])


async def test_the_same_keys_as_on_exchanges_act_on_marked_runs_and_turns(app, recorded):
    """m, p, t, b, u, y: on what is marked, runs and turns together, else on what the cursor is on."""
    run_tree(recorded)
    store = recorded.store
    replay, fork, failed, session = store.runs().items
    async with app.run_test(size=(100, 24)) as pilot:
        await press(pilot, "2", "j", "m", "m", until_shown=["2 marked"])
        await press(pilot, "p")
        await until(pilot, lambda: store.run(fork.id).pinned and store.run(failed.id).pinned)
        assert not store.run(replay.id).pinned
        await press(pilot, "t", *"good", "enter")
        await until(pilot, lambda: store.run(fork.id).tags == store.run(failed.id).tags == ("good",))
        await press(pilot, "u", "u")
        await until(pilot, lambda: not store.run(fork.id).pinned and store.run(failed.id).tags == ())
        await press(pilot, "escape", "G", "right", until_shown=["├▸ gpt-mini"])
        assert "marked" not in screen_text(app)
        await press(pilot, "j", "b", *"see", "enter")
        turn = app.screen.rows.current.exchange
        await until(pilot, lambda: store.exchange(turn.id).note == "see")
        await shows(pilot, "✎")
        await press(pilot, "k", "m", "m", "p", until_shown=["2 marked"])
        await until(pilot, lambda: store.exchange(turn.id).pinned and store.run(session.id).pinned)
        await press(pilot, "u", "escape", "y", until_shown=["as curl", "the id"])
        await press(pilot, "i")
        await told(pilot, "Copied the id")
        await press(pilot, "k", "k", "y", until_shown=["the command that shows it"])
        await press(pilot, "c")
        await told(pilot, "Copied the command that shows it")


async def test_marked_turns_are_compared_and_steps_can_not_be_marked(app, recorded):
    """d on two marked turns; m on a step goes on without a mark."""
    run_tree(recorded)
    async with app.run_test(size=(100, 24)) as pilot:
        await press(pilot, "2", "j", "j", "right", until_shown=["├▸ verify"])
        await press(pilot, "j", "m", "space")
        assert app.screen.rows.marked == {}
        await press(pilot, "Z", "G", "right", "j", "j", "m", "m", until_shown=["2 marked"])
        await press(pilot, "d", until_shown=["[-", "{+"])


async def test_marked_runs_are_deleted_together_after_a_question(app, recorded):
    """D, y: rows, marks and files go; a pinned one among them is named and nothing goes."""
    run_tree(recorded)
    store = recorded.store
    replay, fork, failed, session = store.runs().items
    store.set_pinned(failed.id, True)
    async with app.run_test(size=(100, 24)) as pilot:
        await press(pilot, "2", "m", "m", "m", until_shown=["3 marked", "★"])
        await press(pilot, "D")
        await told(pilot, f"{failed.id} is pinned")
        await press(pilot, "k", "m", until_shown=["2 marked"])
        await press(pilot, "D", until_shown=["Delete 2 runs?", "Their 2 exchanges"])
        await press(pilot, "y")
        await until(pilot, lambda: [run.id for run in store.runs().items] == [failed.id, session.id])
        await until(
            pilot, lambda: not app.screen.rows.marked and len(app.screen.rows.tree_window) == 2, "2 rows"
        )
    assert {replay.id, fork.id}.isdisjoint(run.id for run in store.runs().items)


async def test_filter_kind_and_what_is_unfolded_are_kept_for_the_next_start(app, recorded, home):
    """The next start looks as the last one was left; a filter at fault says where and changes nothing."""
    run_tree(recorded)
    async with app.run_test(size=(100, 24)) as pilot:
        await press(pilot, "2", "tab", "tab", until_shown=["1 of 1"])
        await press(pilot, "right", until_shown=["├▸ gpt-mini ⇉2"])
        await pilot.press("slash", *"monad stat:open")
        await shows(pilot, "▲ there is no key 'stat'", "did you mean state:")
        await pilot.press(*["backspace"] * 10, "enter")
        await until(pilot, lambda: app.kept.run_filter == "monad")
        await pilot.press("q")
    again = WorkbenchApp(Source(home), start_router=False)
    async with again.run_test(size=(100, 24)) as pilot:
        await shows(pilot, "monad", "1 of 1", "▾ what is a monad?", "├▸ gpt-mini ⇉2")
        assert ("Sessions", "monad") == (again.kept.run_kind, again.kept.run_filter)
        await press(pilot, "escape", "shift+tab", "shift+tab", until_shown=["of 4", "├▸ gpt-mini ⇉2"])


async def test_a_filter_is_completed_with_the_keys_of_runs(app, recorded):
    """tab takes what is offered; up brings an old one back."""
    run_tree(recorded)
    async with app.run_test(size=(100, 24)) as pilot:
        await press(pilot, "2", until_shown=["1 of 4"])
        await pilot.press("slash", *"ki")
        await shows(pilot, "kind:session  state:failed")
        await pilot.press("tab", *"rep", "tab", "enter")
        await shows(pilot, "1 of 1", "kind:replay")
        await pilot.press("escape")
        await shows(pilot, "of 4")
        await pilot.press("slash", "up", "enter")
        await shows(pilot, "1 of 1")


async def test_news_come_into_what_is_unfolded_and_leave_the_cursor_where_it_is(app, recorded):
    """A new run above, a new turn inside: both are shown, the cursor is on its row as before."""
    run_tree(recorded)
    first = talk(recorded, "tell me more", session="live")
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "2", "right", until_shown=["└─ gpt-mini tell me more"])
        await press(pilot, "j")
        held = app.screen.rows.current.id
        talk(recorded, "and more", first, session="live")
        recorded.run("a new one")
        await shows(pilot, "a new one", "└─ gpt-mini and more")
        assert app.screen.rows.current.id == held
        await press(pilot, "Z", "g", until_shown=["▸ live"])
        newest = recorded.run("the newest")
        await shows(pilot, "the newest")
        assert app.screen.rows.current.id == newest.id


async def test_thousands_of_turns_come_in_pages_and_the_loop_stays_free(app, recorded, loop_guard):
    """Unfolding reads one page; going down reads on; nothing blocks."""
    for number in range(3 * PAGE + 20):
        recorded.put(b'{"messages":[{"role":"user","content":"q"}]}', answered(f"{number}"), session="long")
    for number in range(60):
        recorded.run(f"run {number}", kind="replay", started_at=1_780_000_000_000_000 + number)
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "2", until_shown=["1 of 61"])
        loop_guard.arm()
        await press(pilot, "right")
        tree = app.screen.rows
        await until(pilot, lambda: len(tree.tree_window) == 61 + PAGE + 1, "one page and its end")
        for _ in range(30):
            await pilot.press("pagedown")
            await until(pilot, lambda: not any(worker.is_running for worker in app.workers), "rest")
        await until(pilot, lambda: len(tree.tree_window) == 61 + 3 * PAGE + 20, "every turn")
        await press(pilot, "G", until_shown=["61 of 61"])
        await press(pilot, "g", "left", until_shown=["1 of 61"])
        assert len(tree.tree_window) == 61


async def test_runs_page_to_the_oldest_and_back(app, recorded):
    """G shows the oldest of any number, g the newest, and the way between is read in pages."""
    at = 1_780_000_000_000_000
    for number in range(450):
        recorded.store.create_run(
            Run(
                id=f"run_{number:018d}", kind="replay", title=f"number {number}", status="passed",
                started_at=at + number, ended_at=at + number,
            )
        )  # fmt: skip
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", until_shown=["number 449", "1 of"])
        await press(pilot, "G", until_shown=["number 0"])
        for _ in range(28):
            await press(pilot, "pageup")
        await shows(pilot, "number 449")
        await press(pilot, "g", until_shown=["number 449"])


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=str)
async def test_the_mouse_unfolds_on_the_sign_and_opens_on_a_second_click(app, recorded, size):
    """A click elsewhere only selects."""
    run_tree(recorded)
    async with app.run_test(size=size) as pilot:
        await press(pilot, "2", until_shown=["1 of 4"])
        lines = screen_text(app).splitlines()
        y = next(at for at, line in enumerate(lines) if "▸ what is a monad?" in line)
        await pilot.click(offset=(lines[y].index("▸") + 8, y))
        await until(pilot, lambda: app.screen.rows.current.run.kind == "session")
        assert "├" not in screen_text(app)
        await pilot.click(offset=(lines[y].index("▸"), y))
        await shows(pilot, "├▸ gpt-mini ⇉2")
        await pilot.click(offset=(lines[y].index("▸"), y))
        await until(pilot, lambda: "├" not in screen_text(app), "folded")


async def test_what_is_gone_when_it_is_unfolded_is_said(app, recorded):
    """A run that another program deleted meanwhile is no empty row."""
    run = recorded.run("gone soon")
    recorded.store.put_step(step(run, 2, "scaffold", "a.py"))
    async with app.run_test(size=(100, 24)) as pilot:
        await press(pilot, "2", until_shown=["gone soon"])
        app._store_watch.stop()
        recorded.store.delete_run(run.id)
        await press(pilot, "right", until_shown=["no run"])


async def test_the_preview_shows_what_the_cursor_is_on_and_v_puts_it_away(app, recorded):
    """A run's facts, a step with its gates' logs, a gate's own, a question's conversation."""
    run_tree(recorded)
    async with app.run_test(size=(130, 36)) as pilot:
        await press(pilot, "2", "j", "j", "right", until_shown=["├▸ verify", "python-lib"])
        await press(pilot, "j", "j", "j", until_shown=["$ pytest -q", "test_accents", "2 passed"])
        await press(pilot, "right", "j", until_shown=["✓ compile  240 ms"])
        assert "test_accents" not in screen_text(app)
        await press(pilot, "k", "k", "right", "j", until_shown=["def slug(): ..."])
        await press(pilot, "v")
        await until(pilot, lambda: "def slug(): ..." not in screen_text(app), "no preview")
        assert app.kept.run_preview is False
        await press(pilot, "v", until_shown=["def slug(): ..."])


async def test_palette_and_help_have_the_trees_keys(app, recorded):
    """ctrl+p folds as the key would."""
    run_tree(recorded)
    async with app.run_test(size=(100, 40)) as pilot:
        await press(pilot, "2", "right", until_shown=["├─ gpt-mini"])
        await press(pilot, "question_mark", until_shown=["Keys"])
        await press(pilot, "G", until_shown=["two forks"])
        await press(pilot, "pageup", until_shown=["→ l", "Unfold", "Fold all"])
        await press(pilot, "escape", "ctrl+p", *"fold all")
        await shows(pilot, "Fold all")
        await pilot.press("enter")
        await until(pilot, lambda: "├" not in screen_text(app), "folded")
