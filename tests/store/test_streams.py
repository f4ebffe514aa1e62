"""Streams of events in the store: small, exact for any bytes, and never a danger when damaged."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import sqlite3
import time
import tracemalloc
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.streams import chat, dialects, event, messages, words
from workbench.domain.errors import BodyDamaged
from workbench.domain.exchange import Write
from workbench.store.compression import ZSTD, Codecs
from workbench.store.deletion import delete_bodies, delete_exchanges
from workbench.store.dictionaries import add_dictionary, train_dictionary
from workbench.store.events import pack_events, split_stream, unpack_events
from workbench.store.timing import needs_body, pack_writes, unpack_writes
from workbench.store.verification import verify

NAMES = list(dialects())


def packed(body):
    stream = split_stream(body)
    return pack_events(body, stream) if stream else None


def there_and_back(body):
    """Pack a body as the store does, and unpack it; the connection is only needed for dictionaries."""
    codecs = Codecs()
    parts = packed(body)
    codec, data = codecs.compress(body) if parts is None else codecs.compress_parts(parts)
    with sqlite3.connect(":memory:") as connection:
        return codecs.decompress(connection, codec, data, len(body))


@pytest.mark.parametrize("name", NAMES)
def test_every_dialect_becomes_columns(name):
    """What differs from event to event is a small part; the bytes come back."""
    body = b"".join(dialects(300)[name])
    parts = packed(body)
    assert parts is not None
    codecs = Codecs()
    # Padding and probabilities look like chance: they take the same in any form.
    assert len(codecs.compress_parts(parts)[1]) < 0.9 * len(codecs.compress(body)[1])
    assert unpack_events(*parts, len(body)) == body
    assert there_and_back(body) == body


def test_the_words_of_an_answer_stand_together():
    """So the next turn, which says them again, is stored as a reference to them."""
    pieces = [f"word{number} " for number in range(50)]
    assert "".join(pieces).encode() in packed(b"".join(chat(pieces))).text
    assert "".join(pieces).encode() in packed(b"".join(messages(pieces))).text


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_known_to_be_regular_is_packed_as_small(name, monkeypatch):
    """What the search for secrets and words cut already is not looked for again."""
    body = b"".join(dialects(300)[name])
    taken = packed(body)
    monkeypatch.setattr("workbench.store.events.frames", lambda _: None)
    assert len(b"".join(taken)) <= 1.02 * len(b"".join(packed(body)))
    assert unpack_events(*taken, len(body)) == body


def test_counters_cost_nothing():
    """A number that rises by one is kept as that."""
    body = b"".join(event({"type": "delta", "n": number, "d": "x"}) for number in range(500))
    parts = packed(body)
    assert len(parts.head) + len(parts.text) < 100


def mutated(body, chance):
    body = bytearray(body)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(body))
        kind = chance.randrange(4)
        if kind == 0:
            body[at] = chance.randrange(256)
        elif kind == 1:
            del body[at : at + chance.choice([1, 3, 200])]
        elif kind == 2:
            body[at:at] = chance.choice(
                [b"\n", b"\n\n", b"\r\n\r\n", b'"', b"\\", b"data: ", b"\0", b"\xff{"]
            )
        else:
            body[at:at] = body[chance.randrange(len(body)) :][: chance.choice([5, 300])]
        if not body:
            body = bytearray(b"data: ")
    return bytes(body)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 10**9))
def test_malformed_streams_come_back(name, seed):
    """Events that are cut, doubled, spoiled or glued together."""
    body = mutated(b"".join(dialects(30)[name]), random.Random(seed))
    assert there_and_back(body) == body


_ends = st.sampled_from([b"\n\n", b"\r\n\r\n", b"\n", b"\n\n\n", b"\r\r", b""])
_lines = st.one_of(
    st.binary(max_size=30),
    st.builds(
        lambda text, number: json.dumps({"d": text, "n": number}).encode(), st.text(max_size=9), st.integers()
    ),
    st.builds(lambda number: b'{"n":%d}' % number, st.integers(-5, 10**20)),
    st.sampled_from(
        [b'{"n":007}', b'{"n":}', b'{"a":"', b"[DONE]", b'{"a":[1,2,3],"b":"x"}', b'{"a":[],"b":""}']
    ),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([b"data: ", b"data:", b": ", b"id: 1\ndata: "]), _lines, _ends), max_size=60
    )
)
def test_any_events_come_back(parts):
    """Whatever stands in the events and between them."""
    body = b"".join(b"".join(part) for part in parts)
    assert there_and_back(body) == body


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400).map(lambda body: b"data:" + body * 9))
def test_any_bytes_come_back(body):
    """No byte is special."""
    assert there_and_back(body) == body


def test_what_gains_nothing_stays_as_it_is():
    """Few events, events without keys, and what only begins like a stream."""
    few = b"".join(chat(words(3)))
    bare = b"".join(b"data: " + word.encode() + b"\n\n" for word in words(200))
    for body in (few, bare, b"data: nothing more", b"event: x"):
        assert packed(body) is None
        assert there_and_back(body) == body
    assert split_stream(b"{}") is None


HARD = {
    "only ends": b"data:" + b"\n" * 3_000_000,
    "many tiny events": b"data:1\n\n" * 900_000,
    "as many events as are looked at": b'data:{"a":"b"}\n\n' * 200_000,
    "one event": b'data: {"a":"' + b"x" * 10_000_000,
    "quotes": (b"data: " + b'"' * 3_000 + b"\n\n") * 1_000,
    "backslashes": (b'data: "' + b"\\" * 9_001 + b"\n\n") * 300,
    "strings that never end": b"".join(
        b'data: {"a":"%d' % number + b'\\"' * (8_000 - number) + b"\n\n" for number in range(300)
    ),
    "events by turns": b"".join(
        b'data: {"k%d":"%d"}\n\n' % (number % 40, number) for number in range(90_000)
    ),
    "many holes": b"".join(
        b"data: {" + b",".join(b'"k%d":"%d"' % (key, key * number) for key in range(300)) + b"}\n\n"
        for number in range(300)
    ),
    "shapes that all differ": b"".join(
        b"data: {" + b",".join(b'"%x":1' % (number * key) for key in range(20)) + b"}\n\n"
        for number in range(5_000)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HARD)
def test_bodies_made_to_be_slow_are_not(name):
    """Time and memory stay in proportion to the body."""
    body = HARD[name]
    began = time.process_time()
    tracemalloc.start()
    try:
        assert there_and_back(body) == body
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # tracemalloc itself makes it many times slower.
    assert time.process_time() - began < 30
    assert peak < 40 * len(body) + 50_000_000


def test_ten_megabytes_come_back():
    """A long answer is packed as a short one is."""
    events = chat(words(40_000))
    body = b"".join(events)
    assert len(body) > 7_000_000
    assert len(packed(body).text) < len(body) / 5
    assert there_and_back(body) == body


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 10**9))
def test_damage_is_an_error_or_other_bytes_of_that_size(name, seed):
    """A damaged form is refused, or gives bytes that the checksum refuses; it never takes memory or time."""
    chance = random.Random(seed)
    body = b"".join(dialects(30)[name])
    parts = packed(body)
    spoiled = mutated(parts.head, chance)
    with contextlib.suppress(ValueError):
        assert len(unpack_events(spoiled, parts.text, len(body))) == len(body)
    codec, data = Codecs().compress_parts(parts)
    with sqlite3.connect(":memory:") as connection, contextlib.suppress(ValueError):
        assert len(Codecs().decompress(connection, codec, mutated(data, chance), len(body))) == len(body)


def test_a_claim_of_much_memory_is_refused():
    """What the packed bytes say about their size must be what the row says."""
    codec, data = Codecs().compress(b"a" * 1000)
    assert codec == ZSTD
    huge = data[:4] + b"\xe0" + (1 << 45).to_bytes(8, "little") + data[7:]
    with sqlite3.connect(":memory:") as connection:
        for size in (1000, 10):
            with pytest.raises(ValueError, match="as large as"):
                Codecs().decompress(connection, ZSTD, huge if size == 1000 else data, size)


moments = st.lists(st.integers(0, 3_000_000), min_size=0, max_size=60).map(
    lambda gaps: [sum(gaps[: place + 1]) for place in range(len(gaps))]
)


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**12)), max_size=60))
def test_writes_come_back_without_a_body(pairs):
    """Lengths and moments are exact; a moment before the last one becomes the last one."""
    writes, last = [], 0
    for length, at in pairs:
        last = max(last, at)
        writes.append(Write(length, last))
    assert unpack_writes(pack_writes([Write(*pair) for pair in pairs])) == writes


@given(st.sampled_from(NAMES), st.data())
def test_writes_come_back_with_a_body(name, data):
    """However the stream was cut into writes."""
    body = b"".join(dialects(30)[name])
    stream = split_stream(body)
    ends = [0]
    for length in stream.lengths():
        ends.append(ends[-1] + length)
    whole = data.draw(st.booleans())
    inner = st.sampled_from(ends) if whole else st.integers(0, len(body))
    cuts = sorted({0, len(body), *data.draw(st.lists(inner, min_size=8, max_size=40))})
    gap = data.draw(st.integers(0, 10**6))
    writes = [Write(end - start, number * gap) for number, (start, end) in enumerate(pairwise(cuts))]
    packed_writes = pack_writes(writes, stream)
    assert unpack_writes(packed_writes, lambda: body) == writes
    if whole and len(writes) >= 8:
        assert needs_body(packed_writes)
        with pytest.raises(ValueError, match="not that of the body"):
            unpack_writes(packed_writes, lambda: b"")


@given(st.binary(max_size=60), st.integers(0, 3))
def test_damaged_timing_is_refused(data, form):
    """Anything may stand in the file."""
    with contextlib.suppress(ValueError):
        unpack_writes(bytes([form]) + data, lambda: b"data: x\n\n" * 20)


def test_an_ordinary_timing_is_about_two_bytes_a_write():
    """Lengths cost nothing where each write is one event."""
    chance = random.Random(5)
    events = chat(words(200))
    at, writes = 400_000, []
    for piece in events:
        at += int(chance.expovariate(1 / 9_000))
        writes.append(Write(len(piece), at))
    stream = split_stream(b"".join(events))
    assert len(pack_writes(writes, stream)) < 2.1 * len(writes)


OLD = b'data: {"id":"a","choices":[{"delta":{"content":"old"}}]}\n\n' * 20
OLD_WRITES = [Write(len(OLD) // 20, 1000 * number) for number in range(20)]


def old_timing(deflate):
    """Return a timing as it was written before lists of numbers."""
    plain = bytearray()
    for number in [write.length for write in OLD_WRITES] + [0] + [1000] * 19:
        while number > 0x7F:
            plain.append(number & 0x7F | 0x80)
            number >>= 7
        plain.append(number)
    return b"\1" + zlib.compress(bytes(plain), 6, -15) if deflate else b"\0" + bytes(plain)


@pytest.mark.parametrize("deflate", [False, True])
def test_a_store_of_before_reads_as_it_did(bench, deflate):
    """Chunks and timings of before keep their form."""
    put = bench.put(b"{}", b"replaced below")
    codec, data = Codecs().compress(OLD)
    with sqlite3.connect(bench.path) as db:
        digest = hashlib.blake2b(OLD, digest_size=16).digest()
        (chunk,) = db.execute("SELECT id FROM chunks WHERE kind = 2").fetchone()
        db.execute("UPDATE chunks SET hash = ?, size = ?, codec = ?, data = ? WHERE id = ?",
                   (digest, len(OLD), codec, data, chunk))  # fmt: skip
        db.execute("UPDATE bodies SET size = ?, crc = ?, timing = ? WHERE part = 1",
                   (len(OLD), zlib.crc32(OLD), old_timing(deflate)))  # fmt: skip
    assert bench.store.body(put.id, "response") == OLD
    assert bench.store.writes(put.id) == OLD_WRITES


@pytest.mark.parametrize("wrong", [b"", b"data: other", ValueError("damaged")])
def test_a_form_that_does_not_prove_itself_is_not_used(bench, monkeypatch, wrong):
    """A mistake in packing costs space, never a byte and never the record."""

    def unpack(*_):
        if isinstance(wrong, Exception):
            raise wrong
        return wrong

    body = b"".join(dialects(40)["chat"])
    with monkeypatch.context() as patched:
        patched.setattr("workbench.store.events.unpack_events", unpack)
        put = bench.put(b"{}", body, stream=True)
    assert forms(bench) == [ZSTD]
    assert bench.store.body(put.id, "response") == body


def one_write_an_event(events):
    return [Write(len(piece), 1000 * number) for number, piece in enumerate(events)]


def forms(bench):
    """Return the codecs of answers, oldest first."""
    with sqlite3.connect(bench.path) as db:
        return [row[0] for row in db.execute("SELECT codec FROM chunks WHERE kind = 2 ORDER BY id")]


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_stream_is_exact_searchable_and_sound(bench, name):
    """Bytes, timing and words, by the store's own ways."""
    events = [*dialects(40)[name], *chat([" needle "])[1:2]]
    body = b"".join(events)
    put = bench.put(b"{}", body, writes=one_write_an_event(events), stream=True)
    assert forms(bench)[0] < 0
    assert bench.store.body(put.id, "response") == body
    assert bench.store.writes(put.id) == one_write_an_event(events)
    assert [item.id for item in bench.store.exchanges("text:needle").items] == [put.id]
    assert verify(bench.store).sound


