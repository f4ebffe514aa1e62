"""``workbench recipes``: list, show, check and make recipes."""

from __future__ import annotations

import shutil
from pathlib import Path

import click
import msgspec

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, facts, say, table
from workbench.domain.errors import UsageError


@click.group(epilog=examples("workbench recipes list"))
def command() -> None:
    """List, show, check and make recipes."""


@command.command("list", epilog=examples("workbench recipes list --json"))
@pass_context
def list_(ctx: Context, /) -> None:
    """List the recipes: ours, and your own in the home's recipes/."""
    from workbench.workflow.library import list_recipes

    kits = list_recipes(ctx.home)
    if ctx.json:
        emit([{**msgspec.to_builtins(kit.recipe), "own": kit.own, "path": str(kit.folder)} for kit in kits])
        return
    table(
        ["name", "makes", "gates", "own"],
        [(kit.recipe.name, kit.recipe.summary, len(kit.recipe.gates), kit.own) for kit in kits],
        right=("gates",),
        flexible="makes",
        color=ctx.colored,
    )


@command.command(epilog=examples("workbench recipes show python-lib"))
@click.argument("name")
@pass_context
def show(ctx: Context, /, name: str) -> None:
    """Show one recipe: paths, gates, pages."""
    from workbench.workflow.library import load_recipe

    kit = load_recipe(name, ctx.home)
    recipe = kit.recipe
    if ctx.json:
        emit({**msgspec.to_builtins(recipe), "own": kit.own, "path": str(kit.folder)})
        return
    facts(
        [
            ("recipe", recipe.name),
            ("makes", recipe.summary),
            ("toolchain", recipe.toolchain.kind),
            ("paths", ", ".join(recipe.allowed)),
            ("required", ", ".join(recipe.required)),
            ("imports", ", ".join(recipe.dependencies)),
            ("template", ", ".join(kit.template_paths())),
            ("pages", ", ".join(page.path for page in recipe.serve.pages) if recipe.serve else None),
            ("folder", kit.folder),
        ],
        color=ctx.colored,
    )
    say()
    rows = [(gate.name, gate.proves, " ".join(gate.argv), f"{gate.timeout_s:g} s") for gate in recipe.gates]
    table(["gate", "proves", "command", "timeout"], rows, right=("timeout",), color=ctx.colored)


@command.command(epilog=examples("workbench recipes check my-recipe"))
@click.argument("name")
@pass_context
def check(ctx: Context, /, name: str) -> None:
    """Check a recipe. NAME is a recipe's name or its folder; a fault is told with file, line and path."""
    from workbench.workflow.library import load_recipe, read_recipe

    folder = Path(name)
    kit = (
        read_recipe(folder.resolve(), own=True)
        if (folder / "recipe.yaml").is_file()
        else load_recipe(name, ctx.home)
    )
    ctx.note(f"{kit.recipe.name} is well formed: {len(kit.recipe.gates)} gates, {kit.folder}")


@command.command(epilog=examples("workbench recipes new my-recipe"))
@click.argument("name")
@click.option(
    "--like", default="python-lib", show_default=True, metavar="RECIPE", help="Recipe to start from."
)
@pass_context
def new(ctx: Context, /, name: str, like: str) -> None:
    """Make a recipe of your own in the home's recipes/, as a copy of another."""
    from workbench.workflow.library import load_recipe, read_recipe

    source = load_recipe(like, ctx.home)
    target = ctx.home.recipes / name
    if target.exists():
        raise UsageError(f"{target} is there already")
    if "/" in name or name.startswith("."):
        raise UsageError(f"{name!r} is no name for a recipe")
    shutil.copytree(source.folder, target, ignore=shutil.ignore_patterns("__pycache__"))
    file = target / "recipe.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(f"name: {source.recipe.name}\n", f"name: {name}\n", 1), encoding="utf-8")
    read_recipe(target, own=True)
    ctx.note(f"made {file}; edit it, then: workbench recipes check {name}")
