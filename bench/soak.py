#!/usr/bin/env python3
"""Mixed load on a real router for long: is memory flat, is every record there, are descriptors given back?

    python bench/soak.py [--minutes 15] [--clients 16]

First the router's bounded caches are filled (conversations that have nothing in common), then plain,
streaming, failing and abandoned requests go through it to `scripts/mock_openai.py`. What a client saw
complete is looked up in the store, byte for byte, while the load goes on. Memory and descriptors are those of
the router and its child processes together.

Prints figures for docs/performance.md; exits 1 when a record is missing or differs, and (from 5 minutes on)
when memory or descriptors grew after the warm-up.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import machine, servers
from workbench.domain.errors import WorkbenchError
from workbench.settings.home import Home
from workbench.store.store import Reader

FAULTS = ("cut", "cut-clean", "reset-before", "malformed", "html", "empty", "error-in-stream", "no-done")
KINDS = {"plain": 45, "stream": 30, "failing": 15, "abandoned": 10}
SETTINGS = "router_settings:\n  disable_cooldowns: true\n  num_retries: 1\n"
"""One deployment answers everything; with a breaker most failures would be refusals."""
FILLING = 14_000
"""Requests that fill the caches, of the mixed load's sizes: 80 MB of conversations against a bound of 64 MB,
105,000 different slices against 100,000, and more pages than SQLite keeps."""
WARM_UP = 0.2
"""Share of the mixed load after which memory is to be flat: pools and buffers are made by then."""
ALLOWED_MB, ALLOWED_SHARE = 5.0, 0.03
"""What the last third after the warm-up may use more than the first one; 100 lost bytes a request show."""
ALLOWED_DESCRIPTORS = 5
JUDGED_FROM_MIN = 5.0
REST_S = 60.0
"""After the load, until idle connections (25 s to upstreams) are closed."""
SETTLE_S = 3.0
"""How long after its answer a record is looked up; 0 would do, commits come before answers' ends."""


@dataclass
class Soak:
    """What happened so far."""

    kinds: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    to_check: list[tuple[float, str, int, int]] = field(default_factory=list)
    """When it was answered, exchange id, answer's length and CRC."""
    checked: int = 0
    lost: list[str] = field(default_factory=list)
    before: Sample | None = None
    """The router before its first request."""
    samples: list[Sample] = field(default_factory=list)
    """During the mixed load."""
    after: Sample | None = None
    """The router at rest again."""


@dataclass(frozen=True)
class Sample:
    """The router and its children together."""

    at_s: float
    """Seconds since the mixed load began."""
    memory_mb: float
    """Proportional set size on Linux: what is shared counts once; resident size elsewhere."""
    descriptors: int
    processes: int
    router_mb: float
    """The part of it that is the router's own; the rest is its recorder's."""


def sample(pid: int, begun: float) -> Sample:
    """Measure the process tree; a child that ends meanwhile is left out."""
    memory: list[float] = []
    descriptors = 0
    root = psutil.Process(pid)
    for one in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            full = one.memory_full_info()
            memory.append(getattr(full, "pss", full.rss) / 1e6)
            descriptors += one.num_fds()
    return Sample(time.monotonic() - begun, sum(memory), descriptors, len(memory), memory[0])


async def client(soak: Soak, session: aiohttp.ClientSession, url: str, until: float, seed: int) -> None:
    """Send one request after the other until the time is over."""
    dice = random.Random(seed)
    while time.monotonic() < until:
        kind = dice.choices(list(KINDS), list(KINDS.values()))[0]
        soak.kinds[kind] += 1
        body = request_body(kind, dice)
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError):
            async with session.post(url, json=body) as answer:
                soak.statuses[answer.status] += 1
                if kind == "abandoned":
                    await answer.content.readany()
                    answer.close()
                    continue
                data = await answer.read()
                found = answer.headers["x-workbench-exchange"], len(data), zlib.crc32(data)
                soak.to_check.append((time.monotonic(), *found))


