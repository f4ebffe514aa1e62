#!/usr/bin/env python3
"""The router's speed: what it adds to a direct call, how many requests it takes, beside its peers when asked.

    python bench/bench_router.py [--peers] [--seconds 5]

Everything runs on this machine: load, program and upstream share its cores, so only the ratios of one run
mean anything. Prints tables for docs/performance.md; asserts nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import machine, servers
from bench.load import Result, Target
from bench.servers import Server

PLAIN = b'{"model":"bench","messages":[{"role":"user","content":"Say something short about foxes."}]}'
STREAM = b'{"model":"bench","stream":true,"messages":[{"role":"user","content":"Tell me of foxes."}]}'
WARM_UP_S = 1.0


@dataclass(frozen=True)
class Figures:
    """What one program did."""

    server: Server
    idle_mb: float
    loaded_mb: float
    cpu_ms: float
    """Processor time a request at 16 connections: a figure that holds when others use the machine too."""
    one: Result
    sixteen: Result
    streams_one: Result
    streams: Result


def measure(server: Server, seconds: float) -> Figures:
    """Run the four loads against a program that is ready."""
    idle = server.memory_mb()
    headers = {**server.headers, "Content-Type": "application/json"}
    plain, stream = Target(server.url, headers, PLAIN), Target(server.url, headers, STREAM)
    for target in (plain, stream):
        target.run(4, WARM_UP_S)
    one, before = plain.run(1, seconds), server.cpu_s()
    sixteen = plain.run(16, seconds)
    cpu_ms = (server.cpu_s() - before) * 1000 / max(1.0, sixteen.per_second * seconds)
    streams_one, streams = stream.run(1, seconds), stream.run(16, seconds)
    figures = Figures(server, idle, server.memory_mb(), cpu_ms, one, sixteen, streams_one, streams)
    print(f"  measured {server.name}", file=sys.stderr, flush=True)
    return figures


def report(all_figures: list[Figures], direct: Figures) -> str:
    """Return the tables: figures first, ratios after."""
    rows = [
        [
            found.server.name,
            found.one.p50_ms,
            found.one.p50_ms - direct.one.p50_ms,
            found.one.p99_ms,
            round(found.one.per_second),
            round(found.sixteen.per_second),
            found.cpu_ms,
            round(found.streams_one.per_second, 1),
            round(found.streams.per_second, 1),
            found.server.ready_s or "",
            round(found.idle_mb),
            round(found.loaded_mb),
            sum(load.errors for load in (found.one, found.sixteen, found.streams_one, found.streams)),
        ]
        for found in [direct, *all_figures]
    ]
    head = [
        "",
        "p50 ms, 1 conn",
        "added ms",
        "p99 ms",
        "req/s, 1",
        "req/s, 16",
        "CPU ms",
        "streams/s, 1",
        "streams/s, 16",
    ]
    head += ["ready s", "idle MB", "loaded MB", "errors"]
    return machine.table("Pass-through of a chat completion (stream: 200 chunks)", head, rows) + ratios(
        all_figures, direct
    )


def ratios(all_figures: list[Figures], direct: Figures) -> str:
    """Return how our router stands to every other program of the same run."""
    ours = all_figures[0]
    added = ours.one.p50_ms - direct.one.p50_ms
    rows = []
    for other in all_figures[1:]:
        theirs = other.one.p50_ms - direct.one.p50_ms
        rows.append(
            [
                other.server.name,
                _ratio(theirs, added),
                _ratio(ours.sixteen.per_second, other.sixteen.per_second),
                _ratio(other.cpu_ms, ours.cpu_ms),
                _ratio(ours.streams.per_second, other.streams.per_second),
                _ratio(other.server.ready_s, ours.server.ready_s),
                _ratio(other.idle_mb, ours.idle_mb),
            ]
        )
    head = ["workbench against", "added latency, theirs / ours", "req/s at 16, ours / theirs"]
    head += ["CPU a request, theirs / ours"]
    head += ["streams/s at 16, ours / theirs", "start, theirs / ours", "idle memory, theirs / ours"]
    return machine.table("Ratios", head, rows)


def _ratio(one: float, other: float) -> str:
    return f"{one / other:.2f}" if one > 0 and other > 0 else "-"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--peers", action="store_true", help="LiteLLM's proxy and Portkey too, installed into .bench"
    )
    parser.add_argument("--seconds", type=float, default=5, help="length of each load")
    options = parser.parse_args()
    print(f"machine: {machine.describe()}\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-router-") as name:
        folder = Path(name)
        with servers.upstream() as target:
            direct = measure(target, options.seconds)
            base = target.url.removesuffix("/chat/completions")
            found = [_measured(lambda: servers.router(folder, base), options.seconds)]
            found.append(
                _measured(lambda: servers.router(folder / "bare", base, recording=False), options.seconds)
            )
            if options.peers:
                found += [
                    _measured(lambda start=start: start(folder, base), options.seconds)
                    for start in (servers.litellm_proxy, servers.portkey)
                ]
        print(report(found, direct))


def _measured(start: Callable[[], AbstractContextManager[Server]], seconds: float) -> Figures:
    with start() as server:
        return measure(server, seconds)


if __name__ == "__main__":
    main()
