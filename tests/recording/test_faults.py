"""A store that can't be written: serving goes on, it shows, and recording resumes by itself."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from workbench.domain.exchange import Exchange
from workbench.domain.ids import EXCHANGE, new_id
from workbench.recording.recorder import Recorder, RecordingRequired
from workbench.settings.sections import RecordingSettings
from workbench.store.store import Reader, Store
from workbench.store.verification import verify

FAST = {"ack_deadline_s": 0.5, "flush_interval_s": 0.05}


def open_one(recorder, body=b'{"messages": []}', **fields):
    now = time.time_ns() // 1000
    exchange = Exchange(
        id=new_id(EXCHANGE, now), started_at=now, endpoint="/v1/chat/completions", model="m", **fields
    )
    return recorder.open(exchange, [], body)


async def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


async def test_a_broken_store_does_not_stop_serving(tmp_path):
    """Not a SQLite file: degraded from the start; once it is moved aside, what waited is recorded."""
    path = tmp_path / "workbench.db"
    path.write_bytes(b"this is no database, and it is long enough to be looked at" * 100)
    recorder = Recorder(path, RecordingSettings(**FAST), instance="i")
    await recorder.start()
    assert recorder.state.status == "degraded"
    assert "not a SQLite file" in recorder.state.error
    recording = open_one(recorder)
    recording.write(b"answer")
    assert not await recording.commit()
    await until(lambda: recorder.state.unrecorded == 1)
    path.rename(tmp_path / "aside.db")
    await until(lambda: recorder.state.status == "ok" and recorder.state.committed == 1)
    assert recorder.state.unrecorded == 0
    await recorder.close()
    with Reader.open(path) as reader:
        assert reader.body(recording.exchange.id, "response") == b"answer"


async def test_required_refuses_while_the_store_is_broken(tmp_path):
    """With recording required, nothing is served unrecorded."""
    path = tmp_path / "workbench.db"
    path.write_bytes(b"this is no database, and it is long enough to be looked at" * 100)
    recorder = Recorder(path, RecordingSettings(required=True, **FAST), instance="i")
    await recorder.start()
    with pytest.raises(RecordingRequired, match="required"):
        open_one(recorder)
    path.unlink()
    await until(lambda: recorder.state.status == "ok")
    assert await open_one(recorder).commit()
    await recorder.close()


async def test_a_lock_is_waited_for(tmp_path):
    """Another process that holds the write lock past the deadline: answered unrecorded, recorded when it
    lets go.
    """
    path = tmp_path / "workbench.db"
    recorder = Recorder(path, RecordingSettings(**FAST), instance="i")
    await recorder.start()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    recording = open_one(recorder)
    assert not await recording.commit()
    other.execute("COMMIT")
    other.close()
    await until(lambda: recorder.state.committed == 1)
    await recorder.close()
    with Reader.open(path) as reader:
        assert reader.exchange(recording.exchange.id).state == "complete"


async def test_a_long_stream_is_in_the_store_while_it_runs(tmp_path):
    """Row and first bytes are readable by others before the answer ends."""
    path = tmp_path / "workbench.db"
    recorder = Recorder(path, RecordingSettings(**FAST), instance="i")
    await recorder.start()
    recording = open_one(recorder, stream=True)
    recording.write(b"data: 1\n\n")
    with Reader.open(path) as reader:

        def arrived():
            return reader.has_exchange(recording.exchange.id) and reader.body(
                recording.exchange.id, "response"
            )

        await until(arrived)
        assert arrived() == b"data: 1\n\n"
        assert reader.exchange(recording.exchange.id).state == "running"
        recording.write(b"data: [DONE]\n\n")
        assert await recording.commit()
        assert reader.body(recording.exchange.id, "response") == b"data: 1\n\ndata: [DONE]\n\n"
    await recorder.close()


async def test_an_aborted_exchange_keeps_what_was_sent(tmp_path):
    """The client left: interrupted, with the bytes it got."""
    path = tmp_path / "workbench.db"
    recorder = Recorder(path, RecordingSettings(**FAST), instance="i")
    await recorder.start()
    recording = open_one(recorder)
    recording.write(b"half an ans")
    recording.abort("interrupted", "the client left")
    await recorder.close()
    with Reader.open(path) as reader:
        found = reader.exchange(recording.exchange.id)
        assert (found.state, found.error) == ("interrupted", "the client left")
        assert reader.body(found.id, "response") == b"half an ans"


async def test_events_tell_begin_and_end(tmp_path):
    """The live tail hears of every exchange, and a listener that fails costs nothing."""
    heard = []

    def listen(kind, exchange):
        heard.append((kind, exchange.state))
        raise RuntimeError("a bad listener")

    recorder = Recorder(tmp_path / "workbench.db", RecordingSettings(**FAST), instance="i", on_event=listen)
    await recorder.start()
    recording = open_one(recorder)
    recording.write(b"x")
    assert await recording.commit()
    assert heard == [("started", "running"), ("updated", "running"), ("finished", "complete")]
    await recorder.close()


async def test_a_dead_router_s_exchanges_are_interrupted(tmp_path):
    """What a process left running is shown as interrupted at once, and ended for good by the next router."""
    import sys

    path = tmp_path / "workbench.db"
    code = f"""
