"""``workbench runs``: list, show, approve, resume, fork, cancel, delete and pin runs."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from workbench.cli.context import Context, pass_context
from workbench.cli.exchange_view import moment
from workbench.cli.options import examples
from workbench.cli.output import emit, facts, say, table
from workbench.domain.errors import StoreUnavailable, UsageError
from workbench.domain.times import iso

if TYPE_CHECKING:
    from workbench.domain.run import Run, Step
    from workbench.store.store import Store


@click.group(epilog=examples("workbench runs list --status failed", "workbench runs show run_01k9"))
def command() -> None:
    """List, show, approve, resume, fork, cancel, delete and pin runs."""


@command.command(
    "list",
    epilog=examples(
        "workbench runs list --limit 5",
        "workbench runs list --kind workflow --json",
        "workbench runs list 'state:failed gate:tests since:2d'",
    ),
)
@click.argument("filter_", metavar="[FILTER]", nargs=-1)
@click.option("--kind", type=click.Choice(["workflow", "session", "replay"]), help="Only runs of this kind.")
@click.option("--status", metavar="STATUS", help="Only runs with this status.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many.")
@pass_context
def list_(
    ctx: Context, /, filter_: tuple[str, ...], kind: str | None, status: str | None, limit: int
) -> None:
    """List runs, newest first; FILTER is in the language of the terminal app."""
    with ctx.store() as store:
        _settle(store)
        runs = store.runs(" ".join(filter_), kind=kind, status=status, limit=limit).items
    if ctx.json:
        emit([run.to_json() for run in runs])
        return
    if not runs:
        ctx.note("no run is like that" if kind or status else "no runs yet")
        return
    table(
        ["id", "kind", "status", "started", "recipe", "model", "exchanges", "tokens", "title"],
        [
            (
                run.id,
                run.kind,
                run.status,
                moment(run.started_at),
                run.recipe,
                run.model,
                run.exchanges,
                run.input_tokens + run.output_tokens,
                run.title,
            )
            for run in runs
        ],
        right=("exchanges", "tokens"),
        flexible="title",
        optional=("model", "recipe", "exchanges", "kind"),
        color=ctx.colored,
    )


@command.command(epilog=examples("workbench runs show run_01k9"))
@click.argument("run")
@pass_context
def show(ctx: Context, /, run: str) -> None:
    """Show a run with its steps. RUN is an id or its beginning."""
    with ctx.store() as store:
        _settle(store)
        found = store.run(run)
        steps = store.steps(found.id)
    if ctx.json:
        emit({**found.to_json(), "step_list": [step.to_json() for step in steps]})
        return
    _show(ctx, found, steps)


def _settle(store: Store) -> None:
    """Let runs whose process died show as interrupted; a store that can't be written is shown as it is."""
    from workbench.workflow.verbs import settle

    with contextlib.suppress(StoreUnavailable):
        settle(store)


def _show(ctx: Context, run: Run, steps: list[Step]) -> None:
    folder = ctx.home.runs / run.id
    facts(
        [
            ("run", run.id),
            ("title", run.title),
            ("kind", run.kind),
            ("status", f"{run.status}{f': {run.stop_reason}' if run.stop_reason else ''}"),
            ("recipe", run.recipe),
            ("model", run.model),
            ("started", iso(run.started_at)),
            ("ended", iso(run.ended_at)),
            ("exchanges", run.exchanges),
            ("tokens", run.input_tokens + run.output_tokens),
            ("cost_usd", f"{run.cost_usd:.4f}"),
            ("parent", run.parent),
            ("app", ctx.home.root / run.path if run.path else None),
            ("folder", folder if folder.is_dir() else None),
        ],
        color=ctx.colored,
    )
    if steps:
        say()
        rows = [(step.seq, step.kind, step.name, step.status, _took(step)) for step in steps]
        table(["step", "kind", "name", "status", "ms"], rows, right=("step", "ms"), color=ctx.colored)


def _took(step: Step) -> str:
    if step.started_at is None or step.ended_at is None:
        return ""
    return f"{(step.ended_at - step.started_at) / 1000:.0f}"


@command.command(epilog=examples("workbench runs approve run_01k9"))
@click.argument("run")
@click.option("--edit", is_flag=True, help="Edit the plan in $EDITOR first.")
@click.option("--plan", type=click.Path(exists=True, dir_okay=False), help="Take this plan file instead.")
@pass_context
def approve(ctx: Context, /, run: str, edit: bool, plan: str | None) -> int:
    """Approve the plan of a run that waits. A run whose process is gone goes on here."""
    from workbench.workflow import verbs

    found = _workflow(ctx, run)
    data = Path(plan).read_bytes() if plan else None
    if edit:
        current = (ctx.home.runs / found.id / "plan.json").read_text(encoding="utf-8")
        edited = click.edit(current, extension=".json")
        data = edited.encode() if edited is not None else None
    verbs.approve(ctx.home, found.id, data)
    return _go_on(ctx, found)


@command.command("send-back", epilog=examples("workbench runs send-back run_01k9 'no dependencies, please'"))
@click.argument("run")
@click.argument("feedback")
@pass_context
def send_back(ctx: Context, /, run: str, feedback: str) -> int:
    """Send the plan of a run that waits back to the model with FEEDBACK."""
    from workbench.workflow import verbs

    found = _workflow(ctx, run)
    verbs.send_back(ctx.home, found.id, feedback)
    return _go_on(ctx, found)


def _go_on(ctx: Context, run: Run) -> int:
    """Leave the run to its own process; where that is gone, drive it here."""
    from workbench.workflow.verbs import driver

    if driver(run) is not None:
        ctx.note(f"{run.id} goes on")
        return 0
    return _resume(ctx, run, events=False)


