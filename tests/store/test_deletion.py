"""Deleting takes what nobody needs, and nothing else, whatever belongs to whom."""

from __future__ import annotations

import random
import sqlite3
import time

import pytest

from workbench.domain.errors import BodyDamaged
from workbench.store.deletion import delete_in_batches
from workbench.store.dictionaries import add_dictionary, train_dictionary
from workbench.store.verification import verify

from .conftest import answer_body, assistant, chat_body, user


def keys(bench):
    with sqlite3.connect(bench.path) as db:
        return dict(db.execute("SELECT id, seq FROM exchanges"))


def grow(bench, chance, count):
    """Conversations that go on, fork, start again, are sent twice, by clients that cut JSON differently."""
    histories, put = [], {}
    for number in range(count):
        kind = chance.random()
        if not histories or kind < 0.15:
            history = [{"role": "system", "content": "be helpful " * 30}, user(f"begin {number} " * 20)]
        elif kind < 0.25:
            history = list(chance.choice(histories)[0])  # the same again
        else:
            earlier, answer = chance.choice(histories[-4:] if kind < 0.8 else histories)
            history = [*earlier, assistant(answer), user(f"turn {number} " * 20)]
        answer = f"answer {number} " * 30
        body = chat_body(history, temperature=chance.choice([0, 1]))
        item = bench.put(body, answer_body(answer), tenant=chance.choice(["a", "a", "a", "b"]))
        histories.append((history, answer))
        put[item.id] = (body, bench.store.body(item.id, "response"))
        if chance.random() < 0.1:
            bench.writer._forget()
    return put


@pytest.mark.parametrize("seed", range(12))
def test_what_stays_is_whole_whatever_goes(bench, seed):
    """Random conversations, random deletions in random order, writing in between: bodies, index, chunks
    agree.
    """
    chance = random.Random(seed)
    put = grow(bench, chance, 40)
    if seed % 3 == 0:
        with bench.store.exclusive() as connection:
            trained = train_dictionary(connection)
            if trained:
                add_dictionary(connection, trained)
    for _ in range(6):
        known = keys(bench)
        gone = chance.sample(sorted(known), min(len(known), chance.randint(1, 12)))
        delete_in_batches(bench.store, [known[one] for one in gone], bodies_only=False)
        for one in gone:
            del put[one]
        found = verify(bench.store)
        assert (found.problems, found.damaged, found.unused_chunks) == ([], {}, 0)
        for one, (request, response) in put.items():
            assert bench.store.body(one, "request") == request
            assert bench.store.body(one, "response") == response
        put.update(grow(bench, chance, 6))
    with bench.store.exclusive() as connection:
        connection.execute("INSERT INTO messages_fts (messages_fts) VALUES ('integrity-check')")
    delete_in_batches(bench.store, list(keys(bench).values()))
    with sqlite3.connect(bench.path) as db:
        counts = [
            db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in (
                "exchanges",
                "bodies",
                "chunks",
                "uses",
                "labels",
                "attempts",
                "messages_fts_docsize",
            )
        ]
    assert counts == [0] * 7


def test_words_of_a_deleted_turn_are_found_where_they_live_on(bench):
    """History that a later turn still holds stays searchable, the answer it repeats included."""
    history = [user("tell me of the narwhal, at some length")]
    first = bench.chat(history, "it has one tusk")
    second = bench.chat([*history, assistant("it has one tusk"), user("and what else")], "no more")
    delete_in_batches(bench.store, [keys(bench)[first.id]])
    for words in ("narwhal", "tusk", "else"):
        assert [item.id for item in bench.store.exchanges(words).items] == [second.id]
    assert verify(bench.store).sound


def test_bodies_can_go_alone(bench):
    """The row, headers and timing stay; the body says that it was pruned; later turns are whole."""
    history = [user("tell me of the narwhal, at some length")]
    first = bench.chat(history, "it has one tusk")
    body = chat_body([*history, assistant("it has one tusk"), user("and what else")])
    second = bench.put(body, b"no more")
    delete_in_batches(bench.store, [keys(bench)[first.id]], bodies_only=True)
    assert bench.store.exchange(first.id).request_bytes > 0
    assert bench.store.headers(first.id, "response")
    with pytest.raises(BodyDamaged, match="pruned"):
        bench.store.body(first.id, "request")
    assert bench.store.body(second.id, "request") == body
    found = verify(bench.store)
    assert (found.sound, found.pruned_bodies) == (True, 2)


def test_another_writer_forgets_what_was_deleted(bench):
    """A writer that remembers a chunk does not refer to it once it is gone."""
    history = [user("the same thing over and over again, long enough to be cut")]
    first = bench.chat(history, "yes")
    delete_in_batches(bench.store, [keys(bench)[first.id]])
    second = bench.chat(history, "yes")
    third = bench.chat([*history, assistant("yes"), user("more")], "no")
    assert bench.store.body(second.id, "request") == chat_body(history)
    assert bench.store.exchange(third.id).session is not None
    assert verify(bench.store).sound


def test_deleting_a_run_takes_its_exchanges_and_steps(bench):
    """And leaves all others."""
    one = bench.chat([user("a")], session="mine")
    two = bench.chat([user("b")])
    bench.store.delete_run("mine")
    assert bench.store.runs().items == []
    assert [item.id for item in bench.store.exchanges().items] == [two.id]
    assert one.id not in keys(bench)
    assert verify(bench.store).sound


def test_a_turn_that_was_sent_twice_is_continued_twice(bench):
    """What one continuation brings is not taken for history of the other, and goes without hurting it."""
    history = [user("a question " * 40), assistant("an answer " * 40)]
    new = user("the same new message in both " * 20)
    bench.chat(history[:1], "an answer")
    again = [bench.chat([*history, user("go on")], "x") for _ in range(2)]
    one = [bench.chat([*history, user("go on"), assistant("x"), new], "y")]
    one.append(bench.chat([*history, user("go on"), assistant("x"), new, user("more " * 100)], "z"))
    other = bench.chat([*history, user("go on"), assistant("x"), new, user("different " * 60)], "z")
    body = bench.store.body(other.id, "request")
    known = keys(bench)
    delete_in_batches(bench.store, [known[gone.id] for gone in (*again[1:], *one)], bodies_only=False)
    assert bench.store.body(other.id, "request") == body
    assert verify(bench.store).sound


def test_a_transaction_ends_when_its_time_is_over(bench, monkeypatch):
    """However long a few exchanges take: nobody knows before what they share with others."""
    put = [bench.chat([user(f"question {number}")], "answer") for number in range(40)]
    known = keys(bench)
    calls, changes = [], []
    monkeypatch.setattr(
        "workbench.store.deletion.delete_exchanges",
        lambda connection, codecs, seqs: calls.append(len(seqs)) or time.sleep(0.06) or 0,
    )
    change = bench.store.change
    monkeypatch.setattr(bench.store, "change", lambda: changes.append(1) or change())
    delete_in_batches(bench.store, [known[one.id] for one in put])
    assert sum(calls) == len(put)
    assert len(changes) == len(calls) > 5
