"""How `replay` runs a suite and prints its outcome."""

from __future__ import annotations

from pathlib import Path

from workbench.cli.context import Context
from workbench.cli.output import emit, say, table
from workbench.domain.errors import CheckFailed
from workbench.replay.batch import Batch, OnResult, replay_batch
from workbench.replay.resend import Options, Replayed
from workbench.replay.source import pending
from workbench.replay.suite import Outcome, judge, load_suite, suite_jobs

ENDINGS = (".yaml", ".yml")


def run_suite(
    state: Context, path: Path, models: tuple[str, ...], options: Options, *, concurrency: int
) -> None:
    """Send every case, print what came of each; raises CheckFailed when an expectation did not hold."""
    suite = load_suite(path)
    with state.reader() as reader:
        jobs = suite_jobs(suite, reader, path.parent, models=models, options=options)
    outcomes: list[Outcome] = []

    def heard(replayed: Replayed) -> None:
        outcomes.append(judge(jobs[len(outcomes)], replayed))

    batch = Batch(
        jobs=[(pending(job.source), job.options) for job in jobs],
        title=f"suite {suite.name or path.stem}",
        concurrency=concurrency,
    )
    try:
        state.run(_send(state, batch, heard))
    finally:
        _print(state, outcomes)
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if failed:
        first = failed[0].replayed.exchange
        raise CheckFailed(
            f"{len(failed)} of {len(outcomes)} cases failed",
            hint=f"workbench exchanges show {first}" if first else None,
        )


async def _send(state: Context, batch: Batch, heard: OnResult) -> None:
    with state.store() as store:
        async with state.client() as client:
            await replay_batch(store, client, batch, heard)


def _print(state: Context, outcomes: list[Outcome]) -> None:
    if state.json:
        emit([outcome.to_json() for outcome in outcomes])
        return
    columns = ("case", "model", "result", "ms", "exchange")
    rows = [
        (
            outcome.case,
            outcome.model,
            "passed" if outcome.passed else "failed",
            _rounded(outcome.replayed.replay.exchange.latency_ms),
            outcome.replayed.exchange,
        )
        for outcome in outcomes
    ]
    table(columns, rows, right=("ms",), color=state.colored)
    for outcome in outcomes:
        for fault in outcome.faults:
            say(f"{outcome.case} on {outcome.model or 'its model'}: {fault}")


def _rounded(value: float | None) -> str | None:
    return None if value is None else f"{value:.0f}"
