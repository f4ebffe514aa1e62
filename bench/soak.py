#!/usr/bin/env python3
"""Mixed load on a real router for long: is memory flat, is every record there, are descriptors given back?

    python bench/soak.py [--minutes 15] [--clients 16]

Plain, streaming, failing and abandoned requests go through a router process to `scripts/mock_openai.py`.
What a client saw complete is looked up in the store, byte for byte, while the load goes on. Prints figures
for docs/performance.md; exits 1 when a record is missing or differs.
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
from workbench.settings import Home
from workbench.store.store import Reader

FAULTS = ("cut", "cut-clean", "reset-before", "malformed", "html", "empty", "error-in-stream", "no-done")
KINDS = {"plain": 45, "stream": 30, "failing": 15, "abandoned": 10}
SETTINGS = "router_settings:\n  disable_cooldowns: true\n  num_retries: 1\n"
"""One deployment answers everything; with a breaker most failures would be refusals."""
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
    samples: list[tuple[float, float, int]] = field(default_factory=list)
    """Seconds, resident MB, open descriptors of the router."""


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
    process = psutil.Process(pid)
    while True:
        soak.samples.append((time.monotonic() - begun, process.memory_info().rss / 1e6, process.num_fds()))
        await check(soak, home)
        await asyncio.sleep(every_s)


async def run(options: argparse.Namespace, server: servers.Server, home: Home) -> Soak:
    soak, begun = Soak(), time.monotonic()
    until = begun + options.minutes * 60
    async with aiohttp.ClientSession(
        headers=server.headers, connector=aiohttp.TCPConnector(limit=0)
    ) as session:
        watcher = asyncio.create_task(
            watch(soak, home, server.pid, begun, max(1.0, options.minutes)), name="watch"
        )
        await asyncio.gather(
            *(client(soak, session, server.url, until, seed) for seed in range(options.clients))
        )
        watcher.cancel()
        await asyncio.sleep(1)
        process = psutil.Process(server.pid)
        soak.samples.append((time.monotonic() - begun, process.memory_info().rss / 1e6, process.num_fds()))
    await check(soak, home, everything=True)
    return soak


def report(soak: Soak, minutes: float) -> str:
    """Return the figures as tables."""
    warm = [sample for sample in soak.samples if sample[0] >= minutes * 60 * 0.2] or soak.samples
    half = len(warm) // 2 or 1
    rows: list[list[object]] = [
        ["requests", sum(soak.kinds.values())],
        ["of these", ", ".join(f"{count} {kind}" for kind, count in soak.kinds.most_common())],
        ["statuses", ", ".join(f"{count} x {status}" for status, count in sorted(soak.statuses.items()))],
        ["records compared byte for byte", soak.checked],
        ["records missing or different", len(soak.lost)],
        ["memory MB: start, after warm-up, end", _ends(soak.samples, warm, 1)],
        [
            "mean MB of the first and second half after warm-up",
            f"{_mean(warm[:half])} / {_mean(warm[half:])}",
        ],
        ["descriptors: start, after warm-up, end", _ends(soak.samples, warm, 2)],
    ]
    return machine.table(f"Soak, {minutes:g} minutes", ["", ""], rows)


def _ends(samples: list[tuple[float, float, int]], warm: list[tuple[float, float, int]], column: int) -> str:
    return " / ".join(f"{sample[column]:.0f}" for sample in (samples[0], warm[0], samples[-1]))


def _mean(samples: list[tuple[float, float, int]]) -> str:
    return f"{sum(sample[1] for sample in samples) / len(samples):.1f}" if samples else "-"


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
    return 1 if soak.lost else 0


if __name__ == "__main__":
    sys.exit(main())
