"""The router as a service of the user's account: a systemd user unit, or a launchd agent on macOS.

One service a home: its name carries a mark of the home's path.
"""

from __future__ import annotations

import hashlib
import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import msgspec

from workbench.control.files import write_atomic
from workbench.domain.errors import ToolUnavailable, UsageError
from workbench.settings import Home


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
        return Launchd(home)
    if platform == "linux":
        return Systemd(home)
    raise ToolUnavailable(f"there are no services on {platform} yet", hint="workbench router start")


def program(home: Home) -> list[str]:
    """Return what the service runs: this very Python, so that no PATH matters."""
    return [sys.executable, "-m", "workbench", "--home", str(home.root), "router", "serve"]


def mark(home: Home) -> str:
    """Return a short, stable mark of a home's path."""
    return hashlib.sha256(str(home.root).encode()).hexdigest()[:8]


class Systemd:
    """A systemd user unit."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.name = f"workbench-router-{mark(home)}.service"
        base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
        self.path = Path(base) / "systemd" / "user" / self.name

    def text(self) -> bytes:
        command = " ".join(_unit_word(word) for word in program(self._home))
        return (
            "[Unit]\n"
            f"Description=workbench router ({_unit_text(str(self._home.root))})\n"
            "After=network.target\n"
            "StartLimitIntervalSec=60\n"
            "StartLimitBurst=5\n"
            "\n"
            "[Service]\n"
            f"ExecStart={command}\n"
            f"WorkingDirectory={_unit_text(str(self._home.root))}\n"
            "Restart=on-failure\n"
            "RestartSec=2\n"
            "TimeoutStopSec=40\n"
            "UMask=0077\n"
            "\n"
            "[Install]\n"
            "WantedBy=default.target\n"
        ).encode()

    def install(self) -> None:
        self._need()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path, self.text())
        self._systemctl("daemon-reload")
        self._systemctl("enable", "--now", self.name)

    def uninstall(self) -> None:
        self._need_installed()
        self._systemctl("disable", "--now", self.name)
        self.path.unlink(missing_ok=True)
        self._systemctl("daemon-reload")

    def start(self) -> None:
        self._need_installed()
        self._systemctl("start", self.name)

    def stop(self) -> None:
        self._need_installed()
        self._systemctl("stop", self.name)

    def state(self) -> ServiceState:
        usable = shutil.which("systemctl") is not None and self.path.exists()
        return ServiceState(
            manager="systemd",
            name=self.name,
            path=str(self.path),
            installed=self.path.exists(),
            active=usable
            and _run(["systemctl", "--user", "is-active", "--quiet", self.name]).returncode == 0,
            enabled=usable
            and _run(["systemctl", "--user", "is-enabled", "--quiet", self.name]).returncode == 0,
        )

    def _need(self) -> None:
        if shutil.which("systemctl") is None:
            raise ToolUnavailable("systemd is not here", hint="workbench router start   # without a service")

    def _need_installed(self) -> None:
        self._need()
        _need_file(self.path)

    def _systemctl(self, *arguments: str) -> None:
        done = _run(["systemctl", "--user", *arguments])
        if done.returncode != 0:
            raise ToolUnavailable(
                f"systemctl --user {' '.join(arguments)}: {done.stderr.strip() or done.returncode}",
                hint=f"journalctl --user -u {self.name} -n 20",
            )


class Launchd:
    """A launchd agent."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.name = f"workbench.router.{mark(home)}"
        self.path = Path.home() / "Library" / "LaunchAgents" / f"{self.name}.plist"

    def text(self) -> bytes:
        log = str(self._home.logs / "router-service.log")
        return plistlib.dumps(
            {
                "Label": self.name,
                "ProgramArguments": program(self._home),
                "WorkingDirectory": str(self._home.root),
                "RunAtLoad": True,
                "KeepAlive": {"SuccessfulExit": False},
                "ExitTimeOut": 40,
                "Umask": 0o077,
                "StandardOutPath": log,
                "StandardErrorPath": log,
            }
        )

    def install(self) -> None:
        self._home.logs.mkdir(parents=True, exist_ok=True)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path, self.text())
        self._launchctl("bootstrap", self._domain, str(self.path))

    def uninstall(self) -> None:
        _need_file(self.path)
        self._launchctl("bootout", self._target)
        self.path.unlink(missing_ok=True)

    def start(self) -> None:
        _need_file(self.path)
        self._launchctl("kickstart", self._target)

    def stop(self) -> None:
        _need_file(self.path)
        self._launchctl("kill", "SIGTERM", self._target)

    def state(self) -> ServiceState:
        installed = self.path.exists()
        known = installed and shutil.which("launchctl") is not None
        done = _run(["launchctl", "print", self._target]) if known else None
        loaded = done is not None and done.returncode == 0
        return ServiceState(
            manager="launchd",
            name=self.name,
            path=str(self.path),
            installed=installed,
            active=loaded and done is not None and "state = running" in done.stdout,
            enabled=loaded,
        )

    @property
    def _domain(self) -> str:
        return f"gui/{os.getuid()}"

    @property
    def _target(self) -> str:
        return f"{self._domain}/{self.name}"

    def _launchctl(self, *arguments: str) -> None:
        if shutil.which("launchctl") is None:
            raise ToolUnavailable("launchd is not here", hint="workbench router start   # without a service")
        done = _run(["launchctl", *arguments])
        if done.returncode != 0:
            raise ToolUnavailable(
                f"launchctl {' '.join(arguments)}: {done.stderr.strip() or done.returncode}"
            )


def _need_file(path: Path) -> None:
    if not path.exists():
        raise UsageError("the service is not installed", hint="workbench service install")


def _unit_text(text: str) -> str:
    """Return text for a unit file's value: a percent sign is a specifier there."""
    return text.replace("%", "%%")


def _unit_word(word: str) -> str:
    """Return one word of a command line in a unit file (systemd.syntax: quotes, $ and % have meanings)."""
    plain = _unit_text(word).replace("$", "$$")
    if plain and not any(char.isspace() or char in "\"'\\;" for char in plain):
        return plain
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _run(argv: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolUnavailable(f"{argv[0]}: {error}") from None
