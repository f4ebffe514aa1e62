"""Every shipped recipe, from a brief drawn at test time to its verdict, with each demo model."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Cli
from tests.providers.demo_author.talk import NASTY, random_brief, rng

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
"""The first run of a recipe installs its toolchain."""
PYTHON = ("python-lib", "python-cli", "fastapi-service")
NODE = ("vite-app", "next-app")
NEEDS_NPM = pytest.mark.skipif(shutil.which("npm") is None, reason="Node and npm are not installed")
RECIPES = [*PYTHON, *(pytest.param(name, marks=[pytest.mark.node, NEEDS_NPM]) for name in NODE)]


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """The command line on one home with its router, so that each toolchain is built once."""
    cli = Cli(tmp_path_factory.mktemp("recipes") / "home")
    started = cli.run("router", "start", "--port", "0")
    assert started.returncode == 0, started.stderr
    yield cli
    cli.run("router", "stop")


def generate(cli: Cli, brief: str, recipe: str, model: str) -> tuple[int, str]:
    """Return exit code and talk of a headless run."""
    outcome = cli.run("generate", brief, "--recipe", recipe, "--model", model, exit_code=None, timeout=400)
    return outcome.returncode, outcome.stdout + outcome.stderr


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_random_brief_passes_every_gate(cli: Cli, recipe: str) -> None:
    """Nobody has seen this brief before."""
    code, talk = generate(cli, random_brief(rng()), recipe, "demo")
    assert code == 0, talk


@pytest.mark.parametrize("recipe", RECIPES)
def test_flaky_passes_after_one_repair(cli: Cli, recipe: str) -> None:
    """A real gate fails first; the repair reads its log."""
    code, talk = generate(cli, random_brief(rng()), recipe, "demo-flaky")
    assert code == 0, talk
    assert "repair 1" in talk
    assert "repair 2" not in talk


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_hostile_brief_passes_every_gate(cli: Cli, recipe: str) -> None:
    """Quotes, backticks, braces and markup in a brief stay text."""
    code, talk = generate(cli, f"{NASTY[6]} {NASTY[7]}", recipe, "demo")
    assert code == 0, talk


@pytest.mark.parametrize("recipe", RECIPES)
def test_hostile_is_held_off_and_fails(cli: Cli, recipe: str) -> None:
    """Paths outside, placeholders and escapes are refused; the endless repair is ended."""
    code, talk = generate(cli, random_brief(rng()), recipe, "demo-hostile")
    assert code == 1, talk
    assert "\x1b" not in talk
    assert "../outside.py" in talk
    assert "placeholder" in talk
    assert not list(cli.home.rglob("outside.py"))


def test_truncating_passes_with_more_room(cli: Cli) -> None:
    """Each file is cut once and whole the second time."""
    code, talk = generate(cli, random_brief(rng()), "python-lib", "demo-truncating")
    assert code == 0, talk
    assert "cut short" in talk
