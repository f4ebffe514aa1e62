"""Bugs planted into a real recorder process: what can't be written is set aside, all else is recorded."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.recording.test_faults import open_one, until
from tests.recording.test_process import processes, started
from workbench.recording import recorder as recorder_module
from workbench.recording.quarantine import MOST_FILES, keep
from workbench.recording.recorder import Recorder
from workbench.store.store import Reader
from workbench.store.transfer.copying import import_items
from workbench.store.transfer.jsonl import read_jsonl
from workbench.store.transfer.record import Record
from workbench.store.verification import verify

SECRET = "sk-proj-" + "a1B2" * 12
BUGS = """
import os, signal, sqlite3, sys, time
if "workbench.recording.process" in sys.orig_argv:
    from workbench.store import dictionaries, ingest

    def buggy(real, kind):
        def method(self, operation):
            exchange = getattr(operation, "exchange", None)
            tenant = exchange.tenant if exchange is not None else ""
            if tenant == "raises":
                raise KeyError("what the exchange says")
            if tenant == "statement":
                self._connection.execute("SELECT no_such_column FROM exchanges")
            if tenant == "constraint":
                self._connection.execute("INSERT INTO meta (key, value) SELECT key, value FROM meta")
            if tenant == "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            if tenant == "hangs":
                time.sleep(1000)
            if tenant == "exits":
                raise SystemExit(3)
            if tenant == "raises-at-end" and kind == "finish":
                raise KeyError("what the exchange says")
            if tenant == "raises-at-body" and kind == "finish" and operation.body:
                raise KeyError("what the exchange says")
            if tenant == "raises-at-flush" and kind == "flush":
                raise KeyError("what the exchange says")
            return real(self, operation)
        return method

    for name in ("begin", "flush", "finish"):
        setattr(ingest.ExchangeWriter, "_" + name, buggy(getattr(ingest.ExchangeWriter, "_" + name), name))

    if "STARTS" in os.environ:
        with open(os.environ["STARTS"], "a") as starts:
            starts.write("1")
        os._exit(3)

    if os.environ.get("BUG_IN_MAINTENANCE"):
        def poll(self, connection):
            raise IndexError("of maintenance")
        dictionaries.Trainer.poll = poll
"""


@pytest.fixture(autouse=True)
def bugs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every recorder process has bugs; which of them shows depends on the exchange's tenant."""
    folder = tmp_path_factory.mktemp("bugs")
    (folder / "sitecustomize.py").write_text(BUGS)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def kept(path: Path) -> list[Path]:
    return sorted((path.parent / "unrecorded").glob("*"))


async def others(recorder: Recorder, count: int = 20) -> list[str]:
    """Exchanges that nothing is wrong with; return their ids once they are durable."""
    recordings = []
    for number in range(count):
        recording = open_one(recorder, b'{"messages": [{"role": "user", "content": "%d"}]}' % number)
        recording.write(b"answer %d" % number)
        recordings.append(recording)
    for recording in recordings:
        assert await recording.commit()
    return [recording.exchange.id for recording in recordings]


