"""``docs/recipes.md`` is true: its example is a recipe, its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from workbench.providers.demo_author.author import MODELS
from workbench.settings.home import Home
from workbench.workflow.library import list_recipes, read_recipe
from workbench.workflow.recipe import Gate, Page, Recipe, Serve, Toolchain

PAGE = (Path(__file__).parents[2] / "docs/recipes.md").read_text(encoding="utf-8")


def test_the_example_is_a_recipe(tmp_path: Path) -> None:
    """The whole recipe in the page loads."""
    example = re.search(r"```yaml\n(.*?)```", PAGE, re.S)
    assert example is not None
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "recipe.yaml").write_text(example[1], encoding="utf-8")
    assert read_recipe(folder, own=True).recipe.name == "mine"


def test_every_shipped_recipe_is_listed_with_its_gates() -> None:
    """A row for each recipe, with the names of its gates in order."""
    for kit in list_recipes(Home(Path("/nonexistent"))):
        gates = ", ".join(gate.name for gate in kit.recipe.gates)
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{kit.recipe.name}` |"))
        assert f"| {gates} |" in row


def test_every_field_is_explained() -> None:
    """No field of the schema is missing from the page."""
    for kind in (Recipe, Toolchain, Gate, Serve, Page):
        for field in msgspec.structs.fields(kind):
            assert f"`{field.name}`" in PAGE or f"`{field.name}:" in PAGE, f"{kind.__name__}.{field.name}"


def test_every_demo_model_is_listed() -> None:
    """The table of demo models is whole."""
    assert all(f"| `{model}` |" in PAGE for model in MODELS)
