"""``workbench models``."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, table


@click.command(
    epilog=examples("workbench models", "workbench models --all", "workbench models --json | jq -r '.[].id'")
)
@click.option("--all", "everything", is_flag=True, help="Disabled ones too, with the reason.")
@pass_context
def command(ctx: Context, everything: bool) -> None:
    """List the model groups that answer."""
    models, status = ctx.run(_ask(ctx))
    rows = _rows(models, status, everything=everything)
    if ctx.json:
        emit(rows)
        return
    columns = ("MODEL", "PROVIDERS", "DEPLOYMENTS", "STATE", "WHY")
    table(
        columns,
        [
            (row["id"], ", ".join(row["providers"]), row["deployments"], row["state"], row["reason"] or "")
            for row in rows
        ],
        right=("DEPLOYMENTS",),
        color=ctx.colored,
        flexible="WHY",
    )


async def _ask(ctx: Context) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    async with ctx.client() as client:
        return await client.models(), await client.status()


def _rows(models: list[dict[str, Any]], status: dict[str, Any], *, everything: bool) -> list[dict[str, Any]]:
    groups = {group["name"]: group["deployments"] for group in status.get("groups", [])}
    listed = {model["id"]: model for model in models}
    names = [*listed, *(name for name in groups if name not in listed)] if everything else list(listed)
    return [_row(name, listed.get(name), groups.get(name, [])) for name in names]


def _row(name: str, model: dict[str, Any] | None, deployments: list[dict[str, Any]]) -> dict[str, Any]:
    enabled = [item for item in deployments if item.get("enabled", True)]
    up = [item for item in enabled if item.get("state") != "open"]
    reasons = [item["disabled_reason"] for item in deployments if item.get("disabled_reason")]
    state = "ok" if up or (model and not deployments) else "down" if enabled else "disabled"
    return {
        "id": name,
        "providers": list(dict.fromkeys(str(item.get("provider")) for item in deployments)),
        "deployments": len(deployments),
        "state": state,
        "reason": reasons[0] if reasons and state == "disabled" else None,
    } | {key: value for key, value in (model or {}).items() if key not in {"id", "object", "owned_by"}}