@command.command(epilog=examples("workbench runs resume run_01k9"))
@click.argument("run")
@click.option("--max-repairs", type=click.IntRange(0, 10), metavar="N", help="Rounds of repair, all counted.")
@click.option("--budget", type=click.FloatRange(min=0), metavar="USD", help="A new cap on its cost.")
@click.option("--budget-tokens", type=click.IntRange(min=0), metavar="N", help="A new cap on its tokens.")
@click.option("--max-wall", metavar="TIME", help="A new cap on its time, such as 30m.")
@click.option("--events", is_flag=True, help="Print the run's events as JSON lines while it goes.")
@pass_context
def resume(ctx: Context, /, run: str, events: bool, **changes: Any) -> int:
    """Go on with a run after a crash or cancel: finished steps and recorded answers are reused."""
    if ctx.json and events:
        raise UsageError("--json and --events can't be had together")
    return _resume(ctx, _workflow(ctx, run), events=events, **changes)


def _resume(ctx: Context, run: Run, *, events: bool, **changes: Any) -> int:
    from workbench.cli.generate import drive
    from workbench.workflow import lineage
    from workbench.workflow.engine import duration_s

    wall = changes.pop("max_wall", None)
    names = {"budget": "budget_usd"}
    options = {names.get(name, name): value for name, value in changes.items()}
    if wall is not None:
        options["max_wall_s"] = duration_s(wall)
    return drive(ctx, lineage.resume(ctx.home, run, **options), events=events)


@command.command(epilog=examples("workbench runs fork run_01k9 --model gpt-5-mini"))
@click.argument("run")
@click.option(
    "--step", type=click.IntRange(1), metavar="N", help="Last step to share; plan and files if left out."
)
@click.option("--model", metavar="NAME", help="Another model for what comes after.")
@click.option("--brief", metavar="TEXT", help="Another brief; nothing is shared then.")
@click.option("--events", is_flag=True, help="Print the run's events as JSON lines while it goes.")
@pass_context
def fork(
    ctx: Context, /, run: str, step: int | None, model: str | None, brief: str | None, events: bool
) -> int:
    """Start a new run from a step of another one."""
    from workbench.cli.generate import drive
    from workbench.workflow import lineage

    source = _workflow(ctx, run)
    state = ctx.run(lineage.fork(ctx.home, source, step=step, model=model, brief=brief))
    return drive(ctx, state, events=events)


@command.command(epilog=examples("workbench runs cancel run_01k9"))
@click.argument("run")
@pass_context
def cancel(ctx: Context, /, run: str) -> None:
    """End a run at once, with all commands it started."""
    from workbench.workflow import verbs

    with ctx.store() as store:
        ended = verbs.cancel(store, run)
    if ctx.json:
        emit(ended.to_json())
    else:
        ctx.note(f"{ended.id} is {ended.status}")


@command.command(epilog=examples("workbench runs delete run_01k9"))
@click.argument("runs", nargs=-1, required=True)
@click.option("--keep-app", is_flag=True, help="Leave the generated app's folder.")
@pass_context
def delete(ctx: Context, /, runs: tuple[str, ...], keep_app: bool) -> None:
    """Delete runs: their rows, their folder, their generated app."""
    from workbench.workflow.verbs import driver

    with ctx.store() as store:
        for given in runs:
            run = store.run(given)
            if driver(run) is not None:
                raise UsageError(f"{run.id} is running", hint=f"workbench runs cancel {run.id}")
            store.delete_run(run.id)
            shutil.rmtree(ctx.home.runs / run.id, ignore_errors=True)
            if not keep_app:
                shutil.rmtree(ctx.home.generated / run.id, ignore_errors=True)
            ctx.note(f"deleted {run.id}")


@command.command(epilog=examples("workbench runs pin run_01k9"))
@click.argument("run")
@pass_context
def pin(ctx: Context, /, run: str) -> None:
    """Keep a run whatever retention says."""
    _pin(ctx, run, value=True)


@command.command(epilog=examples("workbench runs unpin run_01k9"))
@click.argument("run")
@pass_context
def unpin(ctx: Context, /, run: str) -> None:
    """Let retention have a run again."""
    _pin(ctx, run, value=False)


def _pin(ctx: Context, given: str, *, value: bool) -> None:
    with ctx.store() as store:
        run = store.run(given)
        store.set_pinned(run.id, value)
    ctx.note(f"{run.id} is {'pinned' if value else 'not pinned'}")


def _workflow(ctx: Context, given: str) -> Run:
    with ctx.reader() as reader:
        run = reader.run(given)
    if run.kind != "workflow":
        raise UsageError(
            f"{run.id} is a {run.kind}, not a workflow run", hint="workbench runs list --kind workflow"
        )
    return run


@command.command(epilog=examples("workbench runs compare run_01k9 run_01kb"))
@click.argument("first")
@click.argument("second")
@pass_context
def compare(ctx: Context, /, first: str, second: str) -> None:
    """Compare two workflow runs: plan, files, gates, repairs, tokens, cost."""
    from workbench.workflow.comparing import compare_runs

    a, b = _workflow(ctx, first), _workflow(ctx, second)
    result = compare_runs(ctx.home, a.id, b.id)
    if ctx.json:
        emit(msgspec.to_builtins(result))
        return
    rows = [(name, left, right, left == right) for name, (left, right) in result.facts.items()]
    table(["", a.id, b.id, "same"], rows, color=ctx.colored)
    say()
    say(f"{result.same_files} files are the same, {len(result.files)} are not")
    for file in result.files:
        say(f"\n{file.path}: {file.kind}")
        if file.diff:
            say(file.diff)
