"""The module store: built once for its pins, by one process, with nothing of ours in reach."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import sys
from pathlib import Path

import pytest

from tests.workflow.conftest import RECIPE
from workbench.domain.errors import ToolUnavailable
from workbench.settings.home import Home
from workbench.workflow import modules
from workbench.workflow.installing import install, without_keys
from workbench.workflow.library import Kit, load_recipe, read_recipe
from workbench.workflow.modules import ModuleStore
from workbench.workflow.sandbox import Toolbox


def kit(home: Home, pins: str, **fields: str) -> Kit:
    folder = home.recipes / "tiny"
    (folder / "requirements.txt").write_text(pins)
    extra = "".join(f", {name}: {value}" for name, value in fields.items())
    text = RECIPE.replace("{kind: python}", f"{{kind: python, requirements: requirements.txt{extra}}}")
    (folder / "recipe.yaml").write_text(text)
    return read_recipe(folder)


async def test_pins_that_we_have_are_not_installed_again(home: Home) -> None:
    """Where our own environment has every pin exactly, it is used read-only and nothing is built."""
    said: list[str] = []
    pins = f"# tools\npytest=={importlib.metadata.version('pytest')}  # the runner\n"
    tools = await ModuleStore(home.modules, said.append).toolbox(kit(home, pins))
    assert tools.path == (str(Path(sys.prefix) / "bin"),)
    assert Path(sys.prefix) in tools.binds
    assert (said, home.modules.exists()) == ([], False)


async def test_a_toolchain_is_built_once_however_many_want_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three runs at once one builds, the others take what it made; another pin is another folder."""
    built: list[Path] = []

    async def make(store: ModuleStore, folder: Path, recipe: Path, pins: bytes) -> None:
        await asyncio.sleep(0.2)
        (folder / "venv" / "bin").mkdir(parents=True)
        built.append(folder)

    monkeypatch.setattr(ModuleStore, "_make_venv", make)
    wanted = kit(home, "no-such-package==1.0\n")
    found = await asyncio.gather(
        *(ModuleStore(home.modules, lambda text: None).toolbox(wanted) for _ in range(3))
    )
    assert len(built) == 1
    assert len({tools.path for tools in found}) == 1
    await ModuleStore(home.modules, lambda text: None).toolbox(kit(home, "no-such-package==2.0\n"))
    assert len(built) == 2


async def test_a_broken_build_is_made_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without its mark is what a killed build left: it is removed and built anew."""
    calls: list[bool] = []

    async def make(store: ModuleStore, folder: Path, recipe: Path, pins: bytes) -> None:
        calls.append((folder / "junk").exists())
        (folder / "junk").touch()
        if len(calls) == 1:
            raise ToolUnavailable("killed")

    monkeypatch.setattr(ModuleStore, "_make_venv", make)
    wanted = kit(home, "no-such-package==1.0\n")
    with pytest.raises(ToolUnavailable):
        await ModuleStore(home.modules, lambda text: None).toolbox(wanted)
    await ModuleStore(home.modules, lambda text: None).toolbox(wanted)
    assert calls == [False, False]


async def test_a_failing_installer_says_why(tmp_path: Path) -> None:
    """The end of what it said is in the error; exit 5."""
    with pytest.raises(ToolUnavailable, match="no such package") as failed:
        await install(["/bin/sh", "-c", "echo no such package; exit 1"], tmp_path, os.environ)
    assert failed.value.exit_code == 5


def test_installers_do_not_see_keys() -> None:
    """What looks like a key is taken out of an installer's environment, its settings stay."""
    environ = {
        "OPENAI_API_KEY": "x",
        "NPM_TOKEN": "x",
        "LITELLM_MASTER_KEY": "x",
        "PIP_INDEX_URL": "u",
        "PATH": "p",
    }
    assert without_keys(environ) == {"PIP_INDEX_URL": "u", "PATH": "p"}


async def test_an_old_interpreter_is_refused(home: Home) -> None:
    """A recipe can ask for a version; the error says which is there."""
    with pytest.raises(ToolUnavailable, match=r"Python 9\.9 or newer is needed"):
        await ModuleStore(home.modules, print).toolbox(kit(home, "a==1\n", min_version='"9.9"'))


@pytest.mark.slow
async def test_a_real_environment_is_built(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pins that we do not have become a venv whose tools run (needs a package registry)."""
    monkeypatch.setattr(modules, "_satisfied", lambda pins: False)
    said: list[str] = []
    tools = await ModuleStore(home.modules, said.append).toolbox(kit(home, "iniconfig==2.3.1\n"))
    python = Path(tools.path[0]) / "python"
    outcome = await install([str(python), "-c", "import iniconfig; print(iniconfig.__name__)"], home.root, {})
    assert outcome.output == b"iniconfig\n"
    assert said[0].startswith("making the python toolchain")


def test_seeds_are_copied_not_shared(tmp_path: Path) -> None:
    """Each app gets a build cache of its own, and one that has one keeps it."""
    from workbench.workflow.seeds import give_seed

    source = tmp_path / "seed"
    source.mkdir()
    (source / "f").write_text("pristine")
    tools = Toolbox(seeds=((source, ".next/cache"),))
    app = tmp_path / "app"
    app.mkdir()
    give_seed(app, tools)
    (app / ".next" / "cache" / "f").write_text("mine")
    give_seed(app, tools)
    assert (app / ".next" / "cache" / "f").read_text() == "mine"
    assert (source / "f").read_text() == "pristine"


@pytest.mark.sandbox
@pytest.mark.parametrize("recipe", ["python-lib", "python-cli"])
async def test_python_recipes_start_with_a_type_checkers_cache(tmp_path: Path, recipe: str) -> None:
    """The recipe's seed files pass its type checker, and what that remembers is kept for every app."""
    home = Home(tmp_path)
    found = load_recipe(recipe, home)
    if not modules._satisfied((found.folder / "requirements.txt").read_text()):
        pytest.skip("this environment has other versions of the recipe's tools")
    said: list[str] = []
    tools = await ModuleStore(home.modules, said.append).toolbox(found)
    assert said[-1].startswith("the build cache is ready")
    ((source, where),) = tools.seeds
    assert where == ".mypy_cache"
    assert any(path.is_file() for path in source.rglob("*"))
