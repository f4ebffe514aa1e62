"""How the terminal app feels: start, keys, filters, big bodies, traffic, at rest. In a real pseudo-terminal.

``python bench/bench_tui.py [--exchanges 1000000] [--repeat 5]``: a scratch home with that many exchanges; the
app runs in a pty of 120x40 as a user's would. The first paint is set against an empty Textual app in the same
run, turn by turn. A key's time runs to the last byte of the answer to it (the output then pauses for 25 ms,
which is taken off). Medians unless said otherwise.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import machine
from workbench.domain.exchange import Exchange, Write
from workbench.domain.ids import EXCHANGE, new_id
from workbench.settings import Home
from workbench.store.ingest import ExchangeWriter
from workbench.store.operations import Begin, Finish

HELLO = """
from textual.app import App
from textual.widgets import Static
class Hello(App):
    def compose(self):
        yield Static("hello")
Hello().run()
"""
PAUSE_S = 0.025
SEED = 1_000
BIG = 12_000_000


class Terminal:
    """A program in a pty, and what it writes."""

    def __init__(self, argv, *, columns=120, rows=40):
        self.began = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
            os.execv(argv[0], argv)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, timeout):
        if not select.select([self.fd], [], [], timeout)[0]:
            return b""
        try:
            return os.read(self.fd, 1 << 16)
        except OSError:
            return b""

    def until(self, marker, patience=30.0):
        """Return the seconds until `marker` was written."""
        began, seen = time.perf_counter(), b""
        while time.perf_counter() - began < patience:
            seen = seen[-200_000:] + self.read(0.5)
            if marker in seen:
                return time.perf_counter() - began
        raise SystemExit(f"{marker!r} did not come")

    def settle(self, pause=0.4):
        while self.read(pause):
            pass

    def key(self, keys, pause=PAUSE_S):
        """Return the seconds from a key to the last byte of what it caused."""
        began = last = time.perf_counter()
        os.write(self.fd, keys)
        got = False
        while time.perf_counter() - began < 3.0:
            data = self.read(pause if got else 1.0)
            if not data:
                break
            got, last = True, time.perf_counter()
        return last - began

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def app(home):
    return [sys.executable, "-m", "workbench", "--home", str(home.root), "--no-start"]


def exchange(at, model="gpt-small"):
    return Exchange(
        id=new_id(EXCHANGE, at), started_at=at, endpoint="/v1/chat/completions", model=model, status=200,
        state="complete", input_tokens=812, output_tokens=164, cost_usd=0.0021, latency_ms=840.0,
        ttft_ms=210.0, provider="openai", deployment="openai-a",
    )  # fmt: skip


def finish(made, body, answer):
    begin = Begin(exchange=made, headers=[("content-type", "application/json")], body=body)
    return Finish(exchange=made, headers=[], body=answer, writes=[Write(len(answer), 1000)], begin=begin)


def chat(number):
    question = f"Question {number}: how does one measure a terminal app?"
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": question}]}).encode()
    message = {"role": "assistant", "content": f"Answer {number}: with a pseudo-terminal and patience. " * 12}
    return body, json.dumps({"choices": [{"index": 0, "message": message}]}).encode()


def fill(home, wanted):
    """Record some exchanges as a router would, then copy their rows until there are enough of them."""
    home.artifacts.mkdir(parents=True)
    now = time.time_ns() // 1000
    writer = ExchangeWriter.open(home.store, instance="bench")
    models = ("gpt-small", "gpt-large", "claude", "deepseek", "local")
    batch = [finish(exchange(now - (SEED - n) * 1_000_000, models[n % 5]), *chat(n)) for n in range(SEED)]
    big = json.dumps(
        {"choices": [{"index": 0, "message": {"content": "0123456789 " * (BIG // 11)}}]}
    ).encode()
    batch.append(finish(exchange(now + 1_000_000, "big-body"), b"{}", big))
    writer.apply(batch)
    writer.close()
    copy_rows(home.store, wanted)


def copy_rows(path, wanted):
    """Multiply the exchanges' rows back in time; their bodies stay with the originals."""
    connection = sqlite3.connect(path)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(exchanges)")]
    changed = {
        "seq": "seq - (:n << 40)",
        "id": "substr(id, 1, 3) || printf('%010d', :n) || substr(id, 14)",
        "started_at": "started_at - (:n << 30)",
    }
    select = ", ".join(changed.get(name, name) for name in columns)
    sql = (
        f"INSERT INTO exchanges ({', '.join(columns)}) SELECT {select} FROM exchanges"
        " WHERE model <> 'big-body' AND seq > :low AND seq <= :high"
    )
    low = connection.execute("SELECT min(seq) - 1 FROM exchanges").fetchone()[0]
    high = connection.execute("SELECT max(seq) FROM exchanges").fetchone()[0]
    with connection:
        for n in range(1, wanted // SEED):
            connection.execute(sql, {"n": n, "low": low, "high": high})
    connection.close()


def starts(home, repeat):
    """Return seconds to the first paint of an empty app, of ours, and to our first rows; turn by turn."""
    hello = home.root / "hello.py"
    hello.write_text(HELLO)
    found = {"an empty Textual app": [], "workbench, first frame": [], "workbench, first rows": []}
    for _ in range(repeat):
        for name, argv, marker in (
            ("an empty Textual app", [sys.executable, str(hello)], b"hello"),
            ("workbench, first frame", app(home), b"Exchanges"),
            ("workbench, first rows", app(home), b"big-body"),
        ):
            terminal = Terminal(argv)
            found[name].append(terminal.until(marker))
            terminal.close()
    return {name: machine.median(times) for name, times in found.items()}


def keys(terminal, sequence, repeat):
    times = [terminal.key(sequence) * 1000 for _ in range(repeat)]
    return machine.median(times), machine.percentile(times, 95)


def felt(home, repeat):
    """Return rows (what, median ms, p95 ms) of keys, filter and a large body, then RSS and CPU at rest."""
    terminal = Terminal(app(home))
    terminal.until(b"big-body")
    terminal.settle()
    rows = []
    for name, sequence in (("down", b"j"), ("page down", b"\x06"), ("page up", b"\x02")):
        rows.append((name, *keys(terminal, sequence, repeat * 8)))
    terminal.key(b"G", 0.3)
    rows.append(("to the end (G) and back (g)", *pairs(terminal, b"G", b"g", repeat)))
    terminal.key(b"j", 0.3)
    rows.append(("open and close an exchange", *pairs(terminal, b"\r", b"\x1b", repeat)))
    terminal.key(b"g", 0.3)
    rss = psutil.Process(terminal.pid).memory_info().rss / 1e6
    opened = [terminal_open(terminal) for _ in range(repeat)]
    rows.append((f"open the answer of {BIG // 1_000_000} MB", machine.median(opened), max(opened)))
    terminal.settle()
    filtered = [type_filter(terminal) for _ in range(repeat)]
    rows.append(("filter: last key to the first page", machine.median(filtered), max(filtered)))
    terminal.settle(1.0)
    process = psutil.Process(terminal.pid)
    used = sum(process.cpu_times()[:2])
    time.sleep(10)
    idle = (sum(process.cpu_times()[:2]) - used) * 10
    after = process.memory_info().rss / 1e6
    busy = under_traffic(home, terminal, repeat * 20)
    terminal.close()
    return rows, busy, (rss, after), idle


def pairs(terminal, first, second, repeat):
    times = []
    for _ in range(repeat * 4):
        times.append(terminal.key(first, 0.06) * 1000)
        times.append(terminal.key(second, 0.06) * 1000)
    return machine.median(times), machine.percentile(times, 95)


def terminal_open(terminal):
    terminal.key(b"\r", 0.3)
    terminal.key(b"l", 0.3)
    began = time.perf_counter()
    os.write(terminal.fd, b"l")
    terminal.until(b"0123456789")
    took = (time.perf_counter() - began) * 1000
    terminal.key(b"\x1b", 0.4)
    return took


def type_filter(terminal):
    for char in b"/model:claud":
        terminal.key(bytes([char]), 0.05)
    took = terminal.key(b"e", 0.25) * 1000
    terminal.key(b"\x1b", 0.4)
    return took


def under_traffic(home, terminal, repeat):
    """Return median and p95 of `down` while another process records 500 exchanges a second."""
    writer = subprocess.Popen([sys.executable, __file__, "--write", str(home.root)])
    time.sleep(1.5)
    times = []
    for _ in range(repeat):
        times.append(terminal.key(b"j", 0.01) * 1000)
        time.sleep(0.05)
    writer.terminate()
    writer.wait()
    return machine.median(times), machine.percentile(times, 95)


def write_traffic(home):
    """Record 500 exchanges a second until told to stop."""
    writer = ExchangeWriter.open(home.store, instance="bench-traffic")
    number = 0
    while True:
        began = time.perf_counter()
        now = time.time_ns() // 1000
        writer.apply([finish(exchange(now + n), *chat(number + n)) for n in range(25)])
        number += 25
        time.sleep(max(0.0, 0.05 - (time.perf_counter() - began)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--exchanges", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    if given.write:
        write_traffic(Home(given.write))
    with tempfile.TemporaryDirectory(prefix="wb-bench-tui-") as folder:
        home = Home(Path(folder) / "home")
        fill(home, given.exchanges)
        report(home, given)


def report(home, given):
    print(f"machine: {machine.describe()}\n")
    found = starts(home, given.repeat)
    floor = found["an empty Textual app"]
    rows = [(name, f"{took:.2f} s", f"{took / floor:.2f}") for name, took in found.items()]
    print(machine.table(f"Start, {given.exchanges:,} exchanges", ("", "median", "ratio"), rows))
    felt_rows, busy, rss, idle = felt(home, given.repeat)
    felt_rows.append(("down, while 500 exchanges a second arrive", *busy))
    shown = [(name, f"{middle:.0f} ms", f"{high:.0f} ms") for name, middle, high in felt_rows]
    print(machine.table("From a key to the end of its repaint", ("", "median", "p95"), shown))
    print(
        f"At rest: {rss[0]:.0f} MB resident ({rss[1]:.0f} MB after the large body), {idle:.1f} % of one core."
    )


if __name__ == "__main__":
    main()
