"""What goes into the store comes out again, byte for byte, and repeated history is stored once."""

from __future__ import annotations

import json
import sqlite3

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.domain.exchange import Attempt, Exchange, Write
from workbench.store import chunks
from workbench.store.ingest import ExchangeWriter
from workbench.store.operations import Arrived, AttemptRecord, Begin, Finish, Flush
from workbench.store.store import Reader
from workbench.store.verification import verify

from .conftest import answer_body, assistant, chat_body, user

ODD = [
    b"",
    b"{}",
    b"not json",
    b"\xff\xfe\x00\x01" * 50,
    b'\xef\xbb\xbf{"messages": [{"role": "user", "content": "a byte order mark in front of it all"}]}',
    b'{"messages": [{"role":"user","content":"twice"}], "messages": [{"role":"user","content":"same key"}]}',
    b'{"messages": [1e999, -0, 123456789012345678901234567890, {"role": "user"}], "padding": "xxxxxxxxxxxx"}',
    b'{"messages": [{"role":"user","content":"\\ud800 lone, \\u0041 escaped \\/"}], "model": "m"}   \n\n',
    b'{"input": ["a", "a", "a"], "model": "embed", "x": "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"}',
    b'{"messages": [], "model": "demo", "padding": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}',
    b"[[[[[[" * 200,
    b'{"messages": [{"role":"user","content":"invalid \xff utf-8"}], "padding": "xxxxxxxxxxxxxxxxxxxx"}',
]


@pytest.mark.parametrize("body", ODD)
def test_odd_bodies_come_back_byte_for_byte(bench, body):
    """Whatever a client sends is kept exactly, valid or not."""
    put = bench.put(body, body)
    assert bench.store.body(put.id, "request") == body
    assert bench.store.body(put.id, "response") == body
    assert verify(bench.store).sound


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_messages = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "tool"]), "content": _json})
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=3000)
    | st.builds(
        lambda m, i: json.dumps({"a": 1, "messages": m, "z": [m]}, indent=i).encode(),
        _messages,
        st.sampled_from([None, 2]),
    )
)
def test_any_bytes_and_any_json_come_back(bench, body):
    """Splitting, compressing and putting together never changes a byte."""
    bench.writer._requests._redacting = False
    bench.writer._answers._redacting = False
    put = bench.put(body, body)
    assert bench.store.body(put.id, "request") == body
    assert bench.store.body(put.id, "response") == body


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_messages.filter(len), _messages, st.sampled_from([(",", ":"), (", ", ": ")]), st.booleans())
def test_a_growing_conversation_comes_back(bench, first, more, separators, model_first):
    """The prefix shortcut gives the same bytes as cutting the whole body would."""

    def body(messages):
        fields = {"messages": messages, "model": "demo", "tools": [{"name": "t" * 300}]}
        if model_first:
            fields = {"model": "demo", "messages": messages, "temperature": 0.5, "padding": "p" * 40}
        return json.dumps(fields, separators=separators).encode()

    sent = [body(first), body(first + more), body(first + more + first), body(first)]
    put = [bench.put(one) for one in sent]
    assert [bench.store.body(item.id, "request") for item in put] == sent


def test_a_fifty_megabyte_body_comes_back(bench):
    """Large bodies are no special case."""
    import random

    body = random.Random(1).randbytes(50_000_000)
    put = bench.put(body, body[:1000])
    assert bench.store.body(put.id, "request") == body


def turns(count):
    history = [{"role": "system", "content": "You are helpful. " * 50}]
    for number in range(count):
        history.append(user(f"question {number} " + "about something long " * 20))
        yield list(history)
        history.append(assistant(f"answer {number} " + "with many words " * 20))


def test_repeated_history_is_stored_once(bench):
    """Thirty turns of a conversation add their own messages only."""
    for number, history in enumerate(turns(30)):
        bench.chat(history, f"answer {number}")
    with sqlite3.connect(bench.path) as db:
        kinds = dict(db.execute("SELECT kind, count(*) FROM chunks GROUP BY kind").fetchall())
    # head and tail, 1 system + 30 user + 29 assistant messages, 30 answers
    assert kinds == {0: 2, 1: 60, 2: 30}
    assert verify(bench.store).sound


