"""``workbench generate``: plan, scaffold and verify a program, headless."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, say
from workbench.domain.errors import UsageError

if TYPE_CHECKING:
    from workbench.client import RouterClient
    from workbench.workflow.artifacts import State
    from workbench.workflow.engine import GenerateRequest
    from workbench.workflow.report import RunReport


@click.command(
    epilog=examples(
        'workbench generate "a slug library with tests" --recipe python-lib --model demo',
        "workbench generate - --review < brief.txt",
    )
)
@click.argument("brief")
@click.option("--recipe", metavar="NAME", help="What kind of program; see `workbench recipes list`.")
@click.option("--model", metavar="NAME", help="Model group that writes; see `workbench models`.")
@click.option("--review", is_flag=True, help="Stop after the plan until it is approved.")
@click.option("--max-repairs", type=click.IntRange(0, 10), metavar="N", help="Rounds of repair.")
@click.option("--budget", type=click.FloatRange(min=0), metavar="USD", help="Most the run may cost.")
@click.option("--budget-tokens", type=click.IntRange(min=0), metavar="N", help="Most tokens it may use.")
@click.option("--max-wall", metavar="TIME", help="Longest time, such as 10m.")
@click.option("--events", is_flag=True, help="Print the run's events as JSON lines while it goes.")
@click.option("--junit", type=click.Path(dir_okay=False), metavar="FILE", help="Also write JUnit XML there.")
@click.option("--no-smoke", is_flag=True, help="Do not serve and probe the app after its gates.")
@click.option(
    "--unsafe-no-sandbox",
    is_flag=True,
    help="Run a model's code without a sandbox, as yourself. The report says so.",
)
@pass_context
def command(ctx: Context, /, brief: str, **flags: Any) -> int:
    r"""Make a program from BRIEF: a plan, its files, its checks; repaired when a check fails.

    BRIEF is text, or - for stdin. Exit code 0: all checks passed.
    """
    from workbench.workflow.engine import GenerateRequest

    if ctx.json and flags["events"]:
        raise UsageError("--json and --events can't be had together")
    request = GenerateRequest(
        brief=sys.stdin.read() if brief == "-" else brief,
        recipe=flags["recipe"],
        model=flags["model"],
        review=flags["review"],
        max_repairs=flags["max_repairs"],
        budget_usd=flags["budget"],
        budget_tokens=flags["budget_tokens"],
        max_wall=flags["max_wall"],
        unsafe_no_sandbox=flags["unsafe_no_sandbox"],
        smoke=not flags["no_smoke"],
    )
    return drive(ctx, request, events=flags["events"], junit=flags["junit"])


def drive(ctx: Context, request: GenerateRequest | State, *, events: bool, junit: str | None = None) -> int:
    """Run or resume a workflow, telling its progress; print its end and return the exit code."""
    client = ctx.client()
    report = ctx.run(_run(ctx, client, request, events=events))
    if junit is not None:
        source = ctx.home.runs / report.run / "junit.xml"
        Path(junit).write_bytes(source.read_bytes())
    if ctx.json:
        emit(_as_json(ctx, report))
    elif not events:
        _tell_end(report)
    return report.exit_code


def _as_json(ctx: Context, report: RunReport) -> dict[str, Any]:
    """Return the run as every command prints one, with what its report adds; `steps` is their count."""
    told = report.to_json()
    with ctx.reader() as reader:
        run = reader.run(report.run).to_json()
    return {**told, "step_list": told["steps"], **run}


async def _run(
    ctx: Context, client: RouterClient, request: GenerateRequest | State, *, events: bool
) -> RunReport:
    from workbench.cli.progress import JsonLines, Progress
    from workbench.workflow.engine import run_workflow

    follower = JsonLines() if events else Progress(quiet=ctx.quiet, on_waiting=_reviewer(ctx))
    async with client:
        with ctx.store() as store, _cancel_by_signal():
            return await run_workflow(
                request,
                home=ctx.home,
                settings=ctx.settings,
                client=client,
                store=store,
                on_event=follower,
            )


@contextlib.contextmanager
def _cancel_by_signal() -> Any:
    """Let SIGINT and SIGTERM cancel the run once, so that it ends its commands and writes its report."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    signs = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for sign in signs:
        loop.add_signal_handler(sign, task.cancel)
    try:
        yield
    finally:
        for sign in signs:
            loop.remove_signal_handler(sign)


def _reviewer(ctx: Context) -> Callable[[str], None] | None:
    """Return what asks at the terminal about a waiting plan; None where nobody can answer."""
    from workbench.cli.review import ask_in_thread, can_ask

    home = ctx.home
    return (lambda run: ask_in_thread(home, run)) if can_ask() else None


def _tell_end(report: RunReport) -> None:
    say(f"{report.run}  {report.status}: {report.stop_reason}")
    for gate in report.gates:
        mark = "ok  " if gate.passed else "FAIL"
        say(f"  {mark} {gate.name} ({gate.duration_ms / 1000:.1f} s) {gate.proves}")
    for check in report.smoke.checks if report.smoke else []:
        say(f"  {'FAIL' if check.problem else 'ok  '} {check.what}")
    tokens = report.input_tokens + report.output_tokens
    say(f"  {report.calls} calls, {tokens} tokens, {report.cost_usd:.4f} USD")
    say(f"  {report.duration_ms / 1000:.1f} s in all")
    say(f"  sandbox: {report.sandbox or '-'}")
    say(f"  {report.path}")