async def fill(session: aiohttp.ClientSession, url: str, clients: int) -> None:
    """Fill what the router remembers: conversations that have nothing in common."""
    numbers = iter(range(FILLING))

    async def one(seed: int) -> None:
        dice = random.Random(f"fill {seed}")
        for _ in numbers:
            sizes = [dice.randint(5, 400) * 5 for _ in range(dice.randint(1, 8))]
            turns = [{"role": "user", "content": dice.randbytes(size // 2).hex()} for size in sizes]
            async with session.post(url, json={"model": "bench", "messages": turns}) as answer:
                await answer.read()

    await asyncio.gather(*(one(seed) for seed in range(clients)))


def request_body(kind: str, dice: random.Random) -> dict[str, Any]:
    """Return a request of the kind, with how the upstream is to behave in it."""
    turns = [{"role": "user", "content": "word " * dice.randint(5, 400)} for _ in range(dice.randint(1, 8))]
    body: dict[str, Any] = {"model": "bench", "messages": turns, "x_mock": {"chunks": dice.randint(1, 60)}}
    if kind == "failing":
        body["x_mock"] = (
            {"fault": dice.choice(FAULTS)}
            if dice.random() < 0.7
            else {"status": dice.choice([429, 500, 400])}
        )
    if kind == "abandoned":
        body["x_mock"] = {"chunks": 50, "chunk_delay_ms": 20}
    if kind in {"stream", "abandoned"} or (kind == "failing" and dice.random() < 0.5):
        body["stream"] = True
    return body


async def check(soak: Soak, home: Home, *, everything: bool = False) -> None:
    """Look up what was answered a while ago."""
    before = time.monotonic() - (0 if everything else SETTLE_S)
    ready = [entry for entry in soak.to_check if entry[0] <= before]
    soak.to_check = [entry for entry in soak.to_check if entry[0] > before]
    soak.lost += await asyncio.to_thread(missing, home, ready)
    soak.checked += len(ready)


def missing(home: Home, entries: list[tuple[float, str, int, int]]) -> list[str]:
    """Return the ids whose record is not there or differs from what the client read."""
    lost = []
    with Reader.open(home.store) as reader:
        for _, exchange_id, length, crc in entries:
            try:
                data = reader.body(exchange_id, "response")
            except WorkbenchError:
                data = b""
            if (len(data), zlib.crc32(data)) != (length, crc):
                lost.append(exchange_id)
    return lost


async def watch(soak: Soak, home: Home, pid: int, begun: float, every_s: float) -> None:
    """Sample memory and descriptors, and check records, until cancelled."""
    while True:
        soak.samples.append(sample(pid, begun))
        await check(soak, home)
        await asyncio.sleep(every_s)


async def run(options: argparse.Namespace, server: servers.Server, home: Home) -> Soak:
    soak = Soak(before=sample(server.pid, time.monotonic()))
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=server.headers, connector=connector) as session:
        await fill(session, server.url, options.clients)
        begun = time.monotonic()
        until = begun + options.minutes * 60
        every_s = max(1.0, options.minutes)
        watcher = asyncio.create_task(watch(soak, home, server.pid, begun, every_s), name="watch")
        await asyncio.gather(
            *(client(soak, session, server.url, until, seed) for seed in range(options.clients))
        )
        watcher.cancel()
    await asyncio.sleep(REST_S if options.minutes >= JUDGED_FROM_MIN else 1)
    soak.after = sample(server.pid, begun)
    await check(soak, home, everything=True)
    return soak


def verdicts(soak: Soak, minutes: float) -> list[str]:
    """Return what is not as it should be, in words; nothing when all is well."""
    found = [f"{len(soak.lost)} records are missing or differ"] if soak.lost else []
    if minutes < JUDGED_FROM_MIN:
        return found
    early, late = thirds(soak, minutes)
    allowed = early + max(ALLOWED_MB, early * ALLOWED_SHARE)
    if late > allowed:
        found.append(f"memory grew from {early:.1f} to {late:.1f} MB after the warm-up")
    if soak.before and soak.after and soak.after.descriptors > soak.before.descriptors + ALLOWED_DESCRIPTORS:
        found.append(
            f"descriptors: {soak.before.descriptors} before, {soak.after.descriptors} after the load"
        )
    return found


def thirds(soak: Soak, minutes: float) -> tuple[float, float]:
    """Return the mean MB of the first and of the last third after the warm-up."""
    warm = [entry.memory_mb for entry in soak.samples if entry.at_s >= minutes * 60 * WARM_UP]
    third = max(1, len(warm) // 3)
    return _mean(warm[:third]), _mean(warm[-third:])


def report(soak: Soak, minutes: float) -> str:
    """Return the figures as tables."""
    early, late = thirds(soak, minutes)
    requests = sum(soak.kinds.values())
    rows: list[list[object]] = [
        ["requests", f"{requests}, after {FILLING} that fill the caches"],
        ["of these", ", ".join(f"{count} {kind}" for kind, count in soak.kinds.most_common())],
        ["statuses", ", ".join(f"{count} x {status}" for status, count in sorted(soak.statuses.items()))],
        ["records compared byte for byte", soak.checked],
        ["records missing or different", len(soak.lost)],
        ["processes", max(entry.processes for entry in soak.samples)],
        ["memory MB: before any request, caches filled, at rest again", _ends(soak, "memory_mb")],
        ["memory MB after the warm-up: mean of the first third, of the last", f"{early:.1f} / {late:.1f}"],
        ["memory MB at each tenth of the load", _tenths(soak, minutes, "memory_mb")],
        ["of it the router's own", _tenths(soak, minutes, "router_mb")],
        ["growth after the warm-up", _growth(early, late, requests)],
        ["descriptors: before any request, most under load, at rest again", _ends(soak, "descriptors")],
    ]
    return machine.table(f"Soak, {minutes:g} minutes", ["", ""], rows)


def _ends(soak: Soak, name: str) -> str:
    under_load = [getattr(entry, name) for entry in soak.samples]
    middle = max(under_load) if name == "descriptors" else under_load[0]
    return " / ".join(
        f"{value:.0f}" for value in (getattr(soak.before, name), middle, getattr(soak.after, name))
    )


def _tenths(soak: Soak, minutes: float, name: str) -> str:
    parts: list[list[float]] = [[] for _ in range(10)]
    for entry in soak.samples:
        parts[min(9, int(entry.at_s / (minutes * 6)))].append(getattr(entry, name))
    return " ".join(f"{_mean(part):.0f}" for part in parts if part)


def _growth(early: float, late: float, requests: int) -> str:
    # From the middle of the first third to that of the last one lie two thirds of what follows the warm-up.
    between = requests * (1 - WARM_UP) * 2 / 3
    return f"{late - early:+.1f} MB, {(late - early) * 1e6 / between:+.0f} bytes a request"


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--clients", type=int, default=16)
    options = parser.parse_args()
    print(f"machine: {machine.describe()}\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = Path(name)
        with servers.mock(folder) as base, servers.router(folder, base, settings=SETTINGS) as server:
            soak = asyncio.run(run(options, server, Home(folder / "home")))
    print(report(soak, options.minutes))
    for exchange_id in soak.lost[:20]:
        print(f"lost: {exchange_id}", file=sys.stderr)
    faults = verdicts(soak, options.minutes)
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
