"""Retention: what a plan holds, what it never holds, and what is left after it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from workbench.domain.run import Run, Step
from workbench.settings.sections import RetentionSettings
from workbench.store.retention import PrunePolicy
from workbench.store.verification import verify

from .conftest import START_US, assistant, user

DAY = 86_400_000_000
OLD = "run_01k9aaaaaa00000000"
NEW = "run_01k9aaaaaa11111111"
PINNED = "run_01k9aaaaaa22222222"
ALIVE = "run_01k9aaaaaa33333333"


def make_run(bench, home, run_id, at, **fields):
    values = {
        "kind": "workflow",
        "title": run_id,
        "status": "passed",
        "path": f"apps/generated/{run_id}",
        **fields,
    }
    bench.store.create_run(Run(id=run_id, started_at=at, **values))
    bench.store.put_step(Step(run=run_id, seq=1, kind="plan", name="plan", status="passed"))
    for folder in (home.runs, home.generated):
        (folder / run_id).mkdir(parents=True)
        (folder / run_id / "file.txt").write_text("x" * 1000)
    return bench.chat([user(f"for {run_id}")], run=run_id, started_at=at)


@pytest.fixture
def four_runs(bench, home):
    """An old, a new, a pinned old and a running old run, and loose exchanges, one of them pinned."""
    return {
        "old": make_run(bench, home, OLD, START_US),
        "new": make_run(bench, home, NEW, START_US + 50 * DAY),
        "pinned": make_run(bench, home, PINNED, START_US, pinned=True),
        "alive": make_run(bench, home, ALIVE, START_US, status="running", pid=os.getpid()),
        "loose": bench.chat([user("loose")], started_at=START_US),
        "kept": bench.chat([user("kept")], started_at=START_US, pinned=True),
        "fresh": bench.chat([user("fresh")], started_at=START_US + 50 * DAY),
    }


def left(bench, put):
    named = {item.id: name for name, item in put.items()}
    return sorted(named[item.id] for item in bench.store.exchanges(limit=100).items)


NOW = START_US + 60 * DAY


def test_a_dry_run_changes_nothing_and_says_all(bench, home, four_runs):
    """The plan names runs, folders and counts; nothing is touched."""
    plan = bench.store.plan_prune(PrunePolicy(max_age=30 * DAY), home, now_us=NOW)
    assert [run.id for run in plan.runs] == [OLD]
    assert plan.total_exchanges == 2
    assert plan.file_bytes >= 2000
    assert plan.row_bytes > 0
    shown = plan.to_json()
    assert shown["exchanges"] == 2
    assert {Path(item["path"]).name for item in shown["runs"][0]["folders"]} == {OLD}
    assert len(left(bench, four_runs)) == 7
    assert (home.runs / OLD).exists()


def test_age_takes_rows_folder_and_app_together(bench, home, four_runs):
    """Pinned and running things stay, whole."""
    result = bench.store.prune(bench.store.plan_prune(PrunePolicy(max_age=30 * DAY), home, now_us=NOW))
    assert left(bench, four_runs) == ["alive", "fresh", "kept", "new", "pinned"]
    assert (result.runs, result.exchanges) == (1, 2)
    assert not (home.runs / OLD).exists()
    assert not (home.generated / OLD).exists()
    for kept in (NEW, PINNED, ALIVE):
        assert (home.runs / kept / "file.txt").exists()
        assert (home.generated / kept / "file.txt").exists()
    assert {run.id for run in bench.store.runs().items} == {NEW, PINNED, ALIVE}
    assert verify(bench.store).sound
    assert bench.store.plan_prune(PrunePolicy(max_age=30 * DAY), home, now_us=NOW).empty


def test_a_pinned_exchange_keeps_its_run(bench, home, four_runs):
    """What a pin needs stays with it."""
    bench.store.set_pinned(four_runs["old"].id, True)
    assert bench.store.plan_prune(PrunePolicy(max_age=30 * DAY), home, now_us=NOW).runs == []


def test_a_run_whose_process_died_is_not_kept_for_ever(bench, home, four_runs):
    """running with a dead process is over."""
    bench.store.update_run(ALIVE, pid=2**22 + 1, pid_started=1.0)
    plan = bench.store.plan_prune(PrunePolicy(max_age=30 * DAY), home, now_us=NOW)
    assert {run.id for run in plan.runs} == {OLD, ALIVE}


def test_number_of_runs(bench, home, four_runs):
    """The newest stay."""
    plan = bench.store.plan_prune(PrunePolicy(max_runs=1), home, now_us=NOW)
    assert [run.id for run in plan.runs] == [OLD]


def test_size_takes_the_oldest_first(bench, home):
    """Until the live bytes fit; what is newer stays."""
    put = {f"{n:03}": bench.put(os.urandom(20_000)) for n in range(60)}
    live = bench.store.stats()["live_bytes"]
    bench.store.prune(bench.store.plan_prune(PrunePolicy(max_size=live // 2), home, now_us=NOW))
    names = left(bench, put)
    assert 0 < len(names) < 45
    assert names == sorted(put)[-len(names) :]
    assert verify(bench.store).sound


def test_bodies_go_before_rows(bench, home, four_runs):
    """Old bodies go, rows stay; pinned ones keep theirs."""
    plan = bench.store.plan_prune(PrunePolicy(bodies_age=30 * DAY), home, now_us=NOW)
    result = bench.store.prune(plan)
    assert result.bodies == 2
    assert len(left(bench, four_runs)) == 7
    assert bench.store.body(four_runs["kept"].id, "request")
    assert bench.store.body(four_runs["fresh"].id, "request")
    assert bench.store.plan_prune(PrunePolicy(bodies_age=30 * DAY), home, now_us=NOW).empty


def test_generated_apps_logs_and_orphans(bench, home, four_runs):
    """Apps and logs by their age; folders without a run are found, young ones left alone."""
    home.logs.mkdir()
    (home.logs / "old.log").write_text("x")
    (home.logs / "new.log").write_text("x")
    (home.logs / ".gitkeep").write_text("")
    orphan, young = home.runs / "run_01k9zzzzzz00000000", home.generated / "run_01k9zzzzzz11111111"
    other = home.runs / "notes"
    for folder in (orphan, young, other):
        folder.mkdir(parents=True)
    past = time.time() - 40 * 86_400
    for path in (home.logs / "old.log", home.logs / ".gitkeep", orphan, other):
        os.utime(path, (past, past))
    for run in (NEW, PINNED):
        os.utime(home.generated / run / "file.txt", (past, past))
        os.utime(home.generated / run, (past, past))
    policy = PrunePolicy(generated_age=30 * DAY, logs_age=30 * DAY)
    bench.store.prune(bench.store.plan_prune(policy, home))
    assert sorted(path.name for path in home.logs.iterdir()) == [".gitkeep", "new.log"]
    assert not orphan.exists()
    assert young.exists()
    assert other.exists()
    assert not (home.generated / NEW).exists()
    assert (home.generated / PINNED).exists()
    assert bench.store.plan_prune(policy, home).missing == [NEW]


def test_links_out_of_the_home_are_not_followed(bench, home, tmp_path):
    """A run folder that is a symbolic link loses the link, not what it points at."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    home.runs.mkdir(parents=True, exist_ok=True)
    link = home.runs / "run_01k9zzzzzz00000000"
    link.symlink_to(outside)
    past = time.time() - 40 * 86_400
    os.utime(link, (past, past), follow_symlinks=False)
    bench.store.prune(bench.store.plan_prune(PrunePolicy(), home))
    assert not link.is_symlink()
    assert (outside / "precious").exists()


