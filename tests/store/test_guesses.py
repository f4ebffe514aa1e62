"""What is likely new is not looked up: a wrong guess costs a second try, and nothing else."""

from __future__ import annotations

import sqlite3

import pytest

from workbench.store import chunks
from workbench.store.ingest import ExchangeWriter
from workbench.store.operations import Begin, Finish
from workbench.store.verification import verify

from .conftest import answer_body, assistant, chat_body, user

SECRET = "sk-ant-" + "a1B2" * 10


@pytest.fixture
def other(bench):
    """A second router's writer, which remembers nothing of what the first one stored."""
    made = ExchangeWriter.open(bench.path, instance="other")
    yield made
    made.close()


def finish(exchange, body, answer):
    begin = Begin(exchange=exchange, headers=[], body=body)
    return Finish(exchange=exchange, headers=[], body=answer, writes=[], begin=begin)


def turns(text):
    """A first turn and the one that continues it, with the answer of the first."""
    answer = answer_body(f"answer {text} {'y ' * 200}")
    first = [user(f"question {text} {'x ' * 200}")]
    said = assistant(f"answer {text} {'y ' * 200}")
    return (chat_body(first), answer), (chat_body([*first, said, user(f"more {text} {'z ' * 200}")]), answer)


def stored(path):
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT count(*), count(DISTINCT hash) FROM chunks").fetchone()


def test_what_another_router_stored_is_stored_once(bench, other):
    """Both the answers and the messages of a continued conversation are taken for new, and are not."""
    conversation = turns(f"about {SECRET}")
    for body, answer in conversation:
        bench.put(body, answer)
    before = stored(bench.path)
    exchanges = [bench.exchange(session="mine", tenant="default") for _ in conversation]
    # The first of the group alone is looked up as a whole; the second continues it.
    other.apply([finish(exchange, *turn) for exchange, turn in zip(exchanges, conversation, strict=True)])
    assert stored(bench.path) == before
    for exchange, (body, _) in zip(exchanges, conversation, strict=True):
        assert bench.store.body(exchange.id, "request") == body.replace(
            SECRET.encode(), b"[redacted:anthropic_key]"
        )
    assert verify(bench.store).sound


def test_the_second_try_finds_operations_as_they_were(bench, other):
    """The session keeps the name it was given, and what was found in bodies counts once."""
    conversation = turns(f"about {SECRET}")
    for body, answer in conversation:
        bench.put(body, answer)
    exchanges = [bench.exchange(session="by name") for _ in conversation]
    other.apply([finish(exchange, *turn) for exchange, turn in zip(exchanges, conversation, strict=True)])
    with bench.store.connection() as connection:
        assert connection.execute(
            "SELECT runs.name, count(*) FROM runs JOIN exchanges ON session = runs.seq GROUP BY runs.seq"
        ).fetchall()[-1:] == [("by name", 2)]
    assert all(
        bench.store.exchange(exchange.id).redactions == ("body:anthropic_key",) for exchange in exchanges
    )


def test_after_a_wrong_guess_nothing_is_guessed_for_a_while(bench, other, monkeypatch):
    """Traffic that repeats itself is not written twice for ever."""
    monkeypatch.setattr(chunks, "_CAREFUL", 2)
    tries = []
    begin = chunks.ChunkTable.begin

    def noted(table, *, guessing):
        begin(table, guessing=guessing)
        tries.append(table._guessing)

    answers = [answer_body("again " * 60 + str(number)) for number in range(5)]
    for answer in answers:
        bench.put(b"{}", answer)
    monkeypatch.setattr(chunks.ChunkTable, "begin", noted)
    for answer in answers:
        other.apply([finish(bench.exchange(), b"{}", answer)])
    assert tries == [True, False, False, True, False, False, True, False]
    assert verify(bench.store).sound


def test_a_group_that_fails_leaves_its_operations_as_they_were(bench):
    """They are tried again one by one: the good one must still know its session's name."""
    good = finish(bench.exchange(session="kept"), chat_body([user("hello")]), answer_body("hi"))
    bad = finish(bench.exchange(), b"{}", b"x")
    bad.exchange.status = 1 << 70
    with pytest.raises(OverflowError):
        bench.writer.apply([good, bad])
    assert good.exchange.session == "kept"
    bench.writer.apply([good])
    with bench.store.connection() as connection:
        assert connection.execute("SELECT name FROM runs").fetchall() == [("kept",)]
