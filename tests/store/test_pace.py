"""Background work leaves room, and whoever waits for the lock gets it."""

from __future__ import annotations

import threading
import time

from workbench.store.connection import connect_writer, transaction
from workbench.store.deletion import delete_run
from workbench.store.pace import Pace
from workbench.store.verification import verify

from .conftest import chat_body, user


def test_a_step_grows_while_it_is_short_and_shrinks_when_it_is_long():
    """By half of what is needed at most, and never beyond its bounds."""
    pace = Pace(10, 30)
    for size in (20, 30, 30):
        pace.begin()
        pace.end()
        assert pace.size == size
    pace.begin()
    time.sleep(0.2)
    pace.end()
    assert 1 <= pace.size < 10


def test_a_writer_gets_in_between_short_transactions(tmp_path):
    """Another process that holds the lock nearly all the time does not starve anybody."""
    path = tmp_path / "store.db"
    busy, mine = connect_writer(path), connect_writer(path)
    done = threading.Event()
    rounds = 0

    def hold():
        nonlocal rounds
        while not done.is_set():
            with transaction(busy):
                time.sleep(0.02)
            rounds += 1
            time.sleep(0.005)

    thread = threading.Thread(target=hold)
    thread.start()
    passed = []
    for _ in range(15):
        before = rounds
        with transaction(mine):
            passed.append(rounds - before)
        time.sleep(0.003)
    done.set()
    thread.join()
    assert sorted(passed)[7] <= 2


def test_a_writer_forgets_a_run_that_was_deleted_under_it(bench):
    """A session of that name is a new one then."""
    first = bench.put(chat_body([user("hello there, this is long enough")]), session="work")
    run = bench.store.exchange(first.id).session
    key = bench.writer._sessions._keys["default\0work"]
    delete_run(bench.store, key, files=lambda: bench.put(b"{}", session="work"))
    again = bench.put(b"{}", session="work")
    assert bench.store.exchange(again.id).session not in {None, run}
    assert verify(bench.store).sound
