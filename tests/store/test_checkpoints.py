"""Checkpoints beside the writer: the log stays small, the file gets what was committed, faults do no harm."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time

import pytest

from workbench.store import checkpoints
from workbench.store.checkpoints import Checkpoints
from workbench.store.verification import verify


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(checkpoints, "_EVERY_S", 0.01)


def running():
    return [thread for thread in threading.enumerate() if thread.name == "workbench-checkpoints"]


def wal_size(path):
    return path.with_name(f"{path.name}-wal").stat().st_size


def test_what_was_committed_reaches_the_file_while_the_writer_is_open(bench):
    """Without its own checkpoints the writer's file would stay as it was."""
    bench.writer.checkpoint_meanwhile()
    bench.writer._connection.execute("PRAGMA wal_autocheckpoint=0")
    before = bench.path.stat().st_size
    for number in range(30):
        bench.put(b"%d " % number * 2_000, b"answer")
    end = time.monotonic() + 10
    while bench.path.stat().st_size < before + 30_000 and time.monotonic() < end:
        time.sleep(0.01)
    assert bench.path.stat().st_size >= before + 30_000
    assert verify(bench.store).sound


def test_the_log_begins_again(bench, monkeypatch):
    """However long writing goes on: at some size the writer finishes what little is left, and starts over."""
    monkeypatch.setattr("workbench.store.ingest.WRITER_PAGES", 200)
    bench.writer.checkpoint_meanwhile()
    for number in range(300):
        bench.put(b"%d " % number * 2_000, b"answer")
    assert wal_size(bench.path) < 4 * 200 * 4_096
    assert verify(bench.store).sound


def test_closing_ends_the_thread(bench):
    """Also one that is waiting for something to do."""
    bench.writer.checkpoint_meanwhile()
    assert len(running()) == 1
    bench.writer.close()
    assert running() == []


def test_a_fault_is_logged_and_no_more(tmp_path, caplog):
    """The writer's own commits will tell what is wrong with a file."""
    path = tmp_path / "workbench.db"
    path.write_bytes(b"no database at all" * 100)
    with caplog.at_level(logging.WARNING):
        beside = Checkpoints(path)
        beside.due()
        beside.close()
    assert "no checkpoints besides the writer's own" in caplog.text


def test_readers_and_other_writers_go_on(bench):
    """An open reader keeps its moment; another connection writes in between."""
    bench.writer.checkpoint_meanwhile()
    with sqlite3.connect(bench.path) as reader:
        reader.execute("BEGIN")
        count = reader.execute("SELECT count(*) FROM exchanges").fetchone()
        for number in range(50):
            bench.put(b"%d" % number, b"answer")
        assert reader.execute("SELECT count(*) FROM exchanges").fetchone() == count
    assert bench.store.count("") == 50
