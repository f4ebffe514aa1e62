"""A damaged file: said clearly, the hurt exchanges named, the rest readable."""

from __future__ import annotations

import random
import sqlite3
import threading

import pytest

from workbench.domain.errors import BodyDamaged, StoreUnavailable
from workbench.store.store import Reader, Store
from workbench.store.verification import verify


@pytest.fixture
def closed(bench):
    """Forty exchanges with bodies of their own, all of it in the main file, nobody using it."""
    chance = random.Random(5)
    bodies = {bench.put(body).id: body for body in (chance.randbytes(9_000) for _ in range(40))}
    bench.close()
    with sqlite3.connect(bench.path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return bench.path, bodies


def page_of(path, body):
    return path.read_bytes().find(body[4000:4040]) // 4096


def overwrite(path, page, data):
    with path.open("r+b") as file:
        file.seek(page * 4096)
        file.write(data)


def readable(reader, bodies):
    good = set()
    for given, body in bodies.items():
        try:
            assert reader.body(given, "request") == body
            good.add(given)
        except StoreUnavailable:
            continue
    return good


def test_a_corrupted_page_of_a_body_hurts_that_exchange_alone(closed):
    """verify names it, reading it raises, all others are read."""
    path, bodies = closed
    victim = list(bodies)[20]
    overwrite(path, page_of(path, bodies[victim]), b"\xde\xad" * 1000)
    with Reader.open(path) as reader:
        found = verify(reader)
        assert not found.sound
        assert list(found.damaged) == [victim]
        with pytest.raises(BodyDamaged, match=victim):
            reader.body(victim, "request")
        assert readable(reader, bodies) == set(bodies) - {victim}


def test_many_corrupted_pages_are_all_told(closed):
    """Whatever page is hurt: no crash, only our errors, and no body that differs is given out."""
    path, bodies = closed
    clean = path.read_bytes()
    chance = random.Random(6)
    for _ in range(25):
        path.write_bytes(clean)
        for page in chance.sample(range(1, len(clean) // 4096), 3):
            overwrite(path, page, chance.randbytes(4096))
        try:
            with Reader.open(path) as reader:
                good = readable(reader, bodies)
                found = verify(reader)
                hurt = set(bodies) - good
                assert not hurt or not found.sound
        except StoreUnavailable as error:
            assert error.hint  # noqa: PT017  (either outcome is right, each in its way)


def test_a_truncated_file_is_said_to_be_damaged(closed):
    """What is left of it is read as far as it goes."""
    path, bodies = closed
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3 // 4096 * 4096])
    try:
        with Reader.open(path) as reader:
            found = verify(reader)
            assert not found.sound
            assert len(readable(reader, bodies)) < len(bodies)
    except StoreUnavailable as error:
        assert "damaged" in error.message  # noqa: PT017
        assert error.hint  # noqa: PT017


def test_a_deleted_log_costs_what_was_in_it_and_no_more(bench):
    """Without the write-ahead log the store is as it was at the last checkpoint."""
    early = bench.put(b"early")
    with bench.store.exclusive() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    bench.put(b"late")
    copy = bench.path.with_name("copy.db")
    copy.write_bytes(bench.path.read_bytes())
    with Store.open(copy) as store:
        assert [item.id for item in store.exchanges().items] == [early.id]
        assert verify(store).sound


@pytest.mark.parametrize("data", [b"", b"SQLite format 3\0" + b"\0" * 84, b"no database" * 100])
def test_other_files_are_not_taken_for_a_store(tmp_path, data):
    """An empty or foreign file is refused for reading with a hint."""
    path = tmp_path / "workbench.db"
    path.write_bytes(data)
    with pytest.raises(StoreUnavailable) as caught:
        Reader.open(path)
    assert caught.value.hint


def test_a_store_that_is_just_being_made_is_waited_for(tmp_path):
    """Router and terminal app may start together in a new home."""
    path = tmp_path / "workbench.db"
    sqlite3.connect(path).execute("PRAGMA journal_mode=WAL").fetchall()
    making = threading.Timer(0.3, lambda: Store.open(path).close())
    making.start()
    with Reader.open(path) as reader:
        assert reader.exchanges().items == []
    making.join()


def test_a_missing_store_is_said_to_be_missing(tmp_path):
    """And how it comes into being."""
    with pytest.raises(StoreUnavailable, match="no store at"):
        Reader.open(tmp_path / "workbench.db")
