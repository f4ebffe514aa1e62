"""The doctor's findings, one fault of the machine or the home at a time."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from workbench.control.doctor import examine
from workbench.control.process import start_router


def found(home, name, environ=None):
    """Return the doctor's check of that name."""
    return next(check for check in examine(home, environ or {}) if check.name == name)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A path with only what the test puts there: name -> what it prints, or None for a failure."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(**programs: str | None) -> None:
        for name, output in programs.items():
            body = "exit 1" if output is None else f"echo '{output}'"
            (folder / name).write_text(f"#!/bin/sh\n{body}\n")
            (folder / name).chmod(0o755)

    return put


def test_missing_tools_name_what_they_are_for(live_home, tools):
    """A missing tool is a warning with its purpose and how to get it, never a fault."""
    for name, purpose in (("git", "commits"), ("node", "web apps"), ("sandbox", "refused")):
        check = found(live_home, name)
        assert check.status == "warn"
        assert purpose in check.detail
        assert check.fix


def test_an_old_node_is_told(live_home, tools):
    """A version that the recipes can't use is a warning; a newer one is fine."""
    tools(node="v16.20.0")
    assert "needs 20 or newer" in found(live_home, "node").detail
    tools(node="v22.1.0")
    assert found(live_home, "node").status == "ok"


def test_a_sandbox_that_cannot_start_is_told(live_home, tools):
    """bubblewrap that is there and fails is not taken for a sandbox."""
    tools(bwrap=None)
    check = found(live_home, "sandbox")
    assert (check.status, "can't make a namespace" in check.detail) == ("warn", True)
    tools(bwrap="")
    assert found(live_home, "sandbox").status == "ok"


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({}, "ok"),
        ({"HTTP_PROXY": "http://proxy:3128"}, "warn"),
        ({"ALL_PROXY": "socks5://proxy", "NO_PROXY": "localhost"}, "ok"),
        ({"http_proxy": "http://proxy:3128", "no_proxy": "example.org"}, "warn"),
    ],
)
def test_a_proxy_that_catches_loopback_is_told(live_home, environ, status):
    """Other clients would send the router's requests to the proxy."""
    assert found(live_home, "proxy", environ).status == status


def test_the_router_in_each_state(live_home):
    """Down with a free port, down with a taken one, running."""
    port = int(live_home.settings_file.read_text().split("port: ")[1].split()[0])
    assert f"port {port} is free" in found(live_home, "router").detail
    with socket.create_server(("127.0.0.1", port)):
        check = found(live_home, "router")
    assert (check.status, "is taken" in check.detail) == ("warn", True)
    start_router(live_home)
    assert found(live_home, "router").status == "ok"


def test_a_home_that_is_not_there_yet_is_no_fault(tmp_path):
    """Before the first use: a warning that says what the first start does; nothing is created."""
    from workbench.settings.home import Home

    home = Home(tmp_path / "later")
    checks = {check.name: check for check in examine(home, {})}
    assert checks["home"].status == "warn"
    assert "store" not in checks
    assert not home.root.exists()


def test_examining_changes_nothing(live_home):
    """The doctor only looks."""
    before = {path: path.stat().st_mtime_ns for path in live_home.root.rglob("*")}
    examine(live_home, dict(os.environ))
    assert {path: path.stat().st_mtime_ns for path in live_home.root.rglob("*")} == before
