"""Several replays as one run: made, sent, judged, and closed whatever happens on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing

import msgspec

from workbench.client import RouterClient
from workbench.replay.group import replay_run
from workbench.replay.resend import Job, Replayed, resend_all
from workbench.store.store import Store

OnResult = Callable[[Replayed], None]


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be replayed together. `parent` is the run that is replayed, when one is."""

    jobs: Sequence[Job]
    title: str
    parent: str | None = None
    concurrency: int = 1


async def replay_batch(
    store: Store, client: RouterClient, batch: Batch, on_result: OnResult | None = None
) -> list[Replayed]:
    """Send the batch's jobs and return their results in order, without bodies; `on_result` hears each, with
    bodies, as it comes.

    Two jobs or more, or a `parent`, get a run of kind ``replay``. Cancelling ends it as ``cancelled``; an
    error ends it as ``failed`` and goes on to the caller. What was sent by then stays recorded.
    """
    if len(batch.jobs) == 1 and batch.parent is None:
        return await _send(store, client, batch, on_result)
    models = {options.model for _, options in batch.jobs if options.model}
    model = models.pop() if len(models) == 1 else None
    async with replay_run(store, batch.title, model=model, parent=batch.parent) as group:
        jobs = [(waiting, msgspec.structs.replace(options, run=group.id)) for waiting, options in batch.jobs]
        results = await _send(store, client, msgspec.structs.replace(batch, jobs=jobs), on_result)
        failed = sum(1 for replayed in results if is_failure(replayed))
        if failed:
            group.failure = f"{failed} of {len(results)} replays failed"
    return results


async def _send(
    store: Store, client: RouterClient, batch: Batch, on_result: OnResult | None
) -> list[Replayed]:
    results = []
    async with aclosing(resend_all(store, client, batch.jobs, concurrency=batch.concurrency)) as replays:
        async for replayed in replays:
            if on_result:
                on_result(replayed)
            results.append(replayed.lean())
    return results


def is_failure(replayed: Replayed) -> bool:
    """Tell whether the replay got no usable answer, though its original (if any) had one."""
    if replayed.comparison is None:
        return replayed.problem is not None
    return replayed.comparison.verdict == "failed"