def turns(bench, count):
    """Put a conversation in which each turn repeats the streamed answer before."""
    history, put = [], []
    for number in range(count):
        history.append({"role": "user", "content": f"question {number} " * 20})
        said = [f"answer{number} ", *(f"{number}-{word} " for word in range(200))]
        body = json.dumps({"messages": history, "model": "demo"}).encode()
        put.append((bench.put(body, b"".join(chat(said)), stream=True), body))
        history.append({"role": "assistant", "content": "".join(said)})
    return put


def test_history_refers_to_the_streamed_answer(bench):
    """The next turn's copy of the answer costs some bytes, and outlives the answer."""
    put = turns(bench, 3)
    with sqlite3.connect(bench.path) as db:
        copies = db.execute("SELECT size, length(data) FROM chunks WHERE base IS NOT NULL").fetchall()
    assert len(copies) == 2
    assert all(stored < size / 8 for size, stored in copies)
    assert [bench.store.body(item.id, "request") for item, _ in put] == [body for _, body in put]
    with bench.store.change() as connection:
        seq = connection.execute("SELECT seq FROM exchanges WHERE id = ?", (put[0][0].id,)).fetchone()[0]
        delete_exchanges(connection, Codecs(), [seq])
    assert [bench.store.body(item.id, "request") for item, _ in put[1:]] == [body for _, body in put[1:]]
    assert len(bench.store.exchanges("text:answer0").items) == 1
    assert verify(bench.store).sound


