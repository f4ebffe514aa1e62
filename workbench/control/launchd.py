"""The router as a launchd agent (macOS)."""

from __future__ import annotations

import os
import plistlib
import shutil
from pathlib import Path

from workbench.control.files import write_atomic
from workbench.control.service import ServiceState, mark, need_file, program, run
from workbench.domain.errors import ToolUnavailable
from workbench.settings.home import Home


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
        need_file(self.path)
        self._launchctl("bootout", self._target)
        self.path.unlink(missing_ok=True)

    def start(self) -> None:
        need_file(self.path)
        self._launchctl("kickstart", self._target)

    def stop(self) -> None:
        need_file(self.path)
        self._launchctl("kill", "SIGTERM", self._target)

    def state(self) -> ServiceState:
        installed = self.path.exists()
        known = installed and shutil.which("launchctl") is not None
        done = run(["launchctl", "print", self._target]) if known else None
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
        done = run(["launchctl", *arguments])
        if done.returncode != 0:
            raise ToolUnavailable(
                f"launchctl {' '.join(arguments)}: {done.stderr.strip() or done.returncode}"
            )
