"""Start-up is a feature: what the quick commands may load."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = (
    "asyncio",
    "textual",
    "starlette",
    "litellm",
    "aiohttp",
    "sqlite3",
    "httpx",
    "uvicorn",
    "rich",
    "yaml",
    "msgspec",
)


def loaded_by(*argv: str) -> set[str]:
    """Return the top-level modules (and our own in full) in memory after a command ran in a new process."""
    code = (
        "import sys, json\n"
        "from workbench.cli.main import run\n"
        f"code = run({list(argv)!r})\n"
        "print()\n"
        "print(json.dumps([code, sorted(sys.modules)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    code_, modules = json.loads(done.stdout.splitlines()[-1])
    assert code_ == 0, done.stderr
    return set(modules)


@pytest.mark.parametrize("argv", [("--help",), ("--version",), ("version",)], ids=" ".join)
def test_help_and_version_load_nothing_heavy(argv):
    """No terminal app, no web framework, no model library, no database, no HTTP client."""
    modules = loaded_by(*argv)
    assert {name for name in HEAVY if name in modules} == set()
    ours = {name for name in modules if name.startswith("workbench.")}
    assert {name.split(".")[1] for name in ours} <= {"cli", "domain"}


def test_help_of_a_noun_loads_only_that_noun():
    """`exchanges --help` does not load the other nouns."""
    modules = loaded_by("exchanges", "--help")
    nouns = {"workbench.cli.router", "workbench.cli.models", "workbench.cli.generate", "workbench.cli.tui"}
    assert not modules & nouns
    assert not {"textual", "starlette", "litellm", "aiohttp", "httpx"} & modules


@pytest.mark.parametrize(
    "module", ["workbench.client", "workbench.control.process", "workbench.control.doctor"]
)
def test_the_control_plane_never_loads_the_router(module):
    """What the terminal app uses to reach the router does not import the router itself."""
    code = f"import {module}, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    modules = set(json.loads(done.stdout))
    assert not {"aiohttp", "starlette", "uvicorn", "litellm", "textual"} & modules
    rooms = {name.split(".")[1] for name in modules if name.startswith("workbench.")}
    assert not rooms & {"gateway", "routing", "providers", "recording", "runtime"}


@pytest.mark.parametrize(
    "command",
    [("exchanges", "list", "--json"), ("runs", "list", "--json"), ("config", "show", "--json")],
    ids=" ".join,
)
def test_reading_commands_load_no_network_and_no_app(tmp_path, command):
    """Reading the store needs no HTTP client, no web framework, no terminal app, no model library."""
    modules = loaded_by("--home", str(tmp_path / "home"), "--quiet", *command)
    assert not {"textual", "starlette", "uvicorn", "litellm", "aiohttp", "httpx"} & modules


def test_the_first_frame_of_the_app_needs_no_store_no_yaml_and_no_network(tmp_path):
    """They come behind it; what is imported before it is what the user waits for."""
    code = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from workbench.cli.tui import _settings\n"
        "from workbench.settings.home import Home\n"
        "from workbench.tui import app, source, terminal_driver\n"
        "home = Home(Path(sys.argv[1]))\n"
        "made = app.WorkbenchApp(source.Source(home), settings=_settings(home))\n"
        "made.MODES['exchanges']()\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    modules = set(json.loads(done.stdout))
    assert not {"sqlite3", "yaml", "httpx", "zstandard", "litellm", "starlette"} & modules
    rooms = {name.split(".")[1] for name in modules if name.startswith("workbench.")}
    assert rooms == {"cli", "domain", "settings", "tui"}
