"""Every command in the README runs, or at least means something.

A shell block after the marker ``<!-- run -->`` is run as it stands, in order, in one scratch home. In other
shell blocks ``ex_01k`` and ``run_01k`` stand for ids and ``gpt-…`` for a paid model: each `workbench` line is
run with ids from that home and the model ``demo``. Lines in `NOT_RUN` only have to parse.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from workbench.cli.main import NOUNS, cli
from workbench.control.home import ensure_home
from workbench.control.process import stop_router
from workbench.settings.home import Home

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"(?P<marker><!-- run -->\n)?```sh\n(?P<text>.*?)```", re.S)
NOT_RUN = ("workbench web-smoke",)
"""Needs Node and a generated web app; `make qa` runs it."""


class Block:
    """One shell block of a document."""

    def __init__(self, match: re.Match[str]) -> None:
        self.runs = match["marker"] is not None
        self.text = match["text"]

    def commands(self) -> list[str]:
        """Return the logical lines, continuation lines joined, comments off."""
        joined = self.text.replace("\\\n", " ")
        lines = [re.sub(r"\s+#\s.*$", "", line).strip() for line in joined.splitlines()]
        return [line for line in lines if line and not line.startswith("#")]


BLOCKS = [Block(match) for match in BLOCK.finditer(README.read_text())]
DOCUMENTED = [
    Block(match)
    for document in sorted((ROOT / "docs").rglob("*.md"))
    for match in BLOCK.finditer(document.read_text())
]
"""Shell blocks of the other documents: their commands must exist."""
SINGLE = [
    command
    for block in BLOCKS
    if not block.runs
    for command in block.commands()
    if command.startswith("workbench ") and not command.startswith(NOT_RUN)
]


class Shell:
    """Runs README text with bash, in a scratch home that is also the working folder."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.port = port

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run with the program of this checkout first on the path, on our port instead of 4000."""
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LITELLM_")},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "WORKBENCH_PORT": str(self.port),
            "NO_COLOR": "1",
        }
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script.replace("127.0.0.1:4000", f"127.0.0.1:{self.port}")],
            cwd=self.home,
            env=environ,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    def newest(self, noun: str) -> str:
        """Return the newest id of exchanges or runs."""
        said = self.run(f"workbench {noun} list --limit 1 --json")
        return re.search(r'"id": "([a-z0-9_]+)"', said.stdout)[1]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """One home for the whole README, with what its first part leaves: an exchange and a passed run."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = Home(tmp_path_factory.mktemp("readme"))
    ensure_home(home)
    yield Shell(home.root, port)
    stop_router(home, force=True)


def test_the_readme_has_commands() -> None:
    """The mechanism sees blocks of both kinds."""
    assert {block.runs for block in BLOCKS} == {True, False}
    assert SINGLE


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.runs], ids=lambda block: block.commands()[0]
)
def test_a_marked_block_runs_as_it_stands(shell: Shell, block: Block) -> None:
    """Pasted into a shell, the whole block succeeds."""
    done = shell.run(block.text)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "error:" not in done.stderr


@pytest.mark.parametrize("command", SINGLE)
def test_a_command_with_ids_runs(shell: Shell, command: str) -> None:
    """With the id of a recorded exchange or run in it, the command succeeds."""
    if "hello.json" in command and "--out" not in command:
        payload = '{"model":"demo","messages":[{"role":"user","content":"hello"}]}'
        (shell.home / "hello.json").write_text(payload)
    real = re.sub(r"\bgpt-\S+", "demo", command)
    for mark, noun in (("ex_01k", "exchanges"), ("run_01k", "runs")):
        if mark in real:
            real = re.sub(rf"{mark}\w*", shell.newest(noun), real)
    done = shell.run(real)
    assert done.returncode == 0, f"{real}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize(
    "command",
    sorted({c for block in [*BLOCKS, *DOCUMENTED] for c in block.commands() if c.startswith("workbench")}),
)
def test_every_noun_and_option_is_there(command: str) -> None:
    """Each `workbench` line of README and docs names a command that has the options it is given."""
    words = shlex.split(command.split("|", maxsplit=1)[0])[1:]
    if not words:
        return
    assert words[0] in NOUNS
    path = [words[0], *(words[1:2] if _is_group(words[0]) else [])]
    said = CliRunner().invoke(cli, [*path, "--help"])
    assert said.exit_code == 0, said.output
    for option in (word.split("=")[0] for word in words if word.startswith("--")):
        assert option in said.output


@pytest.mark.parametrize(
    "command", sorted({c for block in BLOCKS for c in block.commands() if c.startswith("make ")})
)
def test_every_make_target_is_there(command: str) -> None:
    """Each `make` line names a target that make knows."""
    if shutil.which("make") is None:
        pytest.skip("make is missing")
    done = subprocess.run(
        ["make", "-n", *shlex.split(command)[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _is_group(noun: str) -> bool:
    import click

    return isinstance(cli.get_command(click.Context(cli), noun), click.Group)
