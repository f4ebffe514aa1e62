"""What people do, key by key, on a real store."""

from __future__ import annotations

import json

from tests.tui.builders import screen_text, shows, told, until
from workbench.domain import events as ev
from workbench.tui import state


async def test_the_first_screen_lists_exchanges_newest_first_and_previews_the_newest(app, recorded):
    """Opening the app shows the list; the preview is what the cursor is on."""
    recorded.chat("what is a monad?", "a monoid in the category of endofunctors")
    recorded.failed()
    async with app.run_test(size=(130, 36)) as pilot:
        await shows(pilot, "✗ 504", "✓ 200", "1 of 2", "upstream timed out")
        lines = screen_text(app).splitlines()
        assert lines[2].lstrip("▌ ").startswith("14:13:22")
        await pilot.press("j")
        await shows(pilot, "a monoid in the category of endofunctors", "2 of 2")


async def test_enter_opens_an_exchange_and_the_arrows_go_through_its_views(app, recorded):
    """Chat, request, response, headers, timing, cost and replays are one key apart."""
    recorded.failed("why?")
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "✗ 504")
        await pilot.press("enter")
        await shows(pilot, "Chat", "why?", "✗ 504 timeout")
        for text in (
            '"messages": [',
            '"code": "timeout"',
            "x-workbench-attempts",
            "no answer within 0.9 s",
            "per 1,000",
        ):
            await pilot.press("right")
            await shows(pilot, text)
        await pilot.press("right")
        await shows(pilot, "No replays yet")
        await pilot.press("escape")
        await shows(pilot, "1 of 1")


async def test_a_filter_narrows_the_list_while_it_is_typed(app, recorded):
    """`/`, a filter, enter; escape takes it away again."""
    recorded.chat("hello", "hi")
    recorded.failed()
    async with app.run_test(size=(130, 36)) as pilot:
        await shows(pilot, "1 of 2")
        await pilot.press("slash", *"status:>=400")
        await shows(pilot, "1 of 1")
        await pilot.press("enter")
        assert app.kept.filter == "status:>=400"
        await pilot.press("escape")
        await shows(pilot, "of 2")


