"""The program as a process of its own, the way people start it."""

import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src"


def test_help_is_shown_by_the_started_program() -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "{{package}}", "--help"],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    assert "usage:" in outcome.stdout.lower()
