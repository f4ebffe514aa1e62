"""``workbench config``: the settings in force, and older files brought up to date."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, facts, table

if TYPE_CHECKING:
    from workbench.control.setting_facts import SettingFacts


@click.group(epilog=examples("workbench config show", "workbench config show --json | jq .settings"))
def command() -> None:
    """Show, change and migrate the configuration."""


@command.command("show", epilog=examples("workbench config show", "workbench config show --path"))
@click.option("--path", "only_path", is_flag=True, help="Print only the home's folder.")
@pass_context
def show_(ctx: Context, only_path: bool) -> None:
    """Show the home, its files and every setting with its value and sentence. Keys are never shown."""
    from workbench.control.setting_facts import setting_facts

    home = ctx.home
    if only_path:
        click.echo(str(home.root))
        return
    found = setting_facts(home)
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
                "settings": {facts.name: facts.setting.value for facts in found},
                "origins": {facts.name: facts.where for facts in found},
            }
        )
        return
    facts([(name.replace("_", " "), _place(path)) for name, path in files.items()], color=ctx.colored)
    click.echo()
    rows = [(item.name, _value(item.setting.value), item.where, item.setting.sentence) for item in found]
    table(("SETTING", "VALUE", "FROM", "MEANING"), rows, color=ctx.colored, flexible="MEANING")


def _place(path: Any) -> str:
    return f"{path}" if path.exists() else f"{path} (not there)"


def _value(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value)


@command.command(
    "set", epilog=examples("workbench config set router.port 4100", "workbench config set tui.theme nord")
)
@click.argument("name")
@click.argument("value")
@pass_context
def set_(ctx: Context, name: str, value: str) -> None:
    """Write one setting into workbench.yaml; its comments and everything else stay. NONE: none."""
    from workbench.control.settings_edit import parse_setting, set_setting

    facts = _named(ctx, name)
    meant = parse_setting(ctx.home, name, value, optional=facts.optional)
    set_setting(ctx.home, name, meant)
    _tell(ctx, name)


@command.command("unset", epilog=examples("workbench config unset router.port"))
@click.argument("name")
@pass_context
def unset_(ctx: Context, name: str) -> None:
    """Take one setting out of workbench.yaml, so that its default counts again."""
    from workbench.control.settings_edit import unset_setting

    _named(ctx, name)
    unset_setting(ctx.home, name)
    _tell(ctx, name)


def _named(ctx: Context, name: str) -> SettingFacts:
    from workbench.control.setting_facts import setting_facts
    from workbench.domain.errors import UsageError
    from workbench.domain.yaml_position import nearest

    found = {facts.name: facts for facts in setting_facts(ctx.home)}
    if name not in found:
        near = nearest(name, found)
        hint = f"did you mean {near!r}?" if near else "workbench config show lists the settings"
        raise UsageError(f"there is no setting {name!r}", hint=hint)
    return found[name]


def _tell(ctx: Context, name: str) -> None:
    """Say what counts now, and where it comes from."""
    facts = _named(ctx, name)
    if ctx.json:
        emit({"name": name, "value": facts.setting.value, "origin": facts.where})
    else:
        ctx.note(f"{name}: {_value(facts.setting.value)} ({facts.where})")


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