async def test_a_filter_that_does_not_parse_points_at_the_fault(app, recorded):
    """The fault is shown below what was typed, at its place."""
    recorded.chat("hello", "hi")
    async with app.run_test(size=(130, 36)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("slash", *"stauts:200")
        await shows(pilot, "▲ there is no key", "status")


async def test_new_exchanges_appear_and_do_not_move_the_cursor(app, recorded):
    """A live tail follows only while the cursor is on the newest."""
    recorded.chat("first", "1")
    recorded.chat("second", "2")
    async with app.run_test(size=(130, 36)) as pilot:
        await shows(pilot, "1 of 2")
        recorded.chat("third", "3")
        await shows(pilot, "1 of 3", "third")
        await pilot.press("j")
        await shows(pilot, "2 of 3")
        here = app.screen.rows.current.id
        recorded.chat("fourth", "4")
        await shows(pilot, "3 of 4")
        assert app.screen.rows.current.id == here
        await shows(pilot, "▲ 1 new")
        await pilot.press("g")
        await shows(pilot, "1 of 4")


async def test_pin_tag_note_and_undo_change_the_store(app, recorded):
    """`p`, `t`, `b` do what they say; `u` takes the last one back."""
    exchange = recorded.chat("keep me", "kept")
    read = recorded.store.exchange
    async with app.run_test(size=(130, 36)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("p")
        await until(pilot, lambda: read(exchange.id).pinned)
        await pilot.press("t", *"good", "enter")
        await until(pilot, lambda: read(exchange.id).tags == ("good",))
        await pilot.press("b", *"see this", "enter")
        await until(pilot, lambda: read(exchange.id).note == "see this")
        await shows(pilot, "★", "good")
        await pilot.press("u")
        await until(pilot, lambda: read(exchange.id).note is None)
        await pilot.press("u", "u")
        await until(pilot, lambda: not read(exchange.id).pinned)


async def test_s_saves_a_payload_file_that_can_be_sent_again(app, recorded):
    """The file holds the exact request."""
    exchange = recorded.chat("save me", "saved")
    async with app.run_test(size=(130, 36)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("s")
        path = recorded.home.artifacts / "payloads" / f"{exchange.id}.json"
        await until(pilot, path.exists)
    document = json.loads(path.read_text())
    assert document["endpoint"] == exchange.endpoint
    assert document["version"] == 1


async def test_two_marked_exchanges_are_compared(app, recorded):
    """`m` marks, `d` shows verdict and diff."""
    recorded.chat("q", "the quick fox")
    recorded.chat("q", "the slow fox")
    async with app.run_test(size=(130, 36)) as pilot:
        await shows(pilot, "1 of 2")
        await pilot.press("m", "m", "d")
        await shows(pilot, "alike", "[-quick-]", "{+slow+}")


async def test_find_in_an_exchange_goes_from_hit_to_hit(app, recorded):
    """`/` finds while it is typed, `n` goes on."""
    recorded.chat("needle one", "text\n" * 60 + "needle two")
    async with app.run_test(size=(120, 30)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("enter")
        await shows(pilot, "needle one")
        await pilot.press("slash", *"needle")
        await shows(pilot, "1 of 2", "find    needle")
        await pilot.press("enter", "n")
        await shows(pilot, "2 of 2", "needle two")


async def test_help_lists_the_keys_of_this_place(app, recorded):
    """`?` shows what works here, `escape` closes it."""
    recorded.chat("q", "a")
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("question_mark")
        await shows(pilot, "Keys", "Replay", "Save payload")
        await pilot.press("escape")
        await shows(pilot, "1 of 1")


async def test_runs_lists_runs_and_opens_one_with_its_steps_files_and_gates(app, recorded):
    """A finished run shows what it did; a gate's log is one key away."""
    run = recorded.run("a slug library")
    plan = {
        "schema_version": 1,
        "summary": "Slugs.",
        "files": [{"path": "src/slug.py", "purpose": "the code"}],
    }
    recorded.events(
        run,
        [
            ev.RunStarted(title="a slug library", recipe="python-lib", model="demo", brief="a slug library"),
            ev.StepStarted(seq=1, kind="plan", name="plan"),
            ev.PlanReady(plan=plan, hash="h"),
            ev.FileStarted(path="src/slug.py"),
            ev.FileDelta(path="src/slug.py", text="def slug(): ...\n"),
            ev.FileWritten(path="src/slug.py", size=16, sha256="0"),
            ev.GateStarted(gate="tests", argv=["pytest", "-q"]),
            ev.GateOutput(gate="tests", text="3 passed\n"),
            ev.GateFinished(gate="tests", passed=True, exit_code=0, duration_ms=250.0),
            ev.RunFinished(status="passed", stop_reason="all gates passed", exit_code=0),
        ],
    )
    async with app.run_test(size=(130, 36)) as pilot:
        await pilot.press("2")
        await shows(pilot, "✓ passed", "a slug library", "python-lib")
        await pilot.press("enter")
        await shows(pilot, "✓ src/slug.py", "1 of 1 passed", "✓ tests")
        await pilot.press("j")
        await shows(pilot, "the code")
        await pilot.press("j", "j")
        await shows(pilot, "3 passed", "$ pytest -q")
        await pilot.press("escape")
        await shows(pilot, "Workflows")


async def test_a_waiting_plan_is_accepted_with_a_key(app, recorded):
    """`a` leaves the decision where the run's process takes it."""
    run = recorded.run("a slug library", status="waiting")
    folder = recorded.home.runs / run.id
    plan = {"schema_version": 1, "summary": "Slugs.", "recipe": "python-lib", "files": [], "acceptance": []}
    recorded.events(
        run,
        [
            ev.RunStarted(title="t", recipe="python-lib", model="demo", brief="b"),
            ev.PlanReady(plan=plan, hash="h"),
            ev.PlanWaiting(),
        ],
    )
    state = {"run": run.id, "brief": "b", "recipe": "python-lib", "model": "demo", "seed": run.id}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "plan.json").write_text(json.dumps(plan))
    async with app.run_test(size=(130, 36)) as pilot:
        await pilot.press("2")
        await shows(pilot, "◇ waiting")
        await pilot.press("enter")
        await shows(pilot, "The plan waits for you.")
        await pilot.press("a")
        await until(pilot, (folder / "control" / "decision.json").exists)
    assert json.loads((folder / "control" / "decision.json").read_text())["approved"] is True


async def test_without_a_router_the_status_line_says_how_to_start_one(app, recorded):
    """A missing router is shown in place, with what mends it."""
    recorded.chat("q", "a")
    async with app.run_test(size=(130, 36)) as pilot:
        await shows(pilot, "✗ router not running", "press 4, then s")
        await pilot.press("4")
        await shows(pilot, "The router is not running.", "router start")


async def test_a_damaged_store_is_said_in_place_and_the_app_goes_on(app, home):
    """The trouble names what mends it; other places still open."""
    home.artifacts.mkdir(parents=True)
    home.store.write_bytes(b"this is no database, and long enough not to be taken for an empty one" * 40)
    async with app.run_test(size=(130, 36)) as pilot:
        await shows(pilot, "to mend it:")
        await pilot.press("3")
        await shows(pilot, "What should it be?")


async def test_the_filter_and_the_place_are_kept_for_the_next_start(app, recorded, home):
    """Closing the app keeps what was set."""
    recorded.chat("q", "a")
    async with app.run_test(size=(130, 36)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("slash", *"model:demo", "enter")
        await shows(pilot, "1 of 1")
        await pilot.press("5")
        await shows(pilot, "24 hours")
        await pilot.press("q")
    from workbench.tui.app import WorkbenchApp
    from workbench.tui.source import Source

    again = WorkbenchApp(Source(home), start_router=False)
    assert again.kept.filter == "model:demo"
    async with again.run_test(size=(130, 36)) as pilot:
        await shows(pilot, "24 hours")
        assert again.current_mode == "stats"
        await pilot.press("1")
        await shows(pilot, "1 of 1")


async def test_pin_tag_and_note_of_a_run_are_taken_back_too(app, recorded):
    """`u` undoes the last change, whichever screen it was made on."""
    exchange = recorded.chat("q", "a")
    run = recorded.run("a slug library")
    read = recorded.store.run
    async with app.run_test(size=(130, 36)) as pilot:
        await shows(pilot, "1 of 1")
        await pilot.press("p")
        await until(pilot, lambda: recorded.store.exchange(exchange.id).pinned)
        await pilot.press("2")
        await shows(pilot, "a slug library")
        await pilot.press("t", *"good", "enter")
        await until(pilot, lambda: read(run.id).tags == ("good",))
        await pilot.press("b", *"see", "enter")
        await until(pilot, lambda: read(run.id).note == "see")
        await pilot.press("u")
        await until(pilot, lambda: read(run.id).note is None)
        await told(pilot, f"undo note of {run.id}")
        await pilot.press("u")
        await until(pilot, lambda: read(run.id).tags == ())
        await pilot.press("u")
        await until(pilot, lambda: not recorded.store.exchange(exchange.id).pinned)
        await told(pilot, f"undo pin of {exchange.id}")


async def test_the_mouse_can_be_left_to_the_terminal_and_taken_again(app, recorded):
    """The palette switches it; the driver is told each time."""
    recorded.chat("q", "a")
    async with app.run_test(size=(130, 36)) as pilot:
        await shows(pilot, "1 of 1")
        for mouse in (False, True):
            await pilot.press("ctrl+p", *"mouse on")
            await shows(pilot, "off lets the terminal select text")
            await pilot.press("enter")
            await until(pilot, lambda mouse=mouse: app.mouse is mouse, "the mouse")
            assert app._driver._mouse is mouse


async def test_columns_are_chosen_and_kept(app, recorded, home):
    """`C`, marks, `enter`: the tenant is shown, the time is not, at the next start too."""
    recorded.chat("q", "a", tenant="research")
    async with app.run_test(size=(110, 36)) as pilot:
        await shows(pilot, "1 of 1", "time")
        assert "research" not in screen_text(app).splitlines()[2]
        await pilot.press("C")
        await shows(pilot, "Columns", "deployment")
        await pilot.press("m")
        while app.screen.query_one("ItemList").key != "tenant":
            await pilot.press("j")
        await pilot.press("m", "enter")
        await until(pilot, lambda: "tenant" in screen_text(app).splitlines()[1], "the column")
        assert "time" not in screen_text(app).splitlines()[1]
        assert "research" in screen_text(app).splitlines()[2]
    assert "tenant" in state.load(app.state_file).columns
