"""The run around several replays: made before the first, closed whatever happens on the way."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator

import psutil

from workbench.domain.ids import RUN, new_id
from workbench.domain.run import Run, RunStatus
from workbench.store.store import Store


class Group:
    """An open run of kind ``replay``. Set `failure` to end it as failed, with those words."""

    def __init__(self, run_id: str) -> None:
        self.id = run_id
        self.failure: str | None = None


@contextlib.asynccontextmanager
async def replay_run(
    store: Store, title: str, *, model: str | None = None, parent: str | None = None
) -> AsyncIterator[Group]:
    """Make a run, give it to the block, close it: passed, or failed as the block says.

    Cancelling the block ends it as ``cancelled``, an error as ``failed``; both go on to the caller.
    """
    run = _new_run(title, model, parent)
    await asyncio.to_thread(store.create_run, run)
    group = Group(run.id)
    status: RunStatus = "failed"
    try:
        yield group
        status = "failed" if group.failure else "passed"
    except asyncio.CancelledError:
        status, group.failure = "cancelled", "the user ended it"
        raise
    except Exception as error:
        group.failure = str(error)
        raise
    finally:
        # On this thread: a cancelled task must not wait for another one.
        store.update_run(run.id, status=status, ended_at=_now_us(), stop_reason=group.failure)


def _new_run(title: str, model: str | None, parent: str | None) -> Run:
    now = _now_us()
    return Run(
        id=new_id(RUN, now),
        kind="replay",
        title=title,
        status="running",
        started_at=now,
        model=model,
        parent=parent,
        pid=os.getpid(),
        pid_started=psutil.Process().create_time(),
    )


def _now_us() -> int:
    return time.time_ns() // 1000
