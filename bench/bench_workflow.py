"""Generation and web_smoke with the built-in demo, everything warm: `python -m bench.bench_workflow`.

A scratch home with a router of its own; the first run of a recipe builds its toolchain and is shown apart.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import machine

PYTHON_BRIEF = "a slug library with tests"
WEB_BRIEF = "a landing page for a bakery with a menu and opening hours"


class Home:
    """A scratch home and the command line on it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def run(self, *arguments: str) -> Any:
        """Run a command with --json and return what it printed and how long it took, in seconds."""
        began = time.monotonic()
        argv = [sys.executable, "-m", "workbench", "--home", str(self._root), *arguments, "--json"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{arguments} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return (json.loads(done.stdout) if done.stdout.strip() else None), time.monotonic() - began


def generate(home: Home, recipe: str, brief: str, rounds: int) -> list[Any]:
    """Return a row: recipe, first run, median of the others, and that of its gates, in seconds."""
    times, gates = [], []
    for _ in range(rounds + 1):
        report, _ = home.run("generate", brief, "--recipe", recipe, "--model", "demo")
        times.append(report["duration_ms"] / 1000)
        gates.append(sum(gate["duration_ms"] for gate in report["gates"]) / 1000)
    return [f"generate {recipe}", times[0], machine.median(times[1:]), machine.median(gates[1:])]


def smoke(home: Home, recipe: str, rounds: int) -> list[Any]:
    """Return a row for web_smoke of the newest run: first, median of the others, and of the build in it."""
    times, builds = [], []
    for _ in range(rounds + 1):
        report, took = home.run("web-smoke")
        times.append(took)
        builds.append(sum(gate["duration_ms"] for gate in report["gates"]) / 1000)
    return [f"web-smoke {recipe}", times[0], machine.median(times[1:]), machine.median(builds[1:])]


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    root = Path(tempfile.mkdtemp(prefix="wb-bench-"))
    home = Home(root)
    rows = []
    try:
        home.run("router", "start", "--port", "0")
        rows.append(generate(home, "python-lib", PYTHON_BRIEF, rounds))
        for recipe in ("vite-app", "next-app") if shutil.which("npm") else ():
            rows.append(generate(home, recipe, WEB_BRIEF, min(rounds, 3)))
            rows.append(smoke(home, recipe, rounds))
    finally:
        subprocess.run(
            [sys.executable, "-m", "workbench", "--home", str(root), "router", "stop"],
            check=False,
            capture_output=True,
        )
        shutil.rmtree(root, ignore_errors=True)
    head = ("seconds", "first", "median", "of it gates")
    print(machine.table(f"Workflow ({machine.describe()})", head, rows))


if __name__ == "__main__":
    main()
