"""A scratch home with the stand-in proxy installed."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.control.home import ensure_home
from workbench.control.subscription import process
from workbench.control.subscription.layout import Layout, prepare
from workbench.settings.home import Home


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    """A home whose proxy program is the stand-in, on a free port; it is stopped at the end."""
    home = Home(tmp_path / "home")
    ensure_home(home)
    made = Layout(home)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        prepare(made, port=probe.getsockname()[1])
    fake = Path(__file__).with_name("fake_proxy.py")
    made.program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{fake}" "$@"\n')
    made.program.chmod(0o700)
    yield made
    process.stop(made)
