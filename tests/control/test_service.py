"""The router as a service: the unit's text, and what is asked of the service manager."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.control.launchd import Launchd
from workbench.control.service import service_of
from workbench.control.systemd import Systemd
from workbench.domain.errors import ToolUnavailable, UsageError
from workbench.settings.home import Home


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for systemctl and launchctl on the path: it writes down what it is asked."""
    bin_, log = tmp_path / "bin", tmp_path / "asked"
    bin_.mkdir()
    log.touch()
    for name in ("systemctl", "launchctl"):
        (bin_ / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "{log}"\ntest "$2" != fail\n')
        (bin_ / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    return log


def test_systemd_install_start_stop_uninstall(manager, tmp_path):
    """The unit is written before it is enabled, and removed after it is disabled; its state is read."""
    service = Systemd(Home(tmp_path / "home"))
    name = service.name
    assert service.state().installed is False
    service.install()
    assert service.path.read_bytes() == service.text()
    state = service.state()
    assert (state.installed, state.active, state.enabled) == (True, True, True)
    service.stop(), service.start(), service.uninstall()
    assert not service.path.exists()
    asked = manager.read_text().splitlines()
    assert asked == [
        "systemctl --user daemon-reload",
        f"systemctl --user enable --now {name}",
        f"systemctl --user is-active --quiet {name}",
        f"systemctl --user is-enabled --quiet {name}",
        f"systemctl --user stop {name}",
        f"systemctl --user start {name}",
        f"systemctl --user disable --now {name}",
        "systemctl --user daemon-reload",
    ]


def test_the_unit_holds_for_odd_paths(tmp_path):
    """Spaces, percent signs, dollars and quotes in the home's path survive systemd's syntax."""
    text = Systemd(Home(Path('/srv/my "50%" $home'))).text().decode()
    assert (
        f'ExecStart={sys.executable} -m workbench --home "/srv/my \\"50%%\\" $$home" router serve\n' in text
    )
    assert 'WorkingDirectory=/srv/my "50%%" $home\n' in text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")
def test_systemd_itself_accepts_the_unit(tmp_path):
    """systemd's own checker finds no fault."""
    home = tmp_path / "my home 50%"
    home.mkdir()
    unit = tmp_path / "workbench-router.service"
    unit.write_bytes(Systemd(Home(home)).text())
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert str(unit) not in done.stderr
    assert "workbench-router.service" not in done.stderr


def test_two_homes_have_two_services():
    """The name depends on the home's path, and only on it."""
    assert Systemd(Home(Path("/a"))).name != Systemd(Home(Path("/b"))).name
    assert Systemd(Home(Path("/a"))).name == Systemd(Home(Path("/a"))).name


def test_launchd_agent_is_a_plist_that_runs_the_router(manager, tmp_path):
    """The agent restarts after a failure only, and is bootstrapped into the user's session."""
    service = Launchd(Home(tmp_path / "home"))
    service.install()
    document = plistlib.loads(service.path.read_bytes())
    assert document["ProgramArguments"][1:] == [
        "-m",
        "workbench",
        "--home",
        str(tmp_path / "home"),
        "router",
        "serve",
    ]
    assert document["KeepAlive"] == {"SuccessfulExit": False}
    service.uninstall()
    assert not service.path.exists()
    domain = f"gui/{os.getuid()}"
    assert manager.read_text().splitlines() == [
        f"launchctl bootstrap {domain} {service.path}",
        f"launchctl bootout {domain}/{service.name}",
    ]


def test_starting_what_is_not_installed_is_said(manager, tmp_path):
    """Exit 2 and the command that installs it; the manager is not asked."""
    for service in (Systemd(Home(tmp_path)), Launchd(Home(tmp_path))):
        with pytest.raises(UsageError) as caught:
            service.start()
        assert caught.value.hint == "workbench service install"
    assert manager.read_text() == ""


def test_a_manager_that_refuses_is_told(manager, tmp_path, monkeypatch):
    """Its own words and the command that shows more."""
    service = Systemd(Home(tmp_path / "home"))
    (tmp_path / "bin" / "systemctl").write_text("#!/bin/sh\necho 'no bus' >&2\nexit 1\n")
    with pytest.raises(ToolUnavailable, match="no bus"):
        service.install()


def test_other_platforms_are_told():
    """Where there is no manager the command without one is named."""
    with pytest.raises(ToolUnavailable) as caught:
        service_of(Home(Path("/a")), platform="win32")
    assert caught.value.hint == "workbench router start"
