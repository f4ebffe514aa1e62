"""``workbench store``: inspect, verify, back up and compact the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, facts, say, style
from workbench.domain.times import iso

_BAR = 40


@click.group(epilog=examples("workbench store stats", "workbench store verify"))
def command() -> None:
    """Inspect, verify, back up and compact the store."""


@command.command(epilog=examples("workbench store stats", "workbench store stats --json"))
@pass_context
def stats(ctx: Context, /) -> None:
    """Show what is in the store and what uses its space."""
    with ctx.reader() as reader:
        found = reader.stats()
        uses = reader.space()
    if ctx.json:
        shown = {
            **found,
            "oldest_at": iso(found["oldest_at"]),
            "newest_at": iso(found["newest_at"]),
            "space": uses,
        }
        emit(shown)
        return
    facts(_lines(found), color=ctx.colored)
    if uses:
        say()
    whole = sum(item["bytes"] for item in uses)
    for item in uses:
        bar = "█" * max(1, round(_BAR * item["bytes"] / whole))
        say(f"{item['name']:<10} {_bytes(item['bytes']):>9} {bar}")


def _lines(found: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        ("exchanges", f"{found['exchanges']:,}"),
        ("runs", f"{found['runs']:,}"),
        ("from", iso(found["oldest_at"])),
        ("to", iso(found["newest_at"])),
        ("sent and received", _bytes(found["raw_bytes"])),
        ("file", _bytes(found["file_bytes"] + found["wal_bytes"])),
        ("free in the file", _bytes(found["free_bytes"])),
        ("times smaller", found["ratio"]),
        ("chunks", f"{found['chunks']:,}"),
        ("unique messages", f"{found['messages']:,}"),
        ("dictionaries", found["dictionaries"]),
    ]


def _bytes(number: int) -> str:
    size = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return ""  # never reached


@command.command(epilog=examples("workbench store verify", "workbench store verify --json"))
@pass_context
def verify(ctx: Context, /) -> None:
    """Check the file, every body's checksum, all references and the search index; exit 1 on damage.

    Names the exchanges that are hurt. What is not named can be read.
    """
    from workbench.domain.errors import CheckFailed
    from workbench.store.store import Reader
    from workbench.store.verification import verify as check

    with Reader.open(ctx.home.store) as reader:
        found = check(reader)
    if ctx.json:
        emit(found.to_json())
    else:
        facts(
            [("exchanges", found.exchanges), ("bodies", found.bodies), ("chunks", found.chunks)],
            color=ctx.colored,
        )
        for problem in found.problems:
            say(style(problem, "bad", color=ctx.colored))
        for exchange, what in found.damaged.items():
            say(f"{exchange}  {what}")
    if not found.sound:
        raise CheckFailed(
            f"the store has {len(found.problems)} problems; {len(found.damaged)} exchanges can't be read whole",
            hint="workbench store backup FILE saves all that can be read",
        )
    ctx.note("the store is sound")
