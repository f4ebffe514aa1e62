"""Running commands in this process, against a scratch home."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from workbench.cli.main import run


@dataclass
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Workbench = Callable[..., Said]


@pytest.fixture
def home_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that does not exist yet."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def workbench(home_dir: Path, capfd: pytest.CaptureFixture[str]) -> Workbench:
    """Call as ``workbench("exchanges", "list")``; the scratch home is used."""

    def call(*argv: str, home: Path | None = home_dir) -> Said:
        capfd.readouterr()
        code = run([*(["--home", str(home)] if home else []), *argv])
        out, err = capfd.readouterr()
        return Said(code, out, err)

    return call
