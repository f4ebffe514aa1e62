"""``workbench tenant``: who may use what, and their keys."""

from __future__ import annotations

import hashlib
import os
import secrets
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, facts, talk
from workbench.cli.output import table as print_table
from workbench.domain.errors import ConfigError, UnknownId

if TYPE_CHECKING:
    from pathlib import Path

KEY_PREFIX = "sk-wb-t-"


@click.group(epilog=examples("workbench tenant list", "workbench tenant key team-a"))
def command() -> None:
    """Show tenants and make their keys. Limits stand in infra/litellm/models-policy.yaml."""


@command.command("list", epilog=examples("workbench tenant list --json"))
@pass_context
def list_(ctx: Context) -> None:
    """List the tenants with their limits and what they have used."""
    rows = ctx.run(_tenants(ctx))
    if ctx.json:
        emit(rows)
        return
    shown = [
        (
            row["name"],
            str(row["keys"]),
            _of(row["rpm_used"], row["rpm_limit"]),
            _of(row["tpm_used"], row["tpm_limit"]),
            _of(row["spent_usd"], row["budget_usd"]),
            ", ".join(row["models"]),
        )
        for row in rows
    ]
    heads = ("TENANT", "KEYS", "REQUESTS/MIN", "TOKENS/MIN", "SPENT USD", "MODELS")
    print_table(heads, shown, color=ctx.colored, flexible="MODELS")


@command.command("show", epilog=examples("workbench tenant show team-a"))
@click.argument("name")
@pass_context
def show_(ctx: Context, name: str) -> None:
    """Show one tenant's limits and counts."""
    row = next((row for row in ctx.run(_tenants(ctx)) if row["name"] == name), None)
    if row is None:
        raise UnknownId("tenant", name, hint="workbench tenant list")
    if ctx.json:
        emit(row)
        return
    facts([(key.replace("_", " "), _text(value)) for key, value in row.items()], color=ctx.colored)


@command.command("key", epilog=examples("workbench tenant key team-a --label laptop"))
@click.argument("name")
@click.option("--label", default="key", show_default=True, help="What the key is for; stands beside it.")
@pass_context
def key_(ctx: Context, name: str, label: str) -> None:
    """Make a key for a tenant (who is added when new). The key is printed once; its digest is kept."""
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    digest = hashlib.sha256(key.encode()).hexdigest()
    _add(ctx.home.policy, name, label, digest)
    if ctx.json:
        emit({"tenant": name, "label": label, "key": key, "sha256": digest})
    else:
        click.echo(key)
    talk(f"kept as a digest in {ctx.home.policy}; a running router takes it within seconds")


def _add(path: Path, name: str, label: str, digest: str) -> None:
    """Write the key's digest into the policy file; the result is read before it replaces the old one."""
    from workbench.control.files import write_atomic
    from workbench.routing.policy_edit import NotEditable, with_key
    from workbench.routing.policy_file import check_name, load_policy

    check_name(name, "NAME")
    check_name(label, "--label")
    load_policy(path, os.environ)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    try:
        changed = with_key(text, name, label, digest)
    except NotEditable as error:
        hint = f"add below keys: of {name!r} there:  {error.line}"
        raise ConfigError(
            "is written in a form that can't be edited safely", file=str(path), hint=hint
        ) from None
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, changed.encode(), mode=0o600)
    policy, _ = load_policy(path, os.environ)
    if policy.keys().get(digest) != name:
        write_atomic(path, text.encode(), mode=0o600)
        raise ConfigError("could not be edited; it is as it was", file=str(path))


async def _tenants(ctx: Context) -> list[dict[str, Any]]:
    async with ctx.client() as client:
        return list((await client.status()).get("tenants", []))


def _of(used: Any, limit: Any) -> str:
    return f"{used:g}" if limit is None else f"{used:g} of {limit:g}"


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
