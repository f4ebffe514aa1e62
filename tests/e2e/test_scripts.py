"""The thin scripts are the commands they name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, RouterProcess, clean_environment


def script(name: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a script from another folder, as people do."""
    environment = clean_environment()
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    argv = [str(ROOT / "scripts" / name), *arguments]
    return subprocess.run(
        argv, capture_output=True, text=True, timeout=60, cwd=cwd, env=environment, check=False
    )


def test_a_payload_is_replayed(router: RouterProcess, tmp_path: Path) -> None:
    """`replay_payload.sh FILE` is `workbench replay FILE`."""
    payload = ROOT / "apps" / "router-demo" / "payloads" / "hello.json"
    done = script("replay_payload.sh", str(payload), "--home", str(router.home), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "replays hello.json on demo" in done.stdout
    assert len(router.cli.json("exchanges", "list")) == 1


def test_what_would_be_pruned_is_listed(router: RouterProcess, tmp_path: Path) -> None:
    """`prune_artifacts.sh --dry-run` deletes nothing."""
    router.chat("hello")
    arguments = ("--dry-run", "--older-than", "0s", "--home", str(router.home))
    done = script("prune_artifacts.sh", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "dry run" in done.stdout + done.stderr
    assert len(router.cli.json("exchanges", "list")) == 1


def test_a_smoke_of_nothing_says_what_is_missing(tmp_path: Path) -> None:
    """`web_smoke.sh` passes its exit code on."""
    done = script("web_smoke.sh", "no-such-app", "--home", str(tmp_path / "home"), cwd=tmp_path)
    assert done.returncode == 2
    assert "no-such-app" in done.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").glob("*.sh")), ids=lambda path: path.name)
def test_every_script_can_be_run_and_parses(path: Path) -> None:
    """Executable, and no syntax error."""
    assert os.access(path, os.X_OK)
    interpreter = path.read_text().splitlines()[0].split("/")[-1].split()[-1]
    subprocess.run([interpreter, "-n", str(path)], check=True)


def test_qa_is_make_qa(tmp_path: Path) -> None:
    """`qa.sh -n` shows what make would do."""
    done = script("qa.sh", "-n", cwd=tmp_path)
    assert "qa_road.sh" in done.stdout, done.stderr
