"""``workbench events``."""

from __future__ import annotations

import sys
from typing import Any

import click

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit_line
from workbench.domain.text import one_line


@click.command(
    epilog=examples("workbench events", "workbench events --json | jq 'select(.exchange.status >= 400)'")
)
@click.option("--all", "everything", is_flag=True, help="Started and updated too, not only finished.")
@click.option("--count", "-n", type=click.IntRange(1), help="End after so many.")
@pass_context
def command(ctx: Context, everything: bool, count: int | None) -> None:
    """Follow what goes through the router, live, until Ctrl-C; it is found again after a restart.

    With --json one line each: {"event": "finished", "exchange": {...}}.
    """
    ctx.router()
    ctx.run(_follow(ctx, everything=everything, count=count))


async def _follow(ctx: Context, *, everything: bool, count: int | None) -> None:
    from workbench.control.events import follow_events

    shown = 0
    async for event in follow_events(ctx.home):
        if not event.exchange:
            ctx.note(f"{event.kind}: {event.detail}")
        elif everything or event.kind == "finished":
            _print(ctx, event.kind, event.exchange)
            shown += 1
        if count is not None and shown >= count:
            return


def _print(ctx: Context, kind: str, exchange: dict[str, Any]) -> None:
    if ctx.json:
        emit_line({"event": kind, "exchange": exchange})
        return
    tokens = f"{exchange.get('input_tokens') or 0}+{exchange.get('output_tokens') or 0} tokens"
    latency = exchange.get("latency_ms")
    parts = [
        str(exchange.get("started_at", ""))[11:23],
        f"{kind:<8}" if kind != "finished" else "",
        exchange.get("id"),
        exchange.get("model"),
        exchange.get("status"),
        exchange.get("state"),
        tokens,
        "" if latency is None else f"{latency:.0f} ms",
        exchange.get("error") or "",
    ]
    click.echo(one_line("  ".join(str(part) for part in parts if part), 500))
    sys.stdout.flush()
