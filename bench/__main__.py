"""`python -m bench`: every measurement in its short form, one after the other, on an idle machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench import machine

SHORT = (
    ("start-up", ["bench_startup.py"]),
    ("router", ["bench_router.py"]),
    ("store, 100,000 exchanges", ["bench_store.py", "--exchanges", "100000"]),
    ("terminal app, 100,000 exchanges", ["bench_tui.py", "--exchanges", "100000"]),
)


def main() -> int:
    """Run them all; return how many failed."""
    folder = Path(__file__).parent
    print(f"machine: {machine.describe()}", flush=True)
    failed = 0
    for name, command in SHORT:
        print(f"\n== {name}", flush=True)
        ended = subprocess.run(
            [sys.executable, str(folder / command[0]), *command[1:]], cwd=folder.parent, check=False
        )
        failed += ended.returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