import asyncio, os, sys, time
sys.path.insert(0, {str(Path.cwd())!r})
from pathlib import Path
from tests.recording.test_faults import FAST, open_one
from workbench.recording.recorder import Recorder
from workbench.settings.sections import RecordingSettings
async def main():
    recorder = Recorder(Path({str(path)!r}), RecordingSettings(**FAST), instance="dead")
    await recorder.start()
    recording = open_one(recorder, stream=True)
    recording.write(b"data: 1\\n\\n")
    await asyncio.sleep(0.5)
    os._exit(9)
asyncio.run(main())
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    with Reader.open(path) as reader:
        (found,) = reader.exchanges().items
        assert (found.state, found.instance) == ("interrupted", "dead")
        recorder = Recorder(path, RecordingSettings(**FAST), instance="next")
        await recorder.start()
        assert [item.id for item in reader.exchanges("state:interrupted").items] == [found.id]
        assert reader.body(found.id, "response") == b"data: 1\n\n"
        assert "router ended" in reader.exchange(found.id).error
        await recorder.close()
        assert verify(reader).sound


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MB."""
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], check=False).returncode:
        pytest.skip("mounting needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


async def test_a_full_disk_is_survived(small_disk):
    """Degraded while the disk is full; recording resumes once there is room, and all that waited is there."""
    path = small_disk / "workbench.db"
    recorder = Recorder(path, RecordingSettings(**FAST), instance="i")
    await recorder.start()
    chance = random.Random(1)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 1_000_000)
    sent = []
    while recorder.state.status == "ok":
        recording = open_one(recorder, chance.randbytes(50_000))
        recording.write(b"answer")
        await recording.commit()
        sent.append((recording.exchange.id, recording.begin_operation().body))
        assert len(sent) < 200
    assert "full" in recorder.state.error
    ballast.unlink()
    await until(lambda: recorder.state.status == "ok" and recorder.state.committed == len(sent))
    await recorder.close()
    with Reader.open(path) as reader:
        for given, body in sent:
            assert reader.body(given, "request") == body
        assert verify(reader).sound


async def test_a_read_only_file_system_is_survived(small_disk):
    """Remounted read-only and back."""
    path = small_disk / "workbench.db"
    recorder = Recorder(path, RecordingSettings(**FAST), instance="i")
    await recorder.start()
    assert await open_one(recorder).commit()
    await recorder.close()
    if subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=False).returncode:
        pytest.skip("remounting needs root")
    with Reader.open(path) as reader:
        assert len(reader.exchanges().items) == 1
    recorder = Recorder(path, RecordingSettings(**FAST), instance="j")
    await recorder.start()
    assert recorder.state.status == "degraded"
    assert not await open_one(recorder).commit()
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    await until(lambda: recorder.state.committed == 1)
    await recorder.close()
    with Store.open(path) as store:
        assert len(store.exchanges().items) == 2