@pytest.mark.parametrize("bug", ["raises", "statement", "constraint", "dies", "exits"])
async def test_one_that_can_t_be_written_is_set_aside(tmp_path: Path, bug: str):
    """Its client hears that it is not durable, health counts it, its file can be imported elsewhere."""
    path = tmp_path / "workbench.db"
    recorder = await started(path, ack_deadline_s=20)
    before = await others(recorder)
    body = json.dumps({"messages": [{"role": "user", "content": f"my key is {SECRET}"}]}).encode()
    poison = open_one(recorder, body, tenant=bug)
    poison.write(b"the answer\xff")
    assert not await poison.commit()
    await until(lambda: recorder.state.status == "ok")
    after = await others(recorder)
    await until(lambda: recorder.state.committed == 40)
    state = recorder.state
    assert (state.unrecorded, state.refused, state.queued, len(processes())) == (1, 1, 0, 1)
    assert poison.exchange.id in (state.trouble or "")
    assert "what the exchange says" not in (state.trouble or "")
    await recorder.close()
    with Reader.open(path) as reader:
        assert {*before, *after} == {one.id for one in reader.exchanges(limit=100).items}
        assert verify(reader).sound
    (file,) = kept(path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert SECRET.encode() not in file.read_bytes()
    assert json.loads(file.read_bytes())["refused"]
    elsewhere = tmp_path / "mended.db"
    with file.open("rb") as source:
        assert import_items(elsewhere, read_jsonl(source, file.name)).exchanges == 1
    with Reader.open(elsewhere) as reader:
        assert reader.body(poison.exchange.id, "response") == b"the answer\xff"
        assert reader.exchange(poison.exchange.id).state == "complete"


async def test_the_innocent_in_the_same_group_are_recorded(tmp_path: Path):
    """The process dies over one of sixty that it has at once; the other 59 are durable, each once."""
    path = tmp_path / "workbench.db"
    recorder = await started(path, ack_deadline_s=30)
    recordings = [open_one(recorder, tenant="dies" if number == 30 else "default") for number in range(60)]
    futures = []
    for recording in recordings:
        recording.write(b"answer")
        recording._finish("complete")
        futures.append(recorder.submit(recording))
    durable = [await future for future in futures]
    assert [index for index, done in enumerate(durable) if not done] == [30]
    assert (recorder.state.committed, recorder.state.refused) == (59, 1)
    assert await others(recorder, 5)
    await recorder.close()
    with Reader.open(path) as reader:
        assert reader.count("") == 64
        assert verify(reader).sound
    assert [file.stem for file in kept(path)] == [recordings[30].exchange.id]


async def test_a_process_that_hangs_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Over one exchange, again and again: that one is set aside."""
    monkeypatch.setattr(recorder_module, "_HANG_S", 0.5)
    recorder = await started(tmp_path / "workbench.db", ack_deadline_s=30)
    poison = open_one(recorder, tenant="hangs")
    assert not await poison.commit()
    await until(lambda: recorder.state.status == "ok")
    assert await others(recorder, 5)
    assert recorder.state.refused == 1
    await recorder.close()
    assert len(kept(tmp_path / "workbench.db")) == 1


async def test_a_stream_whose_beginning_is_refused_is_kept_whole(tmp_path: Path):
    """What came before and after the refusal is in the file; nothing more is asked of the process."""
    path = tmp_path / "workbench.db"
    recorder = await started(path)
    stream = open_one(recorder, stream=True, tenant="raises")
    stream.write(b"data: 1\n\n")
    await until(lambda: stream.refused is not None)
    stream.write(b"data: [DONE]\n\n")
    assert not await stream.commit()
    await recorder.close()
    (file,) = kept(path)
    assert json.loads(file.read_bytes())["response_body"] == "data: 1\n\ndata: [DONE]\n\n"


async def test_a_refused_flush_costs_nothing_but_itself(tmp_path: Path):
    """The end brings all of the answer."""
    path = tmp_path / "workbench.db"
    recorder = await started(path)
    stream = open_one(recorder, stream=True, tenant="raises-at-flush")
    await until(lambda: recorder.state.queued == 0 and stream.begun)
    stream.write(b"data: 1\n\n")
    await until(lambda: recorder.state.trouble is not None)
    stream.write(b"data: [DONE]\n\n")
    assert await stream.commit()
    assert recorder.state.refused == 0
    await recorder.close()
    with Reader.open(path) as reader:
        assert reader.body(stream.exchange.id, "response") == b"data: 1\n\ndata: [DONE]\n\n"


async def test_a_refused_end_leaves_its_beginning(tmp_path: Path):
    """The row is there and is interrupted by the next router; the file has the answer."""
    path = tmp_path / "workbench.db"
    recorder = await started(path)
    stream = open_one(recorder, stream=True, tenant="raises-at-end")
    stream.write(b"data: 1\n\n")
    with Reader.open(path) as reader:
        await until(lambda: reader.has_exchange(stream.exchange.id))
        stream.write(b"data: [DONE]\n\n")
        assert not await stream.commit()
        await recorder.close()
        await (await started(path)).close()
        assert reader.exchange(stream.exchange.id).state == "interrupted"
    assert len(kept(path)) == 1


async def test_a_refused_answer_ends_its_row_all_the_same(tmp_path: Path):
    """Nobody sees an exchange running that is over; the answer is in the file."""
    path = tmp_path / "workbench.db"
    recorder = await started(path)
    stream = open_one(recorder, b'{"messages": []}', stream=True, tenant="raises-at-body")
    with Reader.open(path) as reader:
        await until(lambda: reader.has_exchange(stream.exchange.id))
        stream.write(b"data: [DONE]\n\n")
        assert not await stream.commit()
        found = reader.exchange(stream.exchange.id)
        assert (found.state, found.error) == ("failed", "the answer could not be recorded")
        assert reader.body(found.id, "request") == b'{"messages": []}'
        await recorder.close()
        assert verify(reader).sound
    (file,) = kept(path)
    assert json.loads(file.read_bytes())["state"] == "complete"


async def test_what_can_t_be_put_into_a_frame_is_set_aside(tmp_path: Path):
    """Text that is no UTF-8: the request is answered all the same, and the others are recorded."""
    path = tmp_path / "workbench.db"
    recorder = await started(path)
    odd = open_one(recorder, client="half a pair \ud800")
    assert not await odd.commit()
    assert await others(recorder, 3)
    assert (recorder.state.refused, recorder.state.status) == (1, "ok")
    await recorder.close()
    (file,) = kept(path)
    assert json.loads(file.read_bytes())["id"] == odd.exchange.id


async def test_maintenance_that_fails_is_said_and_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The process goes on recording; it does not try again every second."""
    monkeypatch.setenv("BUG_IN_MAINTENANCE", "1")
    recorder = await started(tmp_path / "workbench.db")
    (process,) = processes()
    await until(lambda: recorder.state.trouble is not None)
    assert "maintenance failed: IndexError" in (recorder.state.trouble or "")
    assert await others(recorder, 3)
    assert (recorder.state.status, processes()) == ("ok", [process])
    await recorder.close()


async def test_a_process_that_never_comes_up_is_not_started_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Each start costs a third of a second of a processor; what waits is recorded once one comes up."""
    starts = tmp_path / "starts"
    monkeypatch.setenv("STARTS", str(starts))
    monkeypatch.setattr(recorder_module, "_RETRY_S", 0.05)
    recorder = await started(tmp_path / "workbench.db")
    assert "ended" in (recorder.state.error or "")
    recording = open_one(recorder)
    assert not await recording.commit()
    await asyncio.sleep(2)
    assert len(starts.read_bytes()) <= 7
    monkeypatch.delenv("STARTS")
    await until(lambda: recorder.state.committed == 1)
    assert recorder.state.unrecorded == 0
    await recorder.close()


def test_files_of_what_was_refused_do_not_fill_the_disk(tmp_path: Path, caplog: Any):
    """Nor does a folder that can't be made cost more than the one file."""
    folder = tmp_path / "unrecorded"
    folder.mkdir()
    for number in range(MOST_FILES):
        (folder / str(number)).touch()
    record = Record(exchange=open_exchange())
    assert keep(folder, record, "no") is None
    assert "is lost" in caplog.text
    (tmp_path / "file").touch()
    assert keep(tmp_path / "file", record, "no") is None


def open_exchange() -> Any:
    from workbench.domain.exchange import Exchange

    return Exchange(id="ex_1", started_at=0, endpoint="/v1/chat/completions")