def test_a_restarted_writer_continues_the_conversation(bench):
    """The session and the shared history are found again from the store alone."""
    histories = list(turns(4))
    first = [bench.chat(history) for history in histories[:2]]
    bench.writer._forget()
    later = [bench.chat(history) for history in histories[2:]]
    found = [bench.store.exchange(item.id) for item in first + later]
    assert len({item.session for item in found}) == 1
    assert found[0].session is not None
    run = bench.store.run(found[0].session)
    assert (run.kind, run.exchanges, run.title) == ("session", 4, found and run.title)
    assert run.title.startswith("question 0")
    with sqlite3.connect(bench.path) as db:
        # The last turn brings its question, the answer before it, and its own (empty) answer.
        last = db.execute("SELECT count(*) FROM uses WHERE exchange = (SELECT max(seq) FROM exchanges)")
        assert last.fetchone()[0] == 3


def test_equal_requests_are_no_session(bench):
    """Sending the same thing twice is not a conversation: the prefix must be strict."""
    history = next(turns(1))
    one, two = bench.chat(history), bench.chat(history)
    assert bench.store.exchange(one.id).session is None
    assert bench.store.exchange(two.id).session is None


def test_a_system_prompt_alone_is_no_conversation(bench):
    """Two different chats with one system prompt stay apart."""
    system = {"role": "system", "content": "shared " * 100}
    bench.chat([system])
    other = bench.chat([system, user("hello")])
    assert bench.store.exchange(other.id).session is None


def test_a_fork_belongs_to_the_session(bench):
    """Two continuations of one turn are branches of one session."""
    base = [user("tell me a story about a slug and its long way home")]
    first = bench.chat(base)
    left = bench.chat([*base, assistant("once"), user("longer please, much longer than that")])
    right = bench.chat([*base, assistant("once"), user("shorter please, no more than a line")])
    sessions = {bench.store.exchange(item.id).session for item in (first, left, right)}
    assert len(sessions) == 1
    assert None not in sessions


def test_tenants_and_endpoints_keep_their_conversations_apart(bench):
    """The same words from another tenant are another conversation."""
    base = [user("tell me a story about a slug and its long way home")]
    bench.chat(base, tenant="a")
    other = bench.chat([*base, assistant("once"), user("more")], tenant="b")
    assert bench.store.exchange(other.id).session is None


def test_moving_cache_marks_do_not_break_a_session(bench):
    """Clients move cache_control to the newest message; the history still counts as the same."""

    def marked(text):
        return user([{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}])

    def plain(text):
        return user([{"type": "text", "text": text}])

    one = bench.chat([marked("first question, long enough to be cut")], endpoint="/v1/messages")
    two = bench.chat(
        [plain("first question, long enough to be cut"), assistant("a"), marked("second")],
        endpoint="/v1/messages",
    )
    session = bench.store.exchange(two.id).session
    assert session is not None
    assert bench.store.exchange(one.id).session == session


def test_a_named_session_is_one_run(bench):
    """X-Workbench-Session joins what has no words in common."""
    one = bench.chat([user("a")], session="my chat")
    two = bench.chat([user("b")], session="my chat")
    run = bench.store.run("my chat")
    assert [bench.store.exchange(item.id).session for item in (one, two)] == [run.id, run.id]
    assert run.exchanges == 2


def test_secrets_are_replaced_before_anything_is_written(bench):
    """A key in a header, a request, an answer or an attempt never reaches the file."""
    key = "sk-proj-" + "A1b2C3d4" * 4
    put = bench.put(
        chat_body([user(f"my key is {key}, keep it"), user("other")]),
        f'data: {{"x": "{key}"}}\n\ndata: [DONE]\n\n'.encode(),
        headers=[("X-Api-Key", key), ("X-Note", f"see {key}")],
        writes=[Write(12, 5), Write(len(key) + 31 - 12, 9)],
        attempts=[
            AttemptRecord(
                attempt=Attempt(number=1, deployment="d", provider="p", model="m", started_at=1),
                request=key.encode(),
                response=b"fine",
            )
        ],
    )
    found = bench.store.exchange(put.id)
    assert found.redacted
    assert found.redactions == ("header:x-api-key", "header:x-note", "body:openai_key")
    response = bench.store.body(put.id, "response")
    assert b"[redacted:openai_key]" in response
    assert sum(write.length for write in bench.store.writes(put.id)) == len(response)
    assert bench.store.attempt_body(put.id, 1, "request") == b"[redacted:openai_key]"
    assert bench.store.headers(put.id, "request") == [
        ("X-Api-Key", "[redacted]"),
        ("X-Note", "see [redacted:openai_key]"),
    ]
    for file in bench.path.parent.iterdir():
        assert key.encode() not in file.read_bytes()
    assert verify(bench.store).sound


