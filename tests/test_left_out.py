"""The end of a test run names what did not run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

@pytest.mark.skipif(True, reason="no tmux")
def test_by_marker(): ...

@pytest.mark.parametrize("n", [1, 2])
def test_inside(n):
    pytest.skip("mounting needs root")

@pytest.mark.slow
def test_hundred_kills(): ...

def test_runs(): ...
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_every_test_that_did_not_run_is_named_with_its_reason(tmp_path: Path, workers: str):
    """In the quiet form that `make test` uses, with and without worker processes."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  slow: long\n")
    (tmp_path / "test_some.py").write_text(TESTS)
    argv = [sys.executable, "-m", "pytest", "-p", "tests.left_out", "-q", "-m", "not slow", "-n", workers]
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        argv, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert "skipped: test_some.py::test_by_marker: no tmux" in lines
    assert "skipped: test_some.py::test_inside (2 cases): mounting needs root" in lines
    assert "not in this run: test_some.py::test_hundred_kills: long: make qa-long runs them" in lines
    assert "test_runs" not in done.stdout
