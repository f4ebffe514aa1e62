"""The store at size: bytes, speed of writing and reading, and deleting half of it while writing goes on.

Figures are ratios against two plain designs measured in the same run: whole bodies as JSON text in SQLite
rows, and zstd for each body. `--exchanges 1000000` takes about an hour; 100000 some minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import zstandard

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import machine
from bench.bench_store_traffic import ANSWER_HEADERS, HEADERS, START_US, STEP_US, Traffic, Turn
from workbench.domain.exchange import Attempt
from workbench.recording.recorder import Recorder
from workbench.settings.home import Home
from workbench.settings.sections import RecordingSettings
from workbench.store.compaction import give_back
from workbench.store.retention import PrunePolicy
from workbench.store.store import Reader, Store

_AT_ONCE = 128
_GROUP = 1_280
_PLAIN_COUNT = 4_000
_FILTERS = (
    "",
    "model:gpt-small",
    "tenant:team-3 status:>=400",
    "status:>=400",
    "provider:openai tokens:>8000",
    "since:1h",
)
_WORDS = ("return", "exception", "socket timeout", '"raise ValueError"', "zipfile", "decompress*", "qzxwv")


async def _record(recorder: Recorder, turn: Turn) -> float:
    exchange = turn.exchange
    began = time.perf_counter()
    recording = recorder.open(exchange, HEADERS, turn.body)
    recording.attempt(
        Attempt(
            number=1, deployment=exchange.deployment or "", provider="openai", model=exchange.model,
            started_at=exchange.started_at, ended_at=exchange.started_at + 800_000, status=200,
            latency_ms=800.0, ttft_ms=400.0,
            url="https://api.openai.com/v1/chat/completions", reason="simple-shuffle 1 of 1",
        )
    )  # fmt: skip
    recording.response_headers = ANSWER_HEADERS
    # The times are the traffic's, not those of this loop.
    recording._pieces, recording._writes = [turn.answer], turn.writes
    exchange.response_bytes, exchange.ttft_ms = len(turn.answer), 400.0
    if not await recording.commit():
        raise SystemExit(f"not recorded: {recorder.state}")
    return time.perf_counter() - began


async def _record_all(recorder: Recorder, turns: Iterator[Turn]) -> None:
    """Record one after the other, as a client that has its answer sends its next request."""
    for turn in turns:
        await _record(recorder, turn)


async def _fill(path: Path, count: int, traffic: Traffic) -> dict[str, Any]:
    recorder = Recorder(path, RecordingSettings(ack_deadline_s=60), instance="bench")
    await recorder.start()
    (writer,) = psutil.Process().children()
    source = iter(traffic)
    raw = spent = sender_s = made_s = 0.0
    started_s = _cpu_s(writer)
    done = 0
    while done < count:
        began_cpu = time.process_time()
        group = list(islice(source, min(_GROUP, count - done)))
        raw += sum(len(turn.body) + len(turn.answer) for turn in group)
        made_s += time.process_time() - began_cpu
        began, began_cpu = time.perf_counter(), time.process_time()
        turns = iter(group)
        await asyncio.gather(*(_record_all(recorder, turns) for _ in range(_AT_ONCE)))
        spent += time.perf_counter() - began
        sender_s += time.process_time() - began_cpu
        done += len(group)
        if done % (_GROUP * 40) == 0:
            print(f"  {done:,} of {count:,}, {done / spent:,.0f}/s", file=sys.stderr, flush=True)
    recorder_s = _cpu_s(writer) - started_s
    await recorder.close()
    with Store.open(path) as store, store.exclusive() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return {
        "raw": raw / count,
        "rate": count / spent,
        "sender_us": sender_s / count * 1e6,
        "recorder_us": recorder_s / count * 1e6,
        "made_us": made_s / count * 1e6,
        "bytes": _size(path) / count,
    }


def _cpu_s(process: psutil.Process) -> float:
    """Return the processor time a process has taken; training a dictionary in its thread included."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _size(path: Path) -> int:
    return path.stat().st_size