def test_an_attempt_without_its_own_bytes_gives_the_clients(bench):
    """Where the upstream's bytes were the same, they are stored once."""
    attempt = Attempt(number=1, deployment="d", provider="p", model="m", started_at=1, ended_at=2, status=200)
    put = bench.put(b"asked", b"answered", attempts=[AttemptRecord(attempt=attempt)])
    assert bench.store.attempt_body(put.id, 1, "response") == b"answered"
    assert bench.store.attempts(put.id) == [attempt]


def test_a_running_exchange_shows_what_has_arrived(bench):
    """Row, request and the flushed part of the answer are there before the end."""
    exchange = bench.exchange(state="running", status=None)
    exchange.instance = "test"
    bench.writer.apply([Begin(exchange=exchange, headers=[], body=b"asked")])
    exchange.status = 200
    bench.writer.apply(
        [Flush(id=exchange.id, number=1, data=b"data: 1\n", writes=[Write(8, 7)], exchange=exchange)]
    )
    bench.writer.apply([Flush(id=exchange.id, number=2, data=b"data: 2\n", writes=[Write(8, 9)])])
    found = bench.store.exchange(exchange.id)
    assert (found.state, found.status) == ("running", 200)
    assert bench.store.body(exchange.id, "response") == b"data: 1\ndata: 2\n"
    assert bench.store.writes(exchange.id) == [Write(8, 7), Write(8, 9)]
    exchange.state = "complete"
    whole = b"data: 1\ndata: 2\ndata: 3\n"
    bench.writer.apply(
        [Finish(exchange=exchange, headers=[], body=whole, writes=[Write(8, 7), Write(8, 9), Write(8, 10)])]
    )
    assert bench.store.exchange(exchange.id).state == "complete"
    assert bench.store.body(exchange.id, "response") == whole
    assert verify(bench.store).sound


def test_a_failed_group_leaves_nothing(bench):
    """One operation that can't be written undoes its group, and later ones are not confused by it."""
    good = bench.exchange()
    bad = bench.exchange(model=object())
    history = next(turns(1))
    begin = Begin(exchange=good, headers=[], body=chat_body(history))
    with pytest.raises(Exception, match="type"):
        bench.writer.apply([begin, Begin(exchange=bad, headers=[], body=b"")])
    assert bench.store.exchanges().items == []
    bench.writer.apply([begin])
    assert bench.store.body(good.id, "request") == chat_body(history)
    assert verify(bench.store).sound


def test_many_in_one_microsecond_keep_their_order(bench):
    """Row keys do not clash, and the newest is first."""
    put = [bench.put(started_at=1_790_000_000_000_000) for _ in range(20)]
    with Reader.open(bench.path) as reader:
        assert [item.id for item in reader.exchanges().items] == [item.id for item in reversed(put)]


def test_attachments_are_stored_once(bench):
    """The same picture in two messages is one chunk."""
    import base64
    import random

    picture = base64.b64encode(random.Random(2).randbytes(60_000)).decode()

    def shown(text):
        url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}
        return chat_body([user([{"type": "text", "text": text}, url])])

    one, two = bench.put(shown("what is this")), bench.put(shown("and what is that"))
    assert bench.store.body(one.id, "request") == shown("what is this")
    assert bench.store.body(two.id, "request") == shown("and what is that")
    with sqlite3.connect(bench.path) as db:
        assert db.execute("SELECT count(*) FROM chunks WHERE size > 50000").fetchone()[0] == 1
    assert [item.id for item in bench.store.exchanges('text:"what is that"').items] == [two.id]


def test_an_answer_repeated_as_history_is_indexed_once(bench):
    """The full-text index holds one row a unique text."""
    first = [user("a question about snails")]
    bench.chat(first, "snails are slugs with houses")
    bench.chat([*first, assistant("snails are slugs with houses"), user("thank you for that")])
    with sqlite3.connect(bench.path) as db:
        assert db.execute("SELECT count(*) FROM messages_fts_docsize").fetchone()[0] == 3
    assert answer_body("x")