def test_deleted_bodies_leave_the_timing(bench):
    """It is read without the body from then on."""
    events = dialects(40)["chat"]
    put = bench.put(b"{}", b"".join(events), writes=one_write_an_event(events), stream=True)
    with bench.store.change() as connection:
        seq = connection.execute("SELECT seq FROM exchanges").fetchone()[0]
        delete_bodies(connection, Codecs(), [seq])
    with pytest.raises(BodyDamaged, match="pruned"):
        bench.store.body(put.id, "response")
    assert bench.store.writes(put.id) == one_write_an_event(events)
    assert verify(bench.store).sound


def test_a_dictionary_learns_the_text_of_streams(bench):
    """And streams packed with one come back."""
    for number in range(300):
        bench.put(b"{}", b"".join(chat(words(40, seed=number))), stream=True)
    with bench.store.exclusive() as connection:
        data = train_dictionary(connection)
        assert data is not None
        number = add_dictionary(connection, data)
    body = b"".join(chat(words(50, seed=999)))
    put = bench.put(b"{}", body, stream=True)
    assert forms(bench)[-1] == ~number
    assert bench.store.body(put.id, "response") == body
    assert verify(bench.store).sound


def test_a_damaged_stream_is_named(bench):
    """As any other damage is; its neighbour stays readable."""
    bodies = [b"".join(chat(words(60, seed=seed))) for seed in (1, 2)]
    put = [bench.put(b"{}", body, stream=True) for body in bodies]
    with sqlite3.connect(bench.path) as db:
        db.execute("UPDATE chunks SET data = substr(data, 1, length(data) - 9) WHERE kind = 2 AND id ="
                   " (SELECT min(id) FROM chunks WHERE kind = 2)")  # fmt: skip
    with pytest.raises(BodyDamaged):
        bench.store.body(put[0].id, "response")
    assert bench.store.body(put[1].id, "response") == bodies[1]
    assert list(verify(bench.store).damaged) == [put[0].id]
