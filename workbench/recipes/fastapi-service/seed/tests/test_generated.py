"""Stands in for what a model writes: a test that imports what most tests import."""

import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service import name_of
from service.main import app


@pytest.mark.parametrize("number", [0, 1])
def test_a_name(number: int, tmp_path: Path) -> None:
    assert name_of(number)
    with pytest.raises(IndexError):
        name_of(1000)
    assert subprocess.run([sys.executable, "-c", "pass"], cwd=tmp_path, check=False).returncode == 0


def test_health() -> None:
    assert TestClient(app).get("/health").json() == {"status": "ok"}
