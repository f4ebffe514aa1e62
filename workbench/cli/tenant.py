"""``workbench tenant``: who pays, what they may, and their keys."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, facts, say, table
from workbench.domain.errors import UnknownId

_COLUMNS = ("TENANT", "MODELS", "KEYS", "REQUESTS/MIN", "TOKENS/MIN", "SPENT", "IN FLIGHT")


@click.group(epilog=examples("workbench tenant list", "workbench tenant key team-a --name laptop"))
def command() -> None:
    """Show tenants and make their keys.

    A tenant is who pays: models it may use, limits and a budget, written in infra/litellm/models-policy.yaml.
    """


@command.command("list", epilog=examples("workbench tenant list --json"))
@pass_context
def list_(ctx: Context) -> None:
    """List tenants with limits, and what a running router counted."""
    rows = _tenants(ctx)
    if ctx.json:
        emit(rows)
        return
    if not rows:
        ctx.note(f"no tenants yet: everything is {'default'!r}; rules go into {ctx.home.policy}")
        return
    table(
        _COLUMNS,
        [
            (
                row["name"],
                ", ".join(row["models"]),
                row["keys"],
                _of(row.get("rpm_used"), row["rpm_limit"]),
                _of(row.get("tpm_used"), row["tpm_limit"]),
                _of(row.get("spent_usd"), row["budget_usd"], "$"),
                row.get("in_flight"),
            )
            for row in rows
        ],
        right=_COLUMNS[2:],
        color=ctx.colored,
    )


@command.command("show", epilog=examples("workbench tenant show team-a"))
@click.argument("name")
@pass_context
def show_(ctx: Context, name: str) -> None:
    """Show one tenant."""
    found = next((row for row in _tenants(ctx) if row["name"] == name), None)
    if found is None:
        raise UnknownId("tenant", name, hint="workbench tenant list")
    if ctx.json:
        emit(found)
    else:
        shown = found | {"models": ", ".join(found["models"])}
        facts([(key.replace("_", " "), value) for key, value in shown.items()], color=ctx.colored)


@command.command(
    "key", epilog=examples("workbench tenant key team-a", "workbench tenant key team-a --name laptop -q")
)
@click.argument("tenant")
@click.option("--name", help="What the key is called in the policy file; key-1, key-2, ... if not given.")
@pass_context
def key_(ctx: Context, tenant: str, name: str | None) -> None:
    """Make a key for a tenant and print it, once; only its SHA-256 is kept.

    The tenant is added if new. A running router takes the key at once.
    """
    from workbench.control.policy_edit import add_key

    _check_names(tenant, name)
    made = add_key(ctx.home.policy, tenant, name)
    reloaded = _reload(ctx)
    if ctx.json:
        emit({"tenant": made.tenant, "name": made.name, "key": made.key, "sha256": made.digest})
    else:
        say(made.key)
        ctx.note(f"key {made.name!r} of {made.tenant!r}; it is not kept anywhere: copy it now")
        ctx.note("the running router takes it" if reloaded else "the router takes it when it starts")


def _tenants(ctx: Context) -> list[dict[str, Any]]:
    """Return the tenants of a running router, else those of the policy file."""
    from workbench.control.locate import find_router
    from workbench.routing.policy_file import load_policy
    from workbench.settings.keys import merged_environment

    running = find_router(ctx.home)
    if running is not None:
        counted: list[dict[str, Any]] = ctx.run(_status(ctx)).get("tenants") or []
        if counted:
            return counted
    policy, _ = load_policy(ctx.home.policy, merged_environment(ctx.home))
    return [
        {
            "name": tenant.name,
            "models": list(tenant.models),
            "keys": len(tenant.key_digests),
            "rpm_limit": tenant.rpm,
            "tpm_limit": tenant.tpm,
            "budget_usd": tenant.budget.usd,
            "budget_tokens": tenant.budget.tokens,
        }
        for tenant in policy.tenants.values()
    ]


def _check_names(*names: str | None) -> None:
    import re

    from workbench.domain.errors import UsageError

    for name in names:
        if name is not None and not re.fullmatch(r"[\w.@-]{1,64}", name):
            raise UsageError(f"{name!r} is no name: letters, digits, . @ _ - are allowed")


def _reload(ctx: Context) -> bool:
    from workbench.control.locate import find_router

    if find_router(ctx.home) is None:
        return False
    ctx.run(_ask_reload(ctx))
    return True


async def _ask_reload(ctx: Context) -> None:
    async with ctx.client(start=False) as client:
        await client.reload()


async def _status(ctx: Context) -> dict[str, Any]:
    async with ctx.client(start=False) as client:
        return await client.status()


def _of(used: float | None, limit: float | None, unit: str = "") -> str | None:
    if used is None and limit is None:
        return None
    shown = "-" if used is None else f"{unit}{used:g}"
    return f"{shown} of {unit}{limit:g}" if limit is not None else shown