def begun(bench, body, headers=()):
    """Take up a request whose end may follow; return it, and its end as the router tells it."""
    exchange = bench.exchange(state="running")
    begin = Begin(exchange=exchange, headers=list(headers), body=body)
    told = msgspec.msgpack.decode(msgspec.msgpack.encode(exchange), type=Exchange)
    told.state, told.request_bytes = "complete", len(body)
    return begin, Finish(exchange=told, headers=[], body=b"answer", writes=[Write(6, 10)])


SECRET = "sk-proj-" + "a1B2c3D4" * 6


@pytest.mark.parametrize("together", [True, False])
def test_what_was_redacted_in_a_request_stays_said(bench, together):
    """Its end comes from the router, which has not looked for secrets."""
    begin, finish = begun(bench, chat_body([user(f"my key is {SECRET}")]), [("Authorization", "Bearer x")])
    if together:
        bench.writer.take([begin])
    else:
        bench.writer.apply([begin])
    bench.writer.apply([finish])
    found = bench.store.exchange(begin.exchange.id)
    assert (found.state, found.redacted) == ("complete", True)
    assert found.redactions == ("header:authorization", "body:openai_key")
    assert found.request_bytes == len(bench.store.body(found.id, "request"))
    assert verify(bench.store).sound


def test_what_was_taken_up_is_committed_with_what_follows(bench):
    """Until then nobody sees it; its end alone, another exchange or nothing may follow."""
    for follow in ("end", "other", "nothing"):
        begin, finish = begun(bench, chat_body([user(follow)]))
        bench.writer.take([begin])
        assert not bench.store.has_exchange(begin.exchange.id)
        bench.writer.apply({"end": [finish], "other": [begun(bench, b"{}")[0]], "nothing": []}[follow])
        assert bench.store.exchange(begin.exchange.id).state == ("complete" if follow == "end" else "running")
        bench.writer.apply([finish])
        assert bench.store.body(begin.exchange.id, "response") == b"answer"
    assert verify(bench.store).sound


def test_what_was_taken_up_is_undone_with_what_fails(bench):
    """Nothing of it is left, and it can be written again."""
    begin, finish = begun(bench, chat_body([user("x")]))
    bench.writer.take([begin])
    broken = Finish(
        exchange=bench.exchange(),
        headers=[],
        body=b"",
        writes=[],
        begin=Arrived(headers=[("a", 1)], body=b"{}"),
    )
    with pytest.raises((TypeError, AttributeError)):
        bench.writer.apply([broken])
    assert not bench.store.has_exchange(begin.exchange.id)
    bench.writer.apply([begin])
    bench.writer.apply([finish])
    assert bench.store.exchange(begin.exchange.id).state == "complete"
    assert verify(bench.store).sound


def test_a_piece_is_stored_once_though_its_hash_was_forgotten_in_between(bench, monkeypatch):
    """The memory of hashes is bounded, also within one group."""
    monkeypatch.setattr(chunks, "_REMEMBERED", 2)
    bodies = [chat_body([user(f"question {number % 3} {'x ' * 40}")], seed=number) for number in range(9)]
    exchanges = [bench.exchange() for _ in bodies]
    group = [
        Finish(
            exchange=exchange,
            headers=[],
            body=answer_body(f"answer {number % 2}"),
            writes=[],
            begin=Begin(exchange=exchange, headers=[], body=body),
        )
        for number, (exchange, body) in enumerate(zip(exchanges, bodies, strict=True))
    ]
    bench.writer.apply(group)
    for exchange, body in zip(exchanges, bodies, strict=True):
        assert bench.store.body(exchange.id, "request") == body
    assert verify(bench.store).sound


def test_the_index_merges_its_parts_as_seldom_as_is_good(bench):
    """Also in a store that was made before; the index keeps the setting."""
    asked = "SELECT v FROM messages_fts_config WHERE k = 'automerge'"
    with sqlite3.connect(bench.path) as db:
        assert db.execute(asked).fetchall() == [(8,)]
        db.execute("INSERT INTO messages_fts (messages_fts, rank) VALUES ('automerge', 4)")
    bench.writer.close()
    bench.writer = ExchangeWriter.open(bench.path, instance="later")
    with sqlite3.connect(bench.path) as db:
        assert db.execute(asked).fetchall() == [(8,)]
