"""What is inside a run: turns with their forks, results, questions of a step, runs made from it."""

from __future__ import annotations

import sqlite3

import pytest

from tests.store.conftest import assistant, user
from workbench.domain.errors import UnknownId
from workbench.domain.run import Run
from workbench.store import run_inside
from workbench.store.deletion import delete_in_batches


def talk(bench, words, history=(), **fields):
    """Record a turn; return it and the history behind it."""
    messages = [*history, user(words)]
    made = bench.chat(messages, f"to {words}", **fields)
    return made, [*messages, assistant(f"to {words}")]


@pytest.fixture
def session(bench):
    """one > two > three, and two forks of two: other (of one) > more, third (of one)."""
    made = {}
    made["one"], first = talk(bench, "one")
    made["two"], second = talk(bench, "two", first)
    made["three"], _ = talk(bench, "three", second)
    made["other"], branch = talk(bench, "other", first)
    made["more"], _ = talk(bench, "more", branch)
    made["third"], _ = talk(bench, "third", first)
    made["run"] = bench.store.runs().items[0]
    return made


def names(session, exchanges):
    """Return the names the fixture gave."""
    known = {made.id: name for name, made in session.items()}
    return [known[exchange.id] for exchange in exchanges]


def test_a_session_is_its_conversation_and_forks_hang_at_their_turn(bench, session):
    """The first continuation goes on, the others are forks."""
    found = run_inside.turns(bench.store, session["run"].id)
    assert ["one", "two", "three"] == names(session, [turn.exchange for turn in found])
    assert [2, 0, 0] == [turn.forks for turn in found]
    heads = run_inside.forks(bench.store, session["run"].id, session["one"].id)
    assert ["other", "third"] == names(session, [turn.exchange for turn in heads])
    assert [True, False] == [turn.goes_on for turn in heads]
    branch = run_inside.fork_turns(bench.store, session["run"].id, session["other"].id)
    assert ["more"] == names(session, [turn.exchange for turn in branch])


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_every_exchange_is_in_the_tree_once_whatever_the_pages(bench, session, limit):
    """Pages of any size give the same rows; a second conversation by the same name is there too."""
    run = session["run"].id
    session["alone"], history = talk(bench, "alone", session=run)
    session["after"], _ = talk(bench, "after", history, session=run)

    def pages(read):
        found, after = [], None
        while page := read(after):
            assert len(page) <= limit
            found += page
            after = page[-1].exchange.id
        return found

    def branch(turns):
        for turn in turns:
            one = turn.exchange.id
            seen.append(turn.exchange)
            heads = pages(
                lambda after, one=one: run_inside.forks(bench.store, run, one, after=after, limit=limit)
            )
            assert turn.forks == len(heads)
            for head in heads:
                branch([head])
                branch(
                    pages(
                        lambda after, one=head.exchange.id: run_inside.fork_turns(
                            bench.store, run, one, after=after, limit=limit
                        )
                    )
                )

    seen = []
    branch(pages(lambda after: run_inside.turns(bench.store, run, after=after, limit=limit)))
    assert ["one", "other", "more", "third", "two", "three", "alone", "after"] == names(session, seen)


def test_turns_that_continue_nothing_stand_one_after_the_other(bench):
    """A client that names one session for everything."""
    made = [bench.chat([user(f"q{number}")], session="all") for number in range(7)]
    run = bench.store.run("all").id
    first = run_inside.turns(bench.store, run, limit=4)
    rest = run_inside.turns(bench.store, run, after=first[-1].exchange.id, limit=4)
    assert [item.id for item in made] == [turn.exchange.id for turn in [*first, *rest]]


def test_the_tree_holds_when_its_beginning_was_deleted(bench, session):
    """What is left hangs at what is left."""
    with sqlite3.connect(bench.path) as db:
        (seq,) = db.execute("SELECT seq FROM exchanges WHERE id = ?", (session["one"].id,)).fetchone()
    delete_in_batches(bench.store, [seq], bodies_only=False)
    found = run_inside.turns(bench.store, session["run"].id)
    assert {"two", "other", "third"} <= set(names(session, [turn.exchange for turn in found]))
    assert 5 == len(found) + sum(turn.forks for turn in found)


def test_results_and_the_questions_of_a_step(bench):
    """Members of a run in their order; a step's are told by how their step begins."""
    bench.store.create_run(
        Run(id="run_01k9aaaaaabbbbbbbb", kind="workflow", title="t", status="passed", started_at=bench.at)
    )
    steps = ("plan-1#1", "file:a%_.py#1", "file:a%_.py#2", "file:abc.py#1", "repair-1#1")
    made = [bench.chat([user("q")], run="run_01k9aaaaaabbbbbbbb", step=step) for step in steps]
    every = run_inside.members(bench.store, "run_01k9")
    assert [item.id for item in made] == [item.id for item in every]
    page = run_inside.members(bench.store, "run_01k9", after=made[1].id, limit=2)
    assert [made[2].id, made[3].id] == [item.id for item in page]
    of_step = run_inside.members(bench.store, "run_01k9", step="file:a%_.py#")
    assert [made[1].id, made[2].id] == [item.id for item in of_step]


def test_runs_made_from_a_run(bench):
    """Forks and replays, oldest first."""
    for number, parent in ((1, None), (2, "run_000000000000000001"), (3, "run_000000000000000001")):
        bench.store.create_run(
            Run(
                id=f"run_{number:018d}", kind="replay", title="t", status="passed", started_at=number,
                parent=parent,
            )
        )  # fmt: skip
    found = run_inside.made_from(bench.store, "run_000000000000000001")
    assert ["run_000000000000000002", "run_000000000000000003"] == [item.id for item in found]


def test_an_unknown_run_or_turn_is_said(bench, session):
    """Not an empty page: it may have been deleted."""
    with pytest.raises(UnknownId):
        run_inside.turns(bench.store, "run_zz")
    with pytest.raises(UnknownId):
        run_inside.turns(bench.store, session["run"].id, after="ex_zz")
