"""How long the quick commands take, next to what they are measured by.

``python bench/bench_startup.py [--repeat 15]``: each command is run as a process of its own, in turn with the
others, so that a busy moment hurts all alike; medians of wall time and peak memory. The floor is an
interpreter that does nothing; importing Textual and litellm show what is not loaded.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import machine

CLI = [sys.executable, "-m", "workbench"]


@dataclass
class Command:
    """One command line and what was measured."""

    name: str
    argv: list[str]
    seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def run(self, environ: dict[str, str]) -> None:
        """Run it once and keep time and peak memory."""
        begun = time.perf_counter()
        process = subprocess.Popen(
            self.argv, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        self.seconds.append(time.perf_counter() - begun)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{self.name} ended with {process.returncode}")
        self.megabytes.append(usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3))


def commands(home: str) -> list[Command]:
    """Return what is measured; the first one is the floor."""
    return [
        Command("python -c pass", [sys.executable, "-c", "pass"]),
        Command("workbench --version", [*CLI, "--version"]),
        Command("workbench --help", [*CLI, "--help"]),
        Command("workbench exchanges --help", [*CLI, "exchanges", "--help"]),
        Command("workbench exchanges list", [*CLI, "--home", home, "exchanges", "list", "--json"]),
        Command("workbench config show", [*CLI, "--home", home, "config", "show", "--json"]),
        Command("import textual.app", [sys.executable, "-c", "import textual.app"]),
        Command("import litellm", [sys.executable, "-c", "import litellm"]),
    ]


def router_start(home: str, environ: dict[str, str], repeat: int) -> list[float]:
    """Return seconds from ``router start`` to its return, which is when the router answers."""
    found = []
    for _ in range(repeat):
        begun = time.perf_counter()
        argv = [*CLI, "--home", home, "router", "start", "--port", "0", "-q"]
        subprocess.run(argv, env=environ, check=True, stdout=subprocess.DEVNULL)
        found.append(time.perf_counter() - begun)
        subprocess.run([*CLI, "--home", home, "router", "stop", "-q"], env=environ, check=True)
    return found


def main() -> None:
    """Measure and print Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=15, help="runs of each command")
    options = parser.parse_args()
    machine.compile_package()
    print(f"machine: {machine.describe()}\n", flush=True)
    environ = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with tempfile.TemporaryDirectory(prefix="bench-startup-") as folder:
        home = f"{folder}/home"
        measured = commands(home)
        for command in measured:  # once for caches and the home's making
            command.run(environ)
            command.seconds.clear()
        for _ in range(options.repeat):
            for command in measured:
                if command.name != "import litellm" or len(command.seconds) < 3:
                    command.run(environ)
        started = router_start(home, environ, max(3, options.repeat // 3))
    floor = machine.median(measured[0].seconds)
    rows = [
        [
            command.name,
            round(machine.median(command.seconds) * 1000),
            f"{machine.median(command.seconds) / floor:.1f}",
            round(machine.median(command.megabytes)),
        ]
        for command in measured
    ]
    ready = machine.median(started)
    rows.append(["workbench router start (until ready)", round(ready * 1000), f"{ready / floor:.1f}", ""])
    print(machine.table("Start-up", ["command", "ms", "times python -c pass", "peak MB"], rows))


if __name__ == "__main__":
    main()
