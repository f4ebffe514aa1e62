"""Several replays as one run: made, sent, judged, and closed whatever happens on the way."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing

import msgspec
import psutil

from workbench.client import RouterClient
from workbench.domain.ids import RUN, new_id
from workbench.domain.run import Run, RunStatus
from workbench.replay.resend import Options, Replayed, resend_all
from workbench.replay.source import Source
from workbench.store.store import Store

OnResult = Callable[[Replayed], None]


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be replayed together. `parent` is the run that is replayed, when one is."""

    jobs: Sequence[tuple[Source, Options]]
    title: str
    parent: str | None = None
    concurrency: int = 1


async def replay_batch(
    store: Store, client: RouterClient, batch: Batch, on_result: OnResult | None = None
) -> list[Replayed]:
    """Send the batch's jobs and return their results in order; `on_result` hears each as it comes.

    Two jobs or more, or a `parent`, get a run of kind ``replay``. Cancelling ends it as ``cancelled``; an
    error ends it as ``failed`` and goes on to the caller. What was sent by then stays recorded.
    """
    if len(batch.jobs) == 1 and batch.parent is None:
        return await _send(store, client, batch, on_result)
    run = await asyncio.to_thread(_open_run, store, batch)
    grouped = msgspec.structs.replace(
        batch, jobs=[(source, msgspec.structs.replace(o, run=run.id)) for source, o in batch.jobs]
    )
    status: RunStatus = "failed"
    reason: str | None = "an error ended it"
    try:
        results = await _send(store, client, grouped, on_result)
        status, reason = _outcome(results)
    except asyncio.CancelledError:
        status, reason = "cancelled", "the user ended it"
        raise
    finally:
        store.update_run(run.id, status=status, ended_at=_now_us(), stop_reason=reason)
    return results


async def _send(
    store: Store, client: RouterClient, batch: Batch, on_result: OnResult | None
) -> list[Replayed]:
    results = []
    async with aclosing(resend_all(store, client, batch.jobs, concurrency=batch.concurrency)) as replays:
        async for replayed in replays:
            results.append(replayed)
            if on_result:
                on_result(replayed)
    return results


def _open_run(store: Store, batch: Batch) -> Run:
    now = _now_us()
    models = {options.model for _, options in batch.jobs if options.model}
    run = Run(
        id=new_id(RUN, now),
        kind="replay",
        title=batch.title,
        status="running",
        started_at=now,
        model=models.pop() if len(models) == 1 else None,
        parent=batch.parent,
        pid=os.getpid(),
        pid_started=psutil.Process().create_time(),
    )
    store.create_run(run)
    return run


def _outcome(results: Sequence[Replayed]) -> tuple[RunStatus, str | None]:
    failed = sum(1 for replayed in results if is_failure(replayed))
    return ("failed", f"{failed} of {len(results)} replays failed") if failed else ("passed", None)


def is_failure(replayed: Replayed) -> bool:
    """Tell whether the replay got no usable answer, though its original (if any) had one."""
    if replayed.comparison is None:
        return not replayed.replay.ok
    return replayed.comparison.verdict == "failed"


def _now_us() -> int:
    return time.time_ns() // 1000
