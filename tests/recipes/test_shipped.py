"""The shipped recipes are whole: they load, their lockfiles name no address, their gates are plain lists."""

from __future__ import annotations

import compileall
import json
import shutil
from pathlib import Path

import pytest

from workbench.settings.home import Home
from workbench.workflow.library import SHIPPED, Kit, list_recipes, read_recipe

KITS = list_recipes(Home(Path("/nonexistent")))
PYTHON = [kit for kit in KITS if kit.recipe.toolchain.requirements]
NODE = [kit for kit in KITS if kit.recipe.toolchain.lockfile]


def _name(kit: Kit) -> str:
    return kit.recipe.name


@pytest.fixture(params=KITS, ids=_name)
def kit(request: pytest.FixtureRequest) -> Kit:
    return request.param


def test_the_recipes_that_the_design_names_are_shipped() -> None:
    """Each folder is a recipe, and none is missing."""
    assert {kit.recipe.name for kit in KITS} >= {"python-lib", "vite-app"}
    assert {folder.name for folder in SHIPPED.iterdir() if folder.is_dir()} == {
        kit.recipe.name for kit in KITS
    }


def test_gates_say_what_they_prove(kit: Kit) -> None:
    """Every gate has a sentence for people, and a program that is no shell."""
    for gate in kit.recipe.gates:
        assert len(gate.proves) > 10
        assert gate.argv[0] not in {"sh", "bash", "/bin/sh"}


@pytest.mark.parametrize("kit", PYTHON, ids=_name)
def test_pinned_python_tools(kit: Kit) -> None:
    """Requirements are pinned one by one."""
    lines = (kit.folder / str(kit.recipe.toolchain.requirements)).read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    assert all("==" in pin for pin in pins)


@pytest.mark.parametrize("kit", NODE, ids=_name)
def test_lockfiles_name_no_address(kit: Kit) -> None:
    """No `resolved` and no URL: the configured registry is asked, and hashes decide."""
    text = (kit.folder / str(kit.recipe.toolchain.lockfile)).read_text()
    assert "http" not in text
    packages = json.loads(text)["packages"]
    assert all("resolved" not in package for package in packages.values())
    assert all("integrity" in package for path, package in packages.items() if path)


@pytest.mark.parametrize("kit", NODE, ids=_name)
def test_the_lockfile_fits_its_package_file(kit: Kit) -> None:
    """What package.json asks for is what the lockfile's root says, pinned exactly."""
    lockfile = kit.folder / str(kit.recipe.toolchain.lockfile)
    lock = json.loads(lockfile.read_text())["packages"]
    package = json.loads(lockfile.with_name("package.json").read_text())
    for kind in ("dependencies", "devDependencies"):
        assert package[kind] == lock[""][kind]
        for dependency, version in package[kind].items():
            assert lock[f"node_modules/{dependency}"]["version"] == version


def test_what_an_installer_compiled_is_no_part_of_a_template(tmp_path: Path) -> None:
    """pip leaves ``__pycache__`` beside every Python file; an app never gets it."""
    folder = shutil.copytree(SHIPPED / "python-cli", tmp_path / "python-cli")
    compileall.compile_dir(folder, quiet=2)
    assert list(folder.rglob("*.pyc"))
    assert read_recipe(folder).template_paths() == _named("python-cli").template_paths()


def _named(name: str) -> Kit:
    return next(kit for kit in KITS if kit.recipe.name == name)


def test_template_files_do_not_hold_the_brief(kit: Kit) -> None:
    """Only names go into templates by replacement: they are plain, a brief is not."""
    for path, data in kit.template({"name": "n", "package": "p", "title": "T", "brief": "B"}).items():
        raw = data.decode()
        assert "{{" not in raw or path.endswith(".mjs"), path
    for file in (kit.folder / "template").rglob("*"):
        if file.is_file() and file.suffix != ".pyc":
            assert b"{{brief}}" not in file.read_bytes()
            assert b"{{title}}" not in file.read_bytes()
