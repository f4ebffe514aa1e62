"""`kill -9` at any moment, and several processes at once: what was acknowledged is there, and whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
import zlib
from pathlib import Path

import pytest

from workbench.domain.ids import EXCHANGE, new_id
from workbench.settings.home import Home
from workbench.store.ingest import ExchangeWriter
from workbench.store.retention import PrunePolicy
from workbench.store.store import Reader, Store
from workbench.store.verification import verify

_WRITER = Path(__file__).with_name("writer_process.py")
_PRUNER = """
    import sys, time
    from pathlib import Path
    from workbench.settings.home import Home
    from workbench.store.compaction import compact
    from workbench.store.retention import PrunePolicy
    from workbench.store.store import Store
    path = Path(sys.argv[1])
    with Store.open(path) as store:
        print("ready", flush=True)
        while True:
            now = time.time_ns() // 1000
            policy = PrunePolicy(max_age=int(float(sys.argv[2]) * 1e6))
            plan = store.plan_prune(policy, Home(path.parent.parent), now_us=now)
            store.prune(plan)
            compact(store)
"""


def start_writer(path, name, seed):
    """A process that records, with its recorder process in a group of their own."""
    command = [sys.executable, str(_WRITER), str(path), name, str(seed)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def start_pruner(path, age_s):
    command = [sys.executable, "-c", textwrap.dedent(_PRUNER), str(path), str(age_s)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process, *, group=False):
    """Kill the process, or all of its group; return what it said."""
    if group:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.send_signal(signal.SIGKILL)
    # Both streams end when the last process that holds them does: the recorder's is waited for, too.
    # Not `communicate`: it reads past what an earlier `readline` has buffered, and so begins inside a line.
    with process:
        output, errors = process.stdout.read(), process.stderr.read()
    return [line.split() for line in output.splitlines() if line.count(" ") == 2], errors


def until_begun_after(process, moment):
    """Read on until an exchange that began after `moment` (seconds) is acknowledged; return that one."""
    first = new_id(EXCHANGE, int(moment * 1e6))[: len(EXCHANGE) + 10]
    while line := process.stdout.readline().split():
        if line[0][: len(first)] > first:
            return [line]
    raise AssertionError(process.stderr.read())


def check(path, acknowledged):
    ExchangeWriter.open(path, instance="after").close(ended=True)
    with Reader.open(path) as reader:
        for given, request, response in acknowledged:
            item = reader.exchange(given)
            assert item.state == "complete"
            assert zlib.crc32(reader.body(given, "request")) == int(request)
            assert zlib.crc32(reader.body(given, "response")) == int(response)
        found = verify(reader)
        assert (found.problems, found.damaged, found.unused_chunks) == ([], {}, 0)
        assert reader.count("is:running") == 0


def run_crashes(path, times, seed):
    chance = random.Random(seed)
    acknowledged = []
    for number in range(times):
        process = start_writer(path, f"w{number}", seed + number)
        first = process.stdout.readline().split()
        time.sleep(chance.random() * 0.4)
        # Either the router alone, whose recorder still writes what it was given, or both at once.
        lines, errors = kill(process, group=number % 2 == 0)
        assert errors == ""
        acknowledged += [first, *lines]
    assert len(acknowledged) > times
    check(path, acknowledged)


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path):
    """Five kills at random moments under load."""
    run_crashes(tmp_path / "artifacts" / "workbench.db", 5, 1)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_hundred_kills(tmp_path):
    """The same a hundred times."""
    run_crashes(tmp_path / "artifacts" / "workbench.db", 100, 1000)


def run_prune_crashes(path, times, seed):
    """Kill a pruning and compacting process while another writes; what is left is whole."""
    chance = random.Random(seed)
    writer = start_writer(path, "w", seed)
    writer.stdout.readline()
    for _ in range(times):
        pruner = start_pruner(path, 0.5)
        time.sleep(chance.random() * 0.8)
        _, errors = kill(pruner)
        assert errors == ""
    newest = until_begun_after(writer, time.time())
    lines, errors = kill(writer)
    assert errors == ""
    check(path, [*newest, *lines])


def test_a_killed_prune_leaves_a_sound_store(tmp_path):
    """Three kills in the middle of pruning and compacting."""
    run_prune_crashes(tmp_path / "artifacts" / "workbench.db", 3, 2)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_killed_prune_forty_times(tmp_path):
    """The same forty times."""
    run_prune_crashes(tmp_path / "artifacts" / "workbench.db", 40, 3)


def test_a_killed_migration_is_taken_up(tmp_path):
    """Opening a new store again and again while it is killed ends in a sound store."""
    path = tmp_path / "artifacts" / "workbench.db"
    code = (
        "from pathlib import Path; from workbench.store.store import Store;"
        f" print('go', flush=True); Store.open(Path({str(path)!r}))"
    )
    for number in range(6):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(0.004 * number)
        process.kill()
        process.wait()
    with Store.open(path) as store:
        assert verify(store).sound


def test_many_processes_share_a_store(tmp_path):
    """Four write, two read, one prunes: no lock error reaches anybody, nothing acknowledged and kept is
    missing.
    """
    path = tmp_path / "artifacts" / "workbench.db"
    Store.open(path).close()
    writers = [start_writer(path, f"w{number}", number) for number in range(4)]
    pruner = start_pruner(path, 2.0)
    reading = (
        "import sys, time; from pathlib import Path; from workbench.store.store import Reader\n"
        + textwrap.dedent(
            """
        with Reader.open(Path(sys.argv[1])) as reader:
            end = time.monotonic() + 4
            seen = 0
            while time.monotonic() < end:
                for item in reader.exchanges("words", limit=20).items:
                    seen += 1
                reader.count()
            print(seen)
        """
        )
    )
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", reading, str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in readers:
        output, errors = process.communicate(timeout=60)
        assert errors == ""
        assert int(output) > 0
    _, errors = kill(pruner)
    assert errors == ""
    quiet = time.time()
    newest = []
    for process in writers:
        newest += until_begun_after(process, quiet)
    for process in writers:
        lines, errors = kill(process)
        assert errors == ""
        newest += lines
    check(path, newest)


def test_pruning_keeps_pinned_things_while_others_write(tmp_path):
    """A pin holds against a pruner that runs all the time."""
    path = tmp_path / "artifacts" / "workbench.db"
    writer = start_writer(path, "w", 9)
    first = writer.stdout.readline().split()
    with Store.open(path) as store:
        store.set_pinned(first[0], True)
        for _ in range(5):
            time.sleep(0.1)
            plan = store.plan_prune(PrunePolicy(max_age=1), Home(tmp_path), now_us=time.time_ns() // 1000)
            store.prune(plan)
    kill(writer)
    check(path, [first])


def test_many_processes_may_make_the_store_at_once(tmp_path):
    """Whoever is first makes it; nobody sees a lock, a half-made schema or a second one."""
    path = tmp_path / "artifacts" / "workbench.db"
    code = (
        "import sys, time; from pathlib import Path; from workbench.store.store import Store;"
        " time.sleep(max(0, float(sys.argv[2]) - time.time())); Store.open(Path(sys.argv[1])).close()"
    )
    at = str(time.time() + 1.5)
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(path), at], stderr=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert not any(errors), "\n".join(errors)
    assert [file.name for file in path.parent.glob("*schema*")] == []  # a new store has nothing to back up
    with Store.open(path) as store:
        assert verify(store).sound
        with store.connection() as connection:
            assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
