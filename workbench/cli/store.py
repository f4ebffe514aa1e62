"""``workbench store``: inspect, verify, back up and compact the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, facts, say, style, table
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
            f"the store has {len(found.problems)} problems; {len(found.damaged)} exchanges can't be "
            f"read whole",
            hint="workbench store salvage FILE writes a new store with all that can be read",
        )
    ctx.note("the store is sound")


@command.command(epilog=examples("workbench store backup ~/workbench-2026-11-20.db"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@pass_context
def backup(ctx: Context, /, file: Path) -> None:
    """Write a compact copy of the store to FILE, while it is in use."""
    from workbench.store.backup import backup as copy

    size = copy(ctx.home.store, file)
    if ctx.json:
        emit({"file": str(file), "bytes": size})
    ctx.note(f"{_bytes(size)} in {file}")


@command.command(epilog=examples("workbench store salvage rescued.db"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@pass_context
def salvage(ctx: Context, /, file: Path) -> None:
    """Write a new store with all that can be read of a damaged one to FILE.

    The damaged one is left as it is: put FILE in its place once the router is stopped.
    """
    from workbench.store.backup import salvage as rescue

    saved = rescue(ctx.home.store, file)
    if ctx.json:
        emit({"file": str(file), **saved.to_json()})
    else:
        for exchange, what in saved.damaged.items():
            say(f"{exchange}  {what}")
    ctx.note(
        f"{saved.exchanges} exchanges and {saved.runs} runs are in {file}; {len(saved.damaged)} were lost"
    )


@command.command(epilog=examples("workbench store compact", "workbench store compact --full --wait"))
@click.option("--full", is_flag=True, help="Rewrite the whole file; nobody can write meanwhile.")
@click.option("--index", is_flag=True, help="Build the search index anew; nobody can write meanwhile.")
@click.option(
    "--wait", is_flag=True, help="Do so although the router is running: its clients wait for seconds."
)
@pass_context
def compact(ctx: Context, /, *, full: bool, index: bool, wait: bool) -> None:
    """Take away what nothing uses and give free space back to the disk, in short steps."""
    from workbench.domain.errors import UsageError
    from workbench.store.compaction import compact as squeeze

    if (full or index) and not wait and _router_runs(ctx):
        raise UsageError(
            "the router is running, and --full and --index would hold up its clients",
            hint="workbench router stop, or add --wait",
        )
    with ctx.store() as store:
        done = squeeze(store, full=full, index=index)
    if ctx.json:
        emit(done.to_json())
    else:
        facts(done.to_json().items(), color=ctx.colored)


def _router_runs(ctx: Context) -> bool:
    from workbench.control.locate import find_router

    return find_router(ctx.home) is not None


@command.command(
    epilog=examples(
        'workbench store sql "SELECT model, count(*) FROM exchanges GROUP BY model"',
        'workbench store sql "SELECT id, cost_usd FROM exchanges ORDER BY cost_usd DESC" --limit 5 --json',
    )
)
@click.argument("statement")
@click.option(
    "--limit",
    "-n",
    default=200,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="At most so many rows.",
)
@click.option(
    "--timeout", default=10.0, show_default=True, type=click.FloatRange(0.01), help="Seconds it may take."
)
@pass_context
def sql(ctx: Context, /, *, statement: str, limit: int, timeout: float) -> None:
    """Run a SELECT over the store, read-only. `docs/store.md` describes the tables."""
    from workbench.store.sql import query

    with ctx.reader() as reader:
        found = query(reader, statement, limit=limit, deadline_s=timeout)
    if ctx.json:
        emit([dict(zip(found.columns, row, strict=True)) for row in found.rows])
    elif found.rows:
        table(found.columns, found.rows, color=ctx.colored)
    if found.more:
        ctx.note(f"there are more than {limit} rows: --limit")
