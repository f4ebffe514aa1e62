"""The router as a service of the user's account: a systemd user unit, or a launchd agent on macOS.

One service a home: its name carries a mark of the home's path.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import msgspec

from workbench.domain.errors import ToolUnavailable, UsageError
from workbench.settings.home import Home


class ServiceState(msgspec.Struct, frozen=True, kw_only=True):
    """What the service manager knows."""

    manager: str
    name: str
    path: str
    """The unit's file."""
    installed: bool
    active: bool
    enabled: bool
    """Starts by itself when the user signs in."""


class ServiceManager(Protocol):
    """systemd or launchd."""

    def text(self) -> bytes:
        """Return the unit's file."""

    def install(self) -> None:
        """Write the unit, enable and start it."""

    def uninstall(self) -> None:
        """Stop and disable the service, and remove its file."""

    def start(self) -> None:
        """Start it now."""

    def stop(self) -> None:
        """Stop it now."""

    def state(self) -> ServiceState:
        """Say how it stands."""


def service_of(home: Home, *, platform: str = sys.platform) -> ServiceManager:
    """Return this platform's manager for a home's router. Raises ToolUnavailable where there is none."""
    if platform == "darwin":
        from workbench.control.launchd import Launchd

        return Launchd(home)
    if platform == "linux":
        from workbench.control.systemd import Systemd

        return Systemd(home)
    raise ToolUnavailable(f"there are no services on {platform} yet", hint="workbench router start")


def program(home: Home) -> list[str]:
    """Return what the service runs: this very Python, so that no PATH matters."""
    return [sys.executable, "-m", "workbench", "--home", str(home.root), "router", "serve"]


def mark(home: Home) -> str:
    """Return a short, stable mark of a home's path."""
    return hashlib.sha256(str(home.root).encode()).hexdigest()[:8]


def need_file(path: Path) -> None:
    """Raise UsageError when the service is not installed."""
    if not path.exists():
        raise UsageError("the service is not installed", hint="workbench service install")


def run(argv: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a service manager's program. Raises ToolUnavailable when it can't be."""
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolUnavailable(f"{argv[0]}: {error}") from None
