"""Sending exchanges again from the app: one thread, one client, results as they come."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from textual.message import Message

from workbench.tui.calls import call
from workbench.tui.messages import RouterStatus, Trouble

if TYPE_CHECKING:
    from workbench.client import RouterClient
    from workbench.replay.resend import Replayed
    from workbench.replay.source import Source as ReplaySource
    from workbench.tui.source import Source


class Sending(msgspec.Struct, frozen=True):
    """One thing to send: an exchange, maybe to another model, maybe with another body."""

    exchange: str
    model: str | None = None
    body: bytes | None = None


class Sent(Message):
    """One answer came: the replay with its verdict, or why there is none."""

    def __init__(self, index: int, replayed: Replayed | None, trouble: Trouble | None = None) -> None:
        super().__init__()
        self.index = index
        self.replayed = replayed
        self.trouble = trouble


class AllSent(Message):
    """The thread has ended; `trouble` says why it ended early."""

    def __init__(self, trouble: Trouble | None) -> None:
        super().__init__()
        self.trouble = trouble


class Resender(threading.Thread):
    """Sends several in order, or one to several models at once. `cancel` ends what is under way."""

    def __init__(
        self, source: Source, status: RouterStatus, jobs: list[Sending], post: Callable[[Message], object]
    ) -> None:
        super().__init__(name="resend", daemon=True)
        self._source, self._status, self._jobs, self._post = source, status, jobs, post
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """End what is under way; nothing more is sent."""
        self.cancelled = True
        if self._loop is not None and self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)

    def run(self) -> None:
        trouble: Trouble | None = None
        try:
            call(self._status, self._send_all)
        except asyncio.CancelledError:
            trouble = Trouble("cancelled")
        except Exception as error:
            trouble = Trouble.of(error)
        self._post(AllSent(trouble))

    async def _send_all(self, client: RouterClient) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        several = len({job.exchange for job in self._jobs}) > 1
        async with self._group(several) as run:
            # Several models of one request may go at once; a conversation's requests keep their order.
            gate = asyncio.Semaphore(1 if several else 4)
            async with asyncio.TaskGroup() as tasks:
                for index, job in enumerate(self._jobs):
                    tasks.create_task(self._send(client, gate, index, job, run), name=f"resend {index}")

    @contextlib.asynccontextmanager
    async def _group(self, several: bool) -> Any:
        if not several:
            yield None
            return
        from workbench.replay.group import replay_run
        from workbench.store.store import Store

        title = f"{len(self._jobs)} exchanges again"
        with Store.open(self._source.home.store) as store:
            async with replay_run(store, title) as group:
                yield group.id

    async def _send(
        self, client: RouterClient, gate: asyncio.Semaphore, index: int, job: Sending, run: str | None
    ) -> None:
        from workbench.replay.resend import Options, resend
        from workbench.replay.source import exchange_source

        async with gate:
            try:
                source = _edited(exchange_source(self._source.reader(), job.exchange), job.body)
                options = Options(model=job.model, run=run)
                replayed = await resend(self._source.reader(), client, source, options)
            except Exception as error:
                self._post(Sent(index, None, Trouble.of(error)))
            else:
                self._post(Sent(index, replayed))


def _edited(source: ReplaySource, body: bytes | None) -> ReplaySource:
    if body is None:
        return source
    payload = msgspec.structs.replace(source.payload, body=body)
    return msgspec.structs.replace(source, payload=payload)
