"""Scratch homes with routers that end with the test."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.control.home import ensure_home
from workbench.control.process import stop_router
from workbench.settings.home import Home


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def live_home(tmp_path: Path) -> Iterator[Home]:
    """A new home with a free port in its settings; its router is stopped at the end."""
    home = Home(tmp_path / "home")
    ensure_home(home)
    home.settings_file.write_text(f"router:\n  port: {free_port()}\n  drain_s: 2\n")
    yield home
    stop_router(home, force=True)