def _plain(folder: Path, traffic: Traffic, count: int, *, packed: bool) -> dict[str, float]:
    """Write whole bodies into rows, in transactions as large as the recorder's."""
    path = folder / f"plain-{packed}.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(
        "CREATE TABLE exchanges"
        " (id TEXT PRIMARY KEY, started_at INTEGER, model TEXT, status INTEGER, request, response)"
    )
    connection.execute("CREATE INDEX started ON exchanges (started_at)")
    compressor = zstandard.ZstdCompressor(level=3)
    source = iter(traffic)
    spent = 0.0
    for _ in range(0, count, _AT_ONCE):
        group = list(islice(source, _AT_ONCE))
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        for turn in group:
            bodies = (
                (compressor.compress(turn.body), compressor.compress(turn.answer))
                if packed
                else (turn.body.decode(), turn.answer.decode())
            )
            values = (
                turn.exchange.id,
                turn.exchange.started_at,
                turn.exchange.model,
                turn.exchange.status,
                *bodies,
            )
            connection.execute("INSERT INTO exchanges VALUES (?, ?, ?, ?, ?, ?)", values)
        connection.execute("COMMIT")
        spent += time.perf_counter() - began
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    done = -(-count // _AT_ONCE) * _AT_ONCE
    return {"bytes": path.stat().st_size / done, "rate": done / spent}


def read(path: Path) -> dict[str, Any]:
    """Measure reading in this process, which does nothing else; times in ms."""
    chance = random.Random(3)
    with Reader.open(path) as reader:
        with reader.connection() as connection:
            low, high = connection.execute("SELECT min(seq), max(seq) FROM exchanges").fetchone()
            ids = [
                connection.execute(
                    "SELECT id FROM exchanges WHERE seq >= ? LIMIT 1", (chance.randint(low, high),)
                ).fetchone()[0]
                for _ in range(400)
            ]
        one = [
            _ms(
                lambda given=given: (
                    reader.exchange(given),
                    reader.body(given, "request"),
                    reader.body(given, "response"),
                )
            )
            for given in ids
        ]
        lists = {
            where or "(none)": [_ms(lambda where=where: reader.exchanges(where)) for _ in range(30)]
            for where in _FILTERS
        }
        words = {
            text: [_ms(lambda text=text: reader.exchanges(f"text:{text}")) for _ in range(15)]
            for text in _WORDS
        }
    return {
        "one": one,
        "lists": lists,
        "words": words,
        "rss_mb": _peak_mb(),
    }


def _peak_mb() -> float:
    """Return this process's own peak memory; `getrusage` would count its parent's before the exec."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024


def _ms(call: Any) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def prune_half(path: Path, count: int) -> dict[str, Any]:
    """Delete the older half, as `workbench prune` does."""
    home = Home(path.parent.parent)
    with Store.open(path) as store:
        cut = START_US + count // 2 * STEP_US
        deleted = 0
        while True:
            plan = store.plan_prune(PrunePolicy(max_age=1), home, now_us=cut)
            if plan.empty:
                break
            deleted += store.prune(plan).exchanges
        give_back(store)
    return {"deleted": deleted}


async def _delete_while_writing(path: Path, count: int, traffic: Traffic) -> dict[str, Any]:
    before = _size(path)
    command = [sys.executable, __file__, "--prune", str(path), "--exchanges", str(count)]
    recorder = Recorder(path, RecordingSettings(ack_deadline_s=60), instance="bench-2")
    await recorder.start()
    source = iter(traffic)
    for _ in range(count):  # the clock of the traffic goes on behind what is stored
        traffic._number += 1
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: ASYNC220  (polled below)
    waits: list[float] = []
    while process.poll() is None:
        waits.append(await _record(recorder, next(source)))
        await asyncio.sleep(0.01)
    took = time.perf_counter() - began
    await recorder.close()
    with Store.open(path) as store, store.exclusive() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    output = json.loads(process.communicate()[0])
    return {
        "deleted": output["deleted"], "seconds": took, "written": len(waits), "waits": waits,
        "before": before,
        "after": _size(path),
    }  # fmt: skip


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exchanges", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--stream", action="store_true", help="answers of 200 chunks with their timing")
    parser.add_argument("--folder", type=Path, help="where to work; else a temporary folder")
    parser.add_argument("--no-delete", action="store_true")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--prune", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        print(json.dumps(read(given.read)))
        return 0
    if given.prune:
        print(json.dumps(prune_half(given.prune, given.exchanges)))
        return 0
    folder = Path(tempfile.mkdtemp(prefix="bench-store-", dir=given.folder))
    try:
        _measure(folder, given)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _measure(folder: Path, given: argparse.Namespace) -> None:
    path = folder / "artifacts" / "workbench.db"
    answers = "answers streamed in 200 chunks" if given.stream else "plain answers"
    kind = f"{given.turns}-turn conversations, {answers}"
    print(f"machine: {machine.describe()}\n{given.exchanges:,} exchanges, {kind}", flush=True)

    def traffic() -> Traffic:
        return Traffic(turns=given.turns, stream=given.stream)

    filled = asyncio.run(_fill(path, given.exchanges, traffic()))
    text = _plain(folder, traffic(), min(_PLAIN_COUNT, given.exchanges), packed=False)
    packed = _plain(folder, traffic(), min(_PLAIN_COUNT, given.exchanges), packed=True)
    print(f"raw                    {filled['raw']:10,.0f} bytes an exchange")
    smaller = filled["raw"] / filled["bytes"]
    print(f"store                  {filled['bytes']:10,.0f} bytes, {smaller:.1f} times smaller than raw")
    for name, other in (("plain rows", text), ("zstd per body", packed)):
        print(
            f"  than {name:<16}{other['bytes'] / filled['bytes']:12.1f} times smaller ({other['bytes']:,.0f})"
        )
    print(f"recorded               {filled['rate']:10,.0f} a second")
    print(
        f"  CPU each{filled['sender_us']:23,.0f} us in the sender, {filled['recorder_us']:,.0f} us"
        f" in the recorder (and {filled['made_us']:,.0f} us to make the traffic, before the clock starts)"
    )
    for name, other in (("plain rows", text), ("zstd per body", packed)):
        print(
            f"  of {name:<18}{filled['rate'] / other['rate']:12.2f} ({other['rate']:,.0f} a second)",
            flush=True,
        )
    _print_reads(json.loads(subprocess.check_output([sys.executable, __file__, "--read", str(path)])))
    if not given.no_delete:
        _print_delete(asyncio.run(_delete_while_writing(path, given.exchanges, traffic())))


def _print_reads(found: dict[str, Any]) -> None:
    def line(name: str, values: list[float]) -> None:
        p50, p95 = machine.percentile(values, 50), machine.percentile(values, 95)
        print(f"{name:<40} p50 {p50:8.2f} ms  p95 {p95:8.2f} ms")

    line("one exchange with both bodies", found["one"])
    for where, values in found["lists"].items():
        line(f"page: {where}", values)
    for words, values in found["words"].items():
        line(f"page: text:{words}", values)
    print(f"{'memory of the reader':<40} {found['rss_mb']:.0f} MB", flush=True)


def _print_delete(found: dict[str, Any]) -> None:
    waits = [wait * 1000 for wait in found["waits"]]
    p50, p99 = machine.percentile(waits, 50), machine.percentile(waits, 99)
    before, after = found["before"] / 1e6, found["after"] / 1e6
    done, took = found["deleted"], found["seconds"]
    print(f"deleting the older half: {done:,} in {took:.1f} s, {len(waits):,} written meanwhile")
    print(f"  a write waited       p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {max(waits):.1f} ms")
    print(
        f"  the file             {before:,.1f} -> {after:,.1f} MB, {100 - 100 * after / before:.0f} % smaller"
    )


if __name__ == "__main__":
    sys.exit(main())