def test_a_stop_in_the_middle_can_be_taken_up(bench, home, four_runs):
    """The store is whole after a stop, and the next plan finds the rest."""
    plan = bench.store.plan_prune(PrunePolicy(max_age=30 * DAY), home, now_us=NOW)
    calls = iter([False, True, True, True, True])
    bench.store.prune(plan, stop=lambda: next(calls))
    assert verify(bench.store).sound
    again = bench.store.plan_prune(PrunePolicy(max_age=30 * DAY), home, now_us=NOW)
    assert [run.id for run in again.runs] == [OLD]
    bench.store.prune(again)
    assert left(bench, four_runs) == ["alive", "fresh", "kept", "new", "pinned"]


def test_sessions_go_with_their_last_exchange(bench, home):
    """A session lives as long as one of its turns."""
    history = [user("a long enough question, to be cut into a chunk")]
    bench.chat(history, started_at=START_US)
    later = bench.chat([*history, assistant("a"), user("b")], started_at=START_US + 50 * DAY)
    policy = PrunePolicy(max_age=30 * DAY)
    bench.store.prune(bench.store.plan_prune(policy, home, now_us=NOW))
    session = bench.store.exchange(later.id).session
    assert bench.store.run(session).exchanges == 1
    bench.store.prune(bench.store.plan_prune(policy, home, now_us=NOW + 60 * DAY))
    assert bench.store.runs().items == []


def test_a_pinned_session_keeps_its_turns(bench, home):
    """A pin on the run is a pin on what belongs to it."""
    bench.chat([user("a")], session="mine", started_at=START_US)
    bench.store.set_pinned(bench.store.run("mine").id, True)
    assert bench.store.plan_prune(PrunePolicy(max_age=1), home, now_us=NOW).empty


def test_settings_make_a_policy():
    """The defaults of the design: 90 days, 5 GB."""
    policy = PrunePolicy.of(RetentionSettings())
    assert (policy.max_age, policy.max_size, policy.logs_age) == (90 * DAY, 5 * 10**9, 30 * DAY)
    assert (policy.max_runs, policy.bodies_age, policy.generated_age) == (None, None, None)
