"""Load: one request again and again over a number of connections, and what came of it.

wrk makes it where it is installed, because it takes little of the machine from what it measures; threads
with plain sockets otherwise.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench import machine

_SCRIPT = """
wrk.method = "POST"
wrk.body = io.open(os.getenv("BENCH_BODY")):read("*a")
for line in io.lines(os.getenv("BENCH_HEADERS")) do
  local name, value = line:match("^([^:]+): (.*)$")
  wrk.headers[name] = value
end
done = function(summary, latency, requests)
  io.write(string.format(
    '\\n{"requests":%d,"duration_us":%d,"p50_us":%d,"p95_us":%d,"p99_us":%d,"errors":%d}\\n',
    summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(95), latency:percentile(99),
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status
    + summary.errors.timeout))
end
"""


@dataclass(frozen=True)
class Result:
    """Requests a second, latencies in ms, and how many requests failed."""

    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    errors: int


@dataclass(frozen=True)
class Target:
    """Where a chat request goes: the address of the endpoint, headers and body."""

    url: str
    headers: dict[str, str]
    body: bytes

    def run(self, connections: int, seconds: float) -> Result:
        """Send for `seconds` over `connections`."""
        return (_with_wrk if shutil.which("wrk") else _with_threads)(self, connections, seconds)


def _with_wrk(target: Target, connections: int, seconds: float) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        script, body, headers = (Path(folder, name) for name in ("load.lua", "body", "headers"))
        script.write_text(_SCRIPT)
        body.write_bytes(target.body)
        headers.write_text("".join(f"{name}: {value}\n" for name, value in target.headers.items()))
        argv = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "60s"]
        done = subprocess.run(
            [*argv, "-s", str(script), target.url],
            env={
                "BENCH_BODY": str(body),
                "BENCH_HEADERS": str(headers),
                "PATH": "/usr/bin:/bin:/usr/local/bin",
            },
            capture_output=True,
            text=True,
            check=True,
        )
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return Result(
        per_second=found["requests"] / (found["duration_us"] / 1e6),
        p50_ms=found["p50_us"] / 1000,
        p95_ms=found["p95_us"] / 1000,
        p99_ms=found["p99_us"] / 1000,
        errors=found["errors"],
    )


def _with_threads(target: Target, connections: int, seconds: float) -> Result:
    until = time.perf_counter() + seconds
    latencies: list[float] = []
    errors: list[int] = []

    def work() -> None:
        try:
            mine = _repeat(target, until)
        except (OSError, ValueError):
            errors.append(1)
        else:
            latencies.extend(mine)

    threads = [threading.Thread(target=work) for _ in range(connections)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    ms = [latency * 1000 for latency in latencies] or [0.0]
    p50, p95, p99 = (machine.percentile(ms, percent) for percent in (50, 95, 99))
    return Result(len(latencies) / took, p50, p95, p99, len(errors))


def _repeat(target: Target, until: float) -> list[float]:
    where = urlsplit(target.url)
    head = f"POST {where.path} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: {len(target.body)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in target.headers.items()) + "\r\n"
    data = head.encode() + target.body
    latencies = []
    with socket.create_connection((where.hostname or "", where.port or 80)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (begun := time.perf_counter()) < until:
            connection.sendall(data)
            _read_answer(connection)
            latencies.append(time.perf_counter() - begun)
    return latencies


def _read_answer(connection: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise ValueError(head)
    lower = head.lower()
    if (at := lower.find(b"content-length:")) >= 0:
        missing = int(lower[at + 15 :].split(b"\r\n", 1)[0]) - len(body)
        while missing > 0:
            missing -= len(_some(connection))
        return
    while not body.endswith(b"0\r\n\r\n"):
        body = body[-8:] + _some(connection)


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ValueError("the connection was closed")
    return data
