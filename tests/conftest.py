"""What every test may count on: no key and no home of the person who runs them."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

from tests.left_out import (  # noqa: F401 - hooks of pytest, which finds them here
    pytest_deselected,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)

# A busy machine is no fault of the code: how long an example takes is measured in bench/, not here.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")

_KEYS = ("_API_KEY", "_API_BASE", "_TOKEN")
_OURS = ("WORKBENCH_", "LLMROUTER_", "LITELLM_")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Take provider keys and our own variables out of the environment; give each test its own data folder."""
    for name in list(os.environ):
        if name.startswith(_OURS) or name.endswith(_KEYS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")


@pytest.fixture
def home_path(tmp_path: Path) -> Path:
    """Return a folder for a scratch home that does not exist yet."""
    return tmp_path / "home"
