"""``workbench config``: the settings in force, and older files brought up to date."""

from __future__ import annotations

import json
from typing import Any

import click

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, facts, table


@click.group(epilog=examples("workbench config show", "workbench config show --json | jq .settings"))
def command() -> None:
    """Show and migrate the configuration."""


@command.command("show", epilog=examples("workbench config show", "workbench config show --path"))
@click.option("--path", "only_path", is_flag=True, help="Print only the home's folder.")
@pass_context
def show_(ctx: Context, only_path: bool) -> None:
    """Show the home, its files and every setting with its value and sentence. Keys are never shown."""
    from workbench.settings import describe

    home = ctx.home
    if only_path:
        click.echo(str(home.root))
        return
    settings = list(describe(ctx.settings))
    files = {
        "home": home.root,
        "router_config": home.config,
        "policy": home.policy,
        "settings": home.settings_file,
        "env": home.env_file,
        "store": home.store,
        "runs": home.runs,
        "generated": home.generated,
        "logs": home.logs,
    }
    if ctx.json:
        emit(
            {
                "files": {name: str(path) for name, path in files.items()},
                "settings": {setting.name: setting.value for setting in settings},
            }
        )
        return
    facts([(name.replace("_", " "), _place(path)) for name, path in files.items()], color=ctx.colored)
    click.echo()
    rows = [(item.name, _value(item.value), _source(item), item.sentence) for item in settings]
    table(("SETTING", "VALUE", "", "MEANING"), rows, color=ctx.colored, flexible="MEANING")


def _place(path: Any) -> str:
    return f"{path}" if path.exists() else f"{path} (not there)"


def _value(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value)


def _source(item: Any) -> str:
    return "" if item.value == item.default else "changed"


@command.command("migrate", epilog=examples("workbench config migrate --dry-run", "workbench config migrate"))
@click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")
@pass_context
def migrate_(ctx: Context, dry_run: bool) -> None:
    """Move keys that stand in the router's config to .env, and refer to them from there.

    Comments and layout stay; the old file is kept beside the new one, readable by you only.
    """
    from workbench.control.migrate import migrate, plan_migration

    moves = plan_migration(ctx.home)
    kept = None if dry_run else migrate(ctx.home, moves)
    if ctx.json:
        emit({"moves": [move.to_json() for move in moves], "kept": str(kept) if kept else None})
        return
    for move in moves:
        ctx.note(f"{ctx.home.config}:{move.line}: {move.path} -> {move.variable} in .env")
        if move.replaced:
            ctx.note("  it was publicly known or short: a random one takes its place; tell your clients")
    if not moves:
        ctx.note("nothing to do")
    elif kept:
        ctx.note(f"the old file is kept as {kept}; next: workbench router restart")
