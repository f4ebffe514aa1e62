"""Start and memory of other terminal apps beside ours: posting, harlequin and mitmproxy, as PyPI has them.

Each is installed once, in an environment of its own below ``$XDG_CACHE_HOME/workbench-bench``, and runs with
an empty home, so that no settings of a user count.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from bench import machine
from bench.servers import free_port
from bench.terminal import Terminal

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "workbench-bench"
FLOWS = 10_000
PATIENCE_S = 180
NEEDS = {
    "posting": ["posting", "tree-sitter<0.26"],  # newer ones end the process on JSON
    "harlequin": ["harlequin"],
    "mitmproxy": ["mitmproxy"],
}
WRITE_FLOWS = """
import sys
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow
with open(sys.argv[1], "wb") as file:
    writer = FlowWriter(file)
    for number in range(int(sys.argv[2])):
        flow = tflow.tflow(resp=True)
        flow.request.path = f"/v1/chat/completions?n={number}"
        flow.request.content = b'{"model": "m", "messages": [{"role": "user", "content": "question"}]}'
        flow.response.content = b'{"choices": [{"message": {"content": "answer"}}]}' * 8
        writer.add(flow)
"""


def program(name):
    """Return a peer's program, installed if need be."""
    place = CACHE / name
    found = place / "bin" / name
    if not found.exists():
        print(f"installing {name} into {place}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, *NEEDS[name]], check=True)
    return str(found)


def peers(folder):
    """Return (name, command, what its first paint shows) of the peers."""
    flows = folder / "flows"
    mitmproxy = [program("mitmproxy"), "--listen-host", "127.0.0.1", "--listen-port", str(free_port())]
    python = str(CACHE / "mitmproxy" / "bin" / "python")
    subprocess.run([python, "-c", WRITE_FLOWS, str(flows), str(FLOWS)], check=True)
    return [
        ("posting", [program("posting")], b"Collection"),
        ("harlequin", [program("harlequin"), "--locale", "C"], b"Run Query"),
        ("mitmproxy, empty", mitmproxy, b"Flows"),
        (f"mitmproxy, {FLOWS:,} flows", [*mitmproxy, "-r", str(flows)], f"/{FLOWS}]".encode()),
    ]


def measure(argv, marker, env):
    """Return seconds to the first paint, processor seconds by then, and MB resident a little later."""
    terminal = Terminal(argv, env=env)
    took, used = terminal.started(marker, PATIENCE_S), terminal.cpu_s()
    end = time.perf_counter() + 2
    while time.perf_counter() < end:
        terminal.read(0.1)
    held = terminal.memory_mb()
    terminal.close()
    return took, used, held


def report(ours, folder, repeat):
    """Return a table of all, taken turn by turn; ratios are to the first of ours."""
    empty = folder / "nobody"
    empty.mkdir()
    alone = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"), str(empty))
    programs = [(*each, {}) for each in ours] + [(*each, alone) for each in peers(folder)]
    found = {name: [] for name, *_ in programs}
    for _ in range(repeat):
        for name, argv, marker, env in programs:
            found[name].append(measure(argv, marker, env))
    medians = {
        name: [machine.median(each) for each in zip(*runs, strict=True)] for name, runs in found.items()
    }
    floor = next(iter(medians.values()))
    rows = [
        (name, f"{took:.2f} s", f"{took / floor[0]:.1f}", f"{used:.2f} s", f"{held:.0f} MB")
        for name, (took, used, held) in medians.items()
    ]
    title = f"Beside other terminal apps ({machine.describe()})"
    return machine.table(title, ("", "first paint", "ratio", "processor", "resident"), rows)
