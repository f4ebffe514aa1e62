"""The recorder process dies, hangs or is refused: nothing is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
import os
import signal

import psutil

from tests.recording.test_faults import FAST, open_one, until
from workbench.recording.recorder import Recorder
from workbench.settings.sections import RecordingSettings
from workbench.store.store import Reader, Store
from workbench.store.verification import verify


def processes():
    """The recorder processes of this one."""
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "workbench.recording.process" in child.cmdline()
    ]


async def started(path, **settings):
    recorder = Recorder(path, RecordingSettings(**{**FAST, **settings}), instance="i")
    await recorder.start()
    return recorder


async def test_a_killed_process_is_replaced(tmp_path):
    """Killed under load: what it had not reported is sent to the next one, everything once."""
    path = tmp_path / "workbench.db"
    recorder = await started(path, ack_deadline_s=20)

    async def exchange(number):
        recording = open_one(recorder, b'{"messages": [{"role": "user", "content": "%d"}]}' % number)
        recording.write(b"answer %d" % number)
        return recording.exchange.id if await recording.commit() else None

    kept = []
    for round_ in range(4):
        under_way = [asyncio.create_task(exchange(round_ * 100 + number)) for number in range(60)]
        await asyncio.sleep(0.002 * round_)
        for process in processes():
            process.kill()
        kept += [given for given in await asyncio.gather(*under_way) if given]
        await until(lambda: recorder.state.status == "ok")
    await until(lambda: recorder.state.committed == 240)
    assert (recorder.state.unrecorded, recorder.state.queued) == (0, 0)
    await recorder.close()
    with Reader.open(path) as reader:
        assert reader.count("") == 240
        assert all(reader.exchange(given).state == "complete" for given in kept)
        assert verify(reader).sound


async def test_a_stream_goes_on_over_a_killed_process(tmp_path):
    """What had been flushed is there once, what had not comes with the next flush; the row is not ended."""
    path = tmp_path / "workbench.db"
    recorder = await started(path)
    recording = open_one(recorder, stream=True)
    recording.write(b"data: 1\n\n")
    with Reader.open(path) as reader:
        await until(lambda: reader.has_exchange(recording.exchange.id))
        processes()[0].kill()
        recording.write(b"data: 2\n\n")
        await until(lambda: reader.body(recording.exchange.id, "response") == b"data: 1\n\ndata: 2\n\n")
        assert reader.exchange(recording.exchange.id).state == "running"
        recording.write(b"data: [DONE]\n\n")
        assert await recording.commit()
        assert reader.exchange(recording.exchange.id).state == "complete"
        assert reader.body(recording.exchange.id, "response") == b"data: 1\n\ndata: 2\n\ndata: [DONE]\n\n"
    await recorder.close()


async def test_a_stopped_process_does_not_stop_serving(tmp_path):
    """It hangs: the deadline passes, the answer goes out unrecorded; it goes on: everything is written."""
    path = tmp_path / "workbench.db"
    recorder = await started(path)
    (process,) = processes()
    process.send_signal(signal.SIGSTOP)
    recording = open_one(recorder)
    assert not await recording.commit()
    process.send_signal(signal.SIGCONT)
    await until(lambda: recorder.state.committed == 1)
    await recorder.close()
    with Reader.open(path) as reader:
        assert reader.exchange(recording.exchange.id).state == "complete"


async def test_closing_ends_the_process_and_its_instance(tmp_path):
    """No process is left, also where it hangs; a clean end is noted in the store."""
    path = tmp_path / "workbench.db"
    recorder = await started(path)
    await recorder.close()
    assert processes() == []
    with Reader.open(path) as reader, reader.connection() as connection:
        assert connection.execute("SELECT count(*) FROM instances WHERE ended_at IS NOT NULL").fetchone() == (
            1,
        )
    recorder = await started(path)
    os.kill(processes()[0].pid, signal.SIGSTOP)
    await recorder.close()
    assert processes() == []
    assert recorder.state.status == "off"


async def test_ctrl_c_for_the_group_does_not_end_it(tmp_path):
    """The terminal sends SIGINT to router and recorder alike; the recorder ends when the router says so."""
    recorder = await started(tmp_path / "workbench.db")
    processes()[0].send_signal(signal.SIGINT)
    processes()[0].send_signal(signal.SIGTERM)
    assert await open_one(recorder).commit()
    await recorder.close()


async def test_a_body_of_many_frames_is_one_operation(tmp_path):
    """20 MB go over the line in pieces, and come back exact."""
    path = tmp_path / "workbench.db"
    recorder = await started(path, ack_deadline_s=30)
    body = os.urandom(20_000_000)
    recording = open_one(recorder, body)
    recording.write(b"got it")
    assert await recording.commit()
    await recorder.close()
    with Reader.open(path) as reader:
        assert reader.body(recording.exchange.id, "request") == body


async def test_a_lone_request_does_not_keep_others_from_writing(tmp_path):
    """It is taken up at once, and committed a moment later although its answer takes its time."""
    path = tmp_path / "workbench.db"
    recorder = await started(path)
    recording = open_one(recorder)
    with Reader.open(path) as reader:
        await until(lambda: reader.has_exchange(recording.exchange.id))
        assert reader.exchange(recording.exchange.id).state == "running"
    with Store.open(path) as store:
        store.set_note(recording.exchange.id, "seen")
    recording.write(b"answer")
    assert await recording.commit()
    await recorder.close()
    with Reader.open(path) as reader:
        found = reader.exchange(recording.exchange.id)
        assert (found.state, found.note) == ("complete", "seen")
        assert verify(reader).sound


async def test_a_lone_request_whose_process_dies_is_written_by_the_next(tmp_path):
    """Killed at any moment between its beginning and its end."""
    path = tmp_path / "workbench.db"
    recorder = await started(path, ack_deadline_s=20)
    recordings = []
    for number in range(12):
        recordings.append(open_one(recorder))
        await asyncio.sleep(number * 0.0003)
        for process in processes():
            process.kill()
        recordings[-1].write(b"answer")
        assert await recordings[-1].commit()
        await until(lambda: recorder.state.status == "ok")
    await recorder.close()
    with Reader.open(path) as reader:
        assert {reader.exchange(one.exchange.id).state for one in recordings} == {"complete"}
        assert verify(reader).sound
