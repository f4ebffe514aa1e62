"""``workbench profile``: the named set of router settings in force."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import click

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, say, table
from workbench.domain.errors import UpstreamError, UsageError

MEANINGS = {
    "reliability": "the fastest deployment that is up, most retries, longest queue",
    "balanced": "the configuration as it stands",
    "cost": "the cheapest deployment that is up, few retries",
}


@click.group(epilog=examples("workbench profile show", "workbench profile set cost"))
def command() -> None:
    """Show or change the routing profile: reliability, balanced, cost, or one of your own.

    Your own are written under `profiles` in infra/litellm/models-policy.yaml.
    """


@command.command("list", epilog=examples("workbench profile list"))
@pass_context
def list_(ctx: Context) -> None:
    """List the profiles; the one in force is marked."""
    current = ctx.run(_status(ctx)).get("profile")
    if ctx.json:
        emit([{"name": name, "active": name == current} for name in _names(ctx)])
        return
    rows = [("*" if name == current else "", name, MEANINGS.get(name, "your own")) for name in _names(ctx)]
    table(("", "PROFILE", "MEANING"), rows, color=ctx.colored, flexible="MEANING")


@command.command("show", epilog=examples("workbench profile show --json"))
@pass_context
def show_(ctx: Context) -> None:
    """Show the profile and strategy in force."""
    status = ctx.run(_status(ctx))
    data = {"profile": status.get("profile"), "strategy": status.get("strategy")}
    if ctx.json:
        emit(data)
    else:
        say(f"{data['profile'] or 'none'}  ({data['strategy']})")


@command.command("set", epilog=examples("workbench profile set reliability"))
@click.argument("name")
@pass_context
def set_(ctx: Context, name: str) -> None:
    """Change the running router's profile, until its configuration is loaded again."""
    try:
        answer = ctx.run(_set(ctx, name))
    except UpstreamError as error:
        if error.status != 422:
            raise
        near = get_close_matches(name, _names(ctx), n=1)
        hint = f"workbench profile set {near[0]}" if near else "workbench profile list"
        raise UsageError(f"there is no profile {name!r}", hint=hint) from None
    if ctx.json:
        emit(answer)
    else:
        ctx.note(f"the profile is {answer.get('profile', name)}")


def _names(ctx: Context) -> list[str]:
    from workbench.routing.policy_file import load_policy
    from workbench.routing.profiles import PROFILES
    from workbench.settings.keys import merged_environment

    _, own = load_policy(ctx.home.policy, merged_environment(ctx.home))
    return [*PROFILES, *(name for name in own if name not in PROFILES)]


async def _status(ctx: Context) -> dict[str, Any]:
    async with ctx.client() as client:
        return await client.status()


async def _set(ctx: Context, name: str) -> dict[str, Any]:
    async with ctx.client() as client:
        return await client.profile(name)
