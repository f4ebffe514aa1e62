"""``workbench prune``: delete what retention no longer keeps, or show it first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, facts, say, table
from workbench.domain.errors import UsageError
from workbench.domain.times import iso, parse_duration_us
from workbench.store.filter import parse_size

if TYPE_CHECKING:
    from workbench.settings.sections import RetentionSettings
    from workbench.store.pruning import PruneResult
    from workbench.store.retention import PrunePlan, PrunePolicy
    from workbench.workflow.collect import Unused


@click.command(
    epilog=examples(
        "workbench prune --dry-run",
        "workbench prune",
        "workbench prune --older-than 30d --max-size 2GB",
        "workbench prune --bodies-older-than 7d --dry-run --json",
    )
)
@click.option("--older-than", metavar="AGE", help="Exchanges and runs older than this go, such as 30d.")
@click.option(
    "--keep-runs", metavar="N", type=click.IntRange(0), help="Keep the newest N workflow and replay runs."
)
@click.option(
    "--max-size", metavar="SIZE", help="Live bytes the store may have, such as 2GB; the oldest go first."
)
@click.option("--bodies-older-than", metavar="AGE", help="Bodies older than this go, their rows stay.")
@click.option(
    "--generated-older-than", metavar="AGE", help="Generated apps older than this go, their runs stay."
)
@click.option("--logs-older-than", metavar="AGE", help="Log files older than this go.")
@click.option(
    "--modules-older-than", metavar="AGE", help="Toolchains of the module store unused for this long go."
)
@click.option("--dry-run", is_flag=True, help="Print what would go, and delete nothing.")
@pass_context
def command(ctx: Context, /, *, keep_runs: int | None, dry_run: bool, **given: str | None) -> None:
    """Delete what retention no longer keeps: rows, run folders, generated apps and logs together.

    Without options the policy of workbench.yaml applies; with options, only they do. Pinned and running
    things stay.
    """
    from workbench.store.retention import PrunePolicy

    limits = {
        "max_age": _age("--older-than", given["older_than"]),
        "max_runs": keep_runs,
        "max_size": _size("--max-size", given["max_size"]),
        "bodies_age": _age("--bodies-older-than", given["bodies_older_than"]),
        "generated_age": _age("--generated-older-than", given["generated_older_than"]),
        "logs_age": _age("--logs-older-than", given["logs_older_than"]),
    }
    modules = _age("--modules-older-than", given["modules_older_than"])
    settings: RetentionSettings = ctx.settings.retention
    if all(value is None for value in (*limits.values(), modules)):
        policy = PrunePolicy.of(settings)
        modules = _age("retention.modules_older_than", settings.modules_older_than)
    else:
        policy = PrunePolicy(**limits)
    _run(ctx, policy, modules, dry_run=dry_run)


def _run(ctx: Context, policy: PrunePolicy, modules: int | None, *, dry_run: bool) -> None:
    from workbench.workflow.collect import remove, unused_modules

    unused = [] if modules is None else unused_modules(ctx.home, modules / 1e6)
    with ctx.store() as store:
        plan = store.plan_prune(policy, ctx.home)
        if dry_run:
            _show(ctx, plan, unused)
            return
        result = store.prune(plan)
    freed = remove(unused)
    if ctx.json:
        emit({"plan": plan.to_json(), "result": result.to_json(), "modules_bytes": freed})
    else:
        _done(ctx, plan, result, freed)


def _age(option: str, text: str | None) -> int | None:
    try:
        return None if text is None else parse_duration_us(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def _size(option: str, text: str | None) -> int | None:
    try:
        return None if text is None else parse_size(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def _show(ctx: Context, plan: PrunePlan, unused: list[Unused]) -> None:
    if ctx.json:
        modules = [{"path": str(item.path), "size": item.size} for item in unused]
        emit({**plan.to_json(), "modules": modules})
        return
    if unused:
        table(("BYTES", "TOOLCHAIN"), [(item.size, item.path) for item in unused], right=("BYTES",))
    if plan.empty and not unused:
        ctx.note("nothing would go")
        return
    if plan.runs:
        rows = [(run.id, run.kind, iso(run.last_at), run.exchanges, run.why, run.title) for run in plan.runs]
        table(
            ("RUN", "KIND", "LAST", "EXCHANGES", "WHY", "TITLE"), rows, right=("EXCHANGES",), flexible="TITLE"
        )
        say()
    files = [item for run in plan.runs for item in run.folders] + plan.folders + plan.logs
    if files:
        table(("BYTES", "PATH"), [(item.size, item.path) for item in files], right=("BYTES",))
        say()
    facts(
        [
            ("runs", len(plan.runs)),
            ("exchanges", plan.total_exchanges),
            ("bodies alone", len(plan.bodies) or None),
            ("bytes of rows", f"{plan.row_bytes} (estimated)"),
            ("bytes of files", plan.file_bytes),
        ],
        color=ctx.colored,
    )
    ctx.note("nothing was deleted: this was a dry run")


def _done(ctx: Context, plan: PrunePlan, result: PruneResult, freed: int) -> None:
    if freed:
        ctx.note(f"{freed} bytes of unused toolchains are gone")
    elif plan.empty:
        ctx.note("nothing had to go")
        return
    facts(msgspec.structs.asdict(result).items(), color=ctx.colored)
