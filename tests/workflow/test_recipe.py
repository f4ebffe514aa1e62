"""Recipes: globs, loading, and errors that say where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workflow.conftest import RECIPE
from workbench.domain.errors import ConfigError, UnknownId
from workbench.settings.home import Home
from workbench.workflow.brief import brief_words, variables
from workbench.workflow.library import list_recipes, load_recipe, read_recipe
from workbench.workflow.recipe import matches


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("src/**/*.py", "src/a.py", True),
        ("src/**/*.py", "src/a/b/c.py", True),
        ("src/**/*.py", "src2/a.py", False),
        ("src/*.py", "src/a/b.py", False),
        ("*.md", "README.md", True),
        ("*.md", "docs/README.md", False),
        ("**", "a/b/c", True),
        ("app/[[]id]/page.tsx", "app/[id]/page.tsx", True),
        ("a?.py", "ab.py", True),
        ("a?.py", "a/.py", False),
        ("[!x]*.py", "xa.py", False),
        ("a.py", "axpy", False),
    ],
)
def test_globs_stay_inside_a_folder(pattern: str, path: str, fits: bool) -> None:
    """A star stays inside one folder, two stars cross them."""
    assert matches(pattern, path) is fits


def test_every_shipped_recipe_is_well_formed(tmp_path: Path) -> None:
    """What we ship loads, has files and gates, and its template fills."""
    kits = list_recipes(Home(tmp_path))
    assert {"python-lib", "vite-app"} <= {kit.recipe.name for kit in kits}
    for kit in kits:
        filled = kit.template(variables("a slug library with tests"))
        assert filled
        assert not any(b"{{package}}" in content or b"{{name}}" in content for content in filled.values())
        assert len(kit.digest()) == 64


def test_a_users_recipe_is_found_and_hides_ours(home: Home) -> None:
    """Recipes in the home come first."""
    assert load_recipe("tiny", home).own
    (home.recipes / "python-lib").mkdir()
    text = RECIPE.replace("name: tiny", "name: python-lib")
    (home.recipes / "python-lib" / "recipe.yaml").write_text(text)
    assert load_recipe("python-lib", home).recipe.title == "Tiny"


def test_an_unknown_recipe_names_the_nearest(home: Home) -> None:
    """A typo gets a hint; a path is no name."""
    with pytest.raises(UnknownId) as unknown:
        load_recipe("python-lob", home)
    assert "python-lib" in str(unknown.value.hint)
    with pytest.raises(UnknownId):
        load_recipe("../tiny", home)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("proves: it parses", "prooves: it parses", "prooves"),
        ("timeout_s: 20}", "timeout_s: -1}", ":9:"),
        ("name: tiny", "name: other", "the folder 'tiny'"),
        ("name: run", "name: compile", "same name"),
        ("{kind: python}", "{kind: python, requirements: no.txt}", "no.txt is not there"),
        ("version: 1", "version: [", "not YAML"),
    ],
)
def test_a_broken_recipe_says_what_and_where(home: Home, old: str, new: str, says: str) -> None:
    """File, line or path and the fault are in the message."""
    folder = home.recipes / "tiny"
    (folder / "recipe.yaml").write_text(RECIPE.replace(old, new))
    with pytest.raises(ConfigError) as broken:
        read_recipe(folder)
    assert says in broken.value.message
    assert "recipe.yaml" in broken.value.message


def test_words_and_names_of_a_brief() -> None:
    """Telling words in order, filler left out; names that a package can have."""
    brief = "a landing page for a bakery with a menu and opening hours"
    assert brief_words(brief) == ["bakery", "menu", "opening", "hours"]
    assert variables(brief)["package"] == "bakery_menu_opening"
    assert variables("??? 123")["name"] == "generated"
    assert variables("Käse für Müller").get("package", "").isidentifier()
