"""How the terminal app feels: start, keys, filters, big bodies, traffic, at rest. In a real pseudo-terminal.

``python bench/bench_tui.py [--exchanges 1000000] [--repeat 5] [--home DIR] [--peers]``: a scratch home with
that many exchanges (`--home` keeps it for the next time); the app runs in a pty of 120x40 as a user's would.
Starts are taken turn by turn with those of an empty Textual app, with `--peers` also of other terminal apps.
A key's time runs to the last byte of the answer to it (the output then pauses for 25 ms, which is not
counted); its processor time is that of the whole process, which a busy machine leaves alone. Medians unless
said otherwise.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import machine, tui_home, tui_peers
from bench.terminal import PAUSE_S, Terminal
from workbench.settings.home import Home

HELLO = """
from textual.app import App
from textual.widgets import Static
class Hello(App):
    def compose(self):
        yield Static("hello")
Hello().run()
"""
OK = "✓ 200".encode()
BODY = b"0123456789 0123456789"


def app(home):
    return [sys.executable, "-m", "workbench", "--home", str(home.root), "--no-start"]


def starters(home):
    """Return (name, command, what its first paint shows) of an empty app and of ours."""
    hello = home.root / "hello.py"
    hello.write_text(HELLO)
    return [
        ("an empty Textual app", [sys.executable, str(hello)], b"hello"),
        ("workbench, first frame", app(home), b"Exchanges"),
        ("workbench, first rows", app(home), b"big-body"),
    ]


def starts(home, repeat):
    """Return rows (what, seconds, ratio, processor seconds, ratio); turn by turn."""
    wall, used = {}, {}
    for _ in range(repeat):
        for name, argv, marker in starters(home):
            terminal = Terminal(argv)
            wall.setdefault(name, []).append(terminal.started(marker))
            used.setdefault(name, []).append(terminal.cpu_s())
            terminal.close()
    floor, least = (machine.median(next(iter(each.values()))) for each in (wall, used))
    return [
        (name, f"{(took := machine.median(wall[name])):.2f} s", f"{took / floor:.2f}",
         f"{(spent := machine.median(used[name])):.2f} s", f"{spent / least:.2f}")
        for name in wall
    ]  # fmt: skip


class Felt:
    """Takes the time of keys in one running app; `rows` are (what, median, p95, processor ms a key)."""

    def __init__(self, terminal):
        self.terminal = terminal
        self.rows = []

    def keys(self, repeat, **pressed):
        """Press keys in turn and give each its own row."""
        self.each([(name.replace("_", " "), keys, PAUSE_S) for name, keys in pressed.items()], repeat)

    def each(self, turns, repeat):
        """`turns`: (name or None, keys, the pause that ends the answer)."""
        times, began = {}, self.terminal.cpu_s()
        for _ in range(repeat):
            for name, keys, pause in turns:
                times.setdefault(name, []).append(self.terminal.key(keys, pause) * 1000)
        used = (self.terminal.cpu_s() - began) * 1000 / (repeat * len(turns))
        for name, took in times.items():
            if name is not None:
                self.rows.append(row(name, took, used))

    def timed(self, name, take, repeat):
        """A row of what `take` returns, in seconds."""
        began = self.terminal.cpu_s()
        took = [take(self.terminal) * 1000 for _ in range(repeat)]
        self.rows.append(row(name, took, (self.terminal.cpu_s() - began) * 1000 / repeat))


def row(name, took, used):
    middle, high = machine.median(took), machine.percentile(took, 95)
    return name, f"{middle:.0f} ms", f"{high:.0f} ms", f"{used:.1f} ms"


def felt(home, repeat):
    """Return the rows of keys, filter, large body and traffic, then RSS before and after, and CPU at rest."""
    terminal = Terminal(app(home))
    terminal.until(b"big-body")
    terminal.settle(2.0)
    measured = Felt(terminal)
    measured.keys(repeat * 16, down=b"j")
    measured.keys(repeat * 16, page_down=b"\x06")
    measured.keys(repeat * 16, page_up=b"\x02")
    measured.keys(repeat * 8, to_the_end=b"G", and_back=b"g")
    measured.each([("down, until the preview stands", b"j", 0.3)], repeat * 4)
    measured.each([("open an exchange", b"\r", 0.06), ("close it (escape)", b"\x1b", 0.06)], repeat * 8)
    moved = [(None, b"j", PAUSE_S), ("open one that was not read yet", b"\r", 0.06), (None, b"\x1b", 0.06)]
    measured.each(moved, repeat * 4)
    terminal.key(b"g", 0.5)
    before = terminal.memory_mb()
    size = f"{tui_home.BIG // 1_000_000} MB"
    measured.timed(f"open an exchange of {size}", open_large, repeat)
    measured.timed(f"its exact answer of {size}", answer_large, repeat)
    time.sleep(1.5)
    terminal.settle()
    after = terminal.memory_mb()
    measured.timed("filter: last key to the first page", type_filter, repeat * 2)
    idle = at_rest(terminal)
    under_traffic(home, measured, repeat * 20)
    terminal.close()
    return measured.rows, (before, after), idle


def open_large(terminal):
    took = terminal.key_until(b"\r", BODY)
    terminal.settle(0.1)
    terminal.key(b"\x1b", 0.4)
    return took


def answer_large(terminal):
    terminal.key(b"\r", 0.4)
    terminal.key(b"l", 0.3)
    took = terminal.key_until(b"l", BODY)
    terminal.key(b"\x1b", 0.4)
    return took


def type_filter(terminal):
    for char in b"/model:claud":
        terminal.key(bytes([char]), 0.05)
    terminal.settle(0.2)
    took = terminal.key_until(b"e", OK)
    terminal.settle()
    terminal.key(b"\x1b", 0.4)
    return took


def at_rest(terminal, seconds=10):
    """Return the percentage of one core that nothing to do costs."""
    terminal.settle(1.0)
    began = terminal.cpu_s()
    time.sleep(seconds)
    return (terminal.cpu_s() - began) / seconds * 100


def under_traffic(home, measured, repeat):
    """Mark and go down while another process records 500 exchanges a second; the count of marks answers."""
    writer = subprocess.Popen([sys.executable, __file__, "--write", str(home.root)])
    time.sleep(1.5)
    number = iter(range(1, repeat + 1))

    def mark(terminal):
        took = terminal.key_until(b"m", f" {next(number)} marked".encode())
        time.sleep(0.05)
        return took

    measured.timed("mark and go down, 500 exchanges a second arriving", mark, repeat)
    writer.terminate()
    writer.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--exchanges", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--home", type=Path, help="make it, or take the one that an earlier run made")
    parser.add_argument("--peers", action="store_true", help="posting, harlequin and mitmproxy side by side")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.write:
        tui_home.write_traffic(Home(given.write))
    machine.compile_package()
    with tempfile.TemporaryDirectory(prefix="wb-bench-tui-") as folder:
        home = Home(given.home or Path(folder) / "home")
        tui_home.ready(home, given.exchanges)
        if given.peers:
            print(tui_peers.report(starters(home), Path(folder), given.repeat))
        else:
            report(home, given)


def report(home, given):
    print(f"machine: {machine.describe()}\n")
    head = ("", "median", "ratio", "processor", "ratio")
    print(machine.table(f"Start, {given.exchanges:,} exchanges", head, starts(home, given.repeat)))
    rows, memory, idle = felt(home, given.repeat)
    print(machine.table("From a key to the end of its repaint", ("", "median", "p95", "processor"), rows))
    print(
        f"{memory[0]:.0f} MB resident after these keys, {memory[1]:.0f} MB after the large body was closed;"
        f" at rest {idle:.1f} % of one core."
    )


if __name__ == "__main__":
    main()
