"""The router as a systemd user unit."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from workbench.control.files import write_atomic
from workbench.control.service import ServiceState, mark, need_file, program, run
from workbench.domain.errors import ToolUnavailable
from workbench.settings.home import Home


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
            active=usable and run(["systemctl", "--user", "is-active", "--quiet", self.name]).returncode == 0,
            enabled=usable
            and run(["systemctl", "--user", "is-enabled", "--quiet", self.name]).returncode == 0,
        )

    def _need(self) -> None:
        if shutil.which("systemctl") is None:
            raise ToolUnavailable("systemd is not here", hint="workbench router start   # without a service")

    def _need_installed(self) -> None:
        self._need()
        need_file(self.path)

    def _systemctl(self, *arguments: str) -> None:
        done = run(["systemctl", "--user", *arguments])
        if done.returncode != 0:
            raise ToolUnavailable(
                f"systemctl --user {' '.join(arguments)}: {done.stderr.strip() or done.returncode}",
                hint=f"journalctl --user -u {self.name} -n 20",
            )


def _unit_text(text: str) -> str:
    """Return text for a unit file's value: a percent sign is a specifier there."""
    return text.replace("%", "%%")


def _unit_word(word: str) -> str:
    """Return one word of a command line in a unit file (systemd.syntax: quotes, $ and % have meanings)."""
    plain = _unit_text(word).replace("$", "$$")
    if plain and not any(char.isspace() or char in "\"'\\;" for char in plain):
        return plain
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
