"""The same commands against a real model: QA_NET=1, with a provider's key in the checkout's .env."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, Cli, RouterProcess

pytestmark = [pytest.mark.net, pytest.mark.timeout(700)]

BUILT_IN = ("demo", "echo")


@pytest.fixture
def keyed_home(tmp_path: Path) -> Path:
    """A home with the checkout's keys in it."""
    if not (ROOT / ".env").is_file():
        pytest.skip("no .env with a provider's key")
    home = tmp_path / "home"
    Cli(home).run("config", "show")
    shutil.copy(ROOT / ".env", home / ".env")
    return home


def test_a_real_model_writes_a_library_that_passes(keyed_home: Path) -> None:
    """Plan, files, gates in the sandbox, within half a dollar; the exchanges carry tokens."""
    router = RouterProcess(keyed_home).start()
    try:
        models = [model["id"] for model in router.cli.json("models")]
        real = [name for name in models if not name.startswith(BUILT_IN)]
        if not real:
            pytest.skip("no provider's key is set")
        report = router.cli.json(
            "generate",
            "a small library that turns titles into URL slugs",
            *("--recipe", "python-lib", "--model", real[0], "--budget", "0.5", "--max-wall", "8m"),
            timeout=540,
            exit_code=None,
        )
        assert report["sandbox"] in {"bubblewrap", "namespaces + Landlock"}
        assert report["exit_code"] in {0, 1, 3}, report["stop_reason"]
        assert report["input_tokens"] > 0
        assert report["plan"]["files"]
    finally:
        router.stop()
