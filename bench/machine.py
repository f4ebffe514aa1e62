"""What a measurement was made on, and how it is printed."""

from __future__ import annotations

import compileall
import os
import platform
import sqlite3
import statistics
from collections.abc import Sequence
from pathlib import Path


def describe() -> str:
    """Return one line about the machine: without it a figure says nothing."""
    return (
        f"{_cpu()} x {os.cpu_count()}, {_memory_gb():.0f} GB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, load {os.getloadavg()[0]:.1f}"
    )


def compile_package() -> None:
    """Make the package's bytecode, as an installer does: where Python is told to write none, every start
    would compile it again, which is a third of the time to the first frame.
    """
    compileall.compile_dir(Path(__file__).parent.parent / "workbench", quiet=1)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the given percentile (0 to 100) by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table with a heading, ready for docs/performance.md."""
    lines = [f"### {title}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join([*lines, ""])


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
