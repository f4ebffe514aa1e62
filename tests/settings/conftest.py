"""An empty home."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.settings.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return an empty home."""
    return Home(tmp_path)
