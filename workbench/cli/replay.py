"""``workbench replay``: send exchanges, runs or payload files again, and judge the answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from workbench.cli.context import Context, pass_context
from workbench.cli.exchanges import find
from workbench.cli.replay_view import ReplayPrinter
from workbench.cli.suite import ENDINGS, run_suite
from workbench.domain.errors import CheckFailed, UsageError
from workbench.domain.verdict import ORDER, Verdict, meets
from workbench.replay.batch import Batch, replay_batch
from workbench.replay.edit import parse_edit
from workbench.replay.resend import Options, Replayed, jobs_for
from workbench.replay.source import (
    Source,
    exchange_source,
    file_source,
    is_exchange,
    is_run,
    run_sources,
)
from workbench.store.store import Reader

EXAMPLES = """\
\b
Examples:
  workbench replay ex_01k9                               once more, as it was
  workbench replay ex_01k9 --model demo --model echo     on two models, side by side
  workbench replay ex_01k9 --set temperature=0 --expect equivalent
  workbench replay run_01k9 --playback                   a run from its recording, no upstream
  workbench replay saved.json                            a payload file
  workbench replay suite.yaml                            requests with expectations
"""


@click.command("replay", epilog=EXAMPLES)
@click.argument("what", nargs=-1, required=True, metavar="EXCHANGE|RUN|FILE|SUITE...")
@click.option(
    "--model", "-m", "models", multiple=True, metavar="GROUP", help="Send to this model; repeatable."
)
@click.option(
    "--set", "edits", multiple=True, metavar="PATH=VALUE", help="Change a value in the body; repeatable."
)
@click.option("--playback", is_flag=True, help="Answer from the recording; nothing is sent upstream.")
@click.option("--fast", is_flag=True, help="Play back without the original's pauses.")
@click.option("--expect", type=click.Choice(ORDER[:3]), help="Exit 1 when a verdict is farther than this.")
@click.option(
    "--concurrency", default=1, show_default=True, type=click.IntRange(1, 64), help="Sent at a time."
)
@click.option(
    "--diff/--no-diff", "with_diff", default=None, help="Show the diffs (default: of a single replay)."
)
@pass_context
def command(state: Context, /, what: tuple[str, ...], models: tuple[str, ...], **given: Any) -> None:
    """Send recorded requests again through the router and compare the answers with the originals.

    Each replay is a new exchange that names its original; more than one are grouped in a run.
    """
    flags = _Flags(**given)
    options = flags.options(models)
    suite = next((Path(given) for given in what if given.endswith(ENDINGS)), None)
    if suite is not None:
        if len(what) > 1 or flags.expect:
            raise UsageError("a suite is replayed alone, and says itself what it expects")
        run_suite(state, suite, models, options, concurrency=flags.concurrency)
        return
    with state.reader() as reader:
        batch = _batch(reader, what, models, options, flags.concurrency)
    _check_expectable(batch, flags.expect)
    printing = ReplayPrinter(state, diff=len(batch.jobs) == 1 if flags.with_diff is None else flags.with_diff)
    try:
        state.run(_send(state, batch, printing))
    finally:
        printing.end()
    _check_models(printing.results, models)
    _check(printing.results, flags.expect)


class _Flags(msgspec.Struct, frozen=True, kw_only=True):
    """The command's options, as click gives them."""

    edits: tuple[str, ...]
    playback: bool
    fast: bool
    expect: Verdict | None
    concurrency: int
    with_diff: bool | None

    def options(self, models: Sequence[str]) -> Options:
        """Return what is different this time. Raises UsageError for flags that contradict each other."""
        if self.playback and (models or self.edits):
            raise UsageError("--playback answers from the recording: --model and --set can't change anything")
        if self.fast and not self.playback:
            raise UsageError("--fast belongs to --playback")
        edits = tuple(parse_edit(edit) for edit in self.edits)
        return Options(playback=self.playback, fast=self.fast, edits=edits)


async def _send(state: Context, batch: Batch, printing: ReplayPrinter) -> None:
    with state.store() as store:
        async with state.client() as client:
            await replay_batch(store, client, batch, printing.result)


def _batch(
    reader: Reader, what: Sequence[str], models: Sequence[str], options: Options, concurrency: int
) -> Batch:
    sources = (source for argument in what for source in _sources(reader, argument))
    parent = reader.run(what[0]) if len(what) == 1 and is_run(what[0]) else None
    if parent is not None:
        title = f"replay of {parent.title}"
    else:
        title = f"replay of {what[0]}" if len(what) == 1 else f"replay of {len(what)} things"
    if models:
        title += f" on {', '.join(models)}"
    return Batch(
        jobs=jobs_for(sources, models, options),
        title=title,
        parent=parent.id if parent else None,
        concurrency=concurrency,
    )


def _sources(reader: Reader, argument: str) -> Iterable[Source]:
    if is_run(argument):
        return run_sources(reader, reader.run(argument))
    if is_exchange(argument) or argument == "last":
        return [exchange_source(reader, find(reader, argument).id)]
    path = Path(argument)
    if not path.exists():
        raise UsageError(
            f"{argument!r} is neither an id (ex_…, run_…, last) nor a file", hint="workbench exchanges list"
        )
    return [file_source(path)]


def _check_expectable(batch: Batch, expect: Verdict | None) -> None:
    """Refuse an expectation that nothing can meet, before anything is sent."""
    if expect is None:
        return
    for source, _ in batch.jobs:
        if not source.has_original:
            raise UsageError(f"--expect needs an original, and {source.name} is a file without one")


def _check_models(results: Sequence[Replayed], models: Sequence[str]) -> None:
    """End as a usage error where the router does not know a model that was named here."""
    for replayed in results:
        if replayed.model in models and replayed.replay.exchange.status == 404:
            raise UsageError(
                f"no answer from {replayed.model!r}: {replayed.problem}", hint="workbench models"
            )


def _check(results: Sequence[Replayed], expect: Verdict | None) -> None:
    if expect is None:
        return
    missed = [
        replayed
        for replayed in results
        if replayed.comparison is None or not meets(replayed.comparison.verdict, expect)
    ]
    if missed:
        first = missed[0].comparison
        found = first.verdict if first else "nothing to compare with"
        raise CheckFailed(
            f"{len(missed)} of {len(results)} replays are not {expect} (the first: {found})",
            hint=f"workbench diff {missed[0].source} {missed[0].exchange}" if missed[0].exchange else None,
        )
