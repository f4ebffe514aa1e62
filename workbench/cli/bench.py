"""``workbench bench``: latency, speed and cost of models, measured through the router."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, table
from workbench.domain.errors import CheckFailed, UsageError
from workbench.domain.payload import Payload
from workbench.replay.bench import BenchPlan, BenchReport, ModelFigures, check_models, run_bench
from workbench.replay.group import replay_run
from workbench.replay.source import file_source

PROMPT = "Name three rivers and the seas they flow into."
_COLUMNS = ("MODEL", "SENT", "FAILED", "P50 MS", "P90 MS", "P99 MS", "FIRST P50", "FIRST P90", "TOK/S", "USD")


@click.command(
    "bench",
    epilog=examples(
        "workbench bench --model demo --model echo",
        "workbench bench saved.json --model demo --requests 100 --concurrency 8 --json",
    ),
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option("--model", "-m", "models", multiple=True, metavar="GROUP", help="Model to measure; repeatable.")
@click.option(
    "--prompt", default=PROMPT, show_default=True, help="What is asked when no payload file is given."
)
@click.option("--stream/--no-stream", default=True, help="How the prompt is asked.", show_default=True)
@click.option(
    "--requests", "-r", default=20, show_default=True, type=click.IntRange(1, 10_000), help="For each model."
)
@click.option(
    "--concurrency", "-c", default=4, show_default=True, type=click.IntRange(1, 256), help="At a time."
)
@click.option(
    "--seconds", default=300.0, show_default=True, type=click.FloatRange(1, 86_400), help="Stop after."
)
@click.option(
    "--budget", default=1.0, show_default=True, type=click.FloatRange(0.0001), help="USD; stop there."
)
@pass_context
def command(state: Context, /, files: tuple[Path, ...], models: tuple[str, ...], **given: Any) -> None:
    """Send payload files (or one prompt) to models in turn, and print percentiles of what a client sees.

    Everything is recorded in a run and tagged `bench`. A model that costs money stops at the budget.
    """
    flags = _Flags(**given)
    payloads = [file_source(path).payload for path in files] or [_prompt(flags)]
    plan = BenchPlan(
        models=tuple(dict.fromkeys(models)) or (state.settings.workflow.model,),
        payloads=payloads,
        requests=flags.requests,
        concurrency=flags.concurrency,
        seconds=flags.seconds,
        budget_usd=flags.budget,
    )
    report = state.run(_measure(state, plan))
    if state.json:
        emit(msgspec.to_builtins(report))
    else:
        _print(state, report)
    if not any(figures.requests > figures.failed for figures in report.models):
        raise CheckFailed("no request was answered", hint=f"workbench exchanges list run:{report.run}")


class _Flags(msgspec.Struct, frozen=True, kw_only=True):
    """The command's options, as click gives them."""

    prompt: str
    stream: bool
    requests: int
    concurrency: int
    seconds: float
    budget: float


def _prompt(flags: _Flags) -> Payload:
    if not flags.prompt.strip():
        raise UsageError("--prompt is empty")
    body = {"model": "", "messages": [{"role": "user", "content": flags.prompt}], "stream": flags.stream}
    return Payload(endpoint="/v1/chat/completions", body=msgspec.json.encode(body))


async def _measure(state: Context, plan: BenchPlan) -> BenchReport:
    with state.store() as store:
        async with state.client() as client:
            await check_models(client, plan.models)
            async with replay_run(store, f"bench of {', '.join(plan.models)}") as group:
                report = await run_bench(client, store, msgspec.structs.replace(plan, run=group.id))
                failed = sum(figures.failed for figures in report.models)
                group.failure = f"{failed} requests failed" if failed else None
    return report


def _print(state: Context, report: BenchReport) -> None:
    table(_COLUMNS, [_row(figures) for figures in report.models], right=_COLUMNS[1:], color=state.colored)
    sent = sum(figures.requests for figures in report.models)
    state.note(f"{sent} requests in {report.wall_s:.1f} s: {report.requests_per_s:.1f} a second")
    if report.stopped:
        state.note(f"stopped early: {report.stopped}")
    for figures in report.models:
        if figures.problem:
            state.note(f"{figures.model}: {figures.problem}")
    state.note(f"recorded as {report.run}")


def _row(figures: ModelFigures) -> list[Any]:
    times = (
        figures.latency_p50_ms,
        figures.latency_p90_ms,
        figures.latency_p99_ms,
        figures.ttft_p50_ms,
        figures.ttft_p90_ms,
        figures.tokens_per_s,
    )
    shown = [None if value is None else f"{value:.1f}" for value in times]
    return [figures.model, figures.requests, figures.failed, *shown, f"{figures.cost_usd:.4f}"]
