"""The recorder: every exchange on its way into the store, without ever blocking the event loop.

Promises: nothing is lost that a client saw complete (`Recording.commit`), even if the router, the recorder
process or both are killed. A store that can't be written never stops serving, unless `required` says
so: it is shown in `state`, retried, and what waits is written when it works again, as long as it fits
into memory. An exchange that can't be written because of a bug is kept as a file, and the others go on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.exchange import Exchange, Headers
from workbench.recording.link import Link
from workbench.recording.outbox import Outbox
from workbench.recording.protocol import End, Prove, Report
from workbench.recording.quarantine import FOLDER, keep
from workbench.recording.recording import Recording
from workbench.recording.state import RecorderState, RecordingRequired

if TYPE_CHECKING:
    from workbench.settings.sections import RecordingSettings
    from workbench.store.operations import Operation

__all__ = ["Recorder", "RecorderState", "Recording", "RecordingRequired"]

_log = logging.getLogger(__name__)
OnEvent = Callable[[str, Exchange], None]
"""Called on the loop with ``started``, ``updated`` or ``finished`` and the exchange."""
_LINGER_S = 0.03
"""How long a request that is not alone waits for its end: many end sooner and are one insert, not two."""
_RETRY_S = 0.5
_LONGEST_RETRY_S = 30.0
"""Pauses between processes that don't come up double up to this."""
_HANG_S = 120.0
"""A process that has work and does not report for so long is replaced. To wait for another process's lock
takes it a few seconds, the largest body not many more.
"""
_START_S = 15.0
"""Longest wait for the first report of a new process: a large store may be migrated then."""


class Recorder:
    """Opens recordings and owns the recorder process. One a router; `instance` is the router's id."""

    def __init__(
        self,
        store_path: Path,
        settings: RecordingSettings,
        *,
        instance: str,
        on_event: OnEvent | None = None,
    ) -> None:
        self._store_path = store_path
        self._settings = settings
        self._instance = instance
        self._on_event = on_event
        self._outbox = Outbox(self._send, self._refused)
        self._reports = 0
        self._starts = 0
        self._seen = (0, 0.0)
        self._keeping: set[asyncio.Task[Path | None]] = set()
        self._link: Link | None = None
        self._young: dict[str, Recording] = {}
        self._deadlines: deque[tuple[float, asyncio.Future[bool]]] = deque()
        self._watching = False
        self._flushing: asyncio.TimerHandle | None = None
        self._retrying: asyncio.Task[None] | None = None
        self._heard = asyncio.Event()
        self._closed = True

    async def start(self) -> None:
        """Start the process; returns once it has tried the store. Never raises for a broken store."""
        self._closed = False
        await self._connect()
        try:
            await asyncio.wait_for(self._heard.wait(), _START_S)
        except TimeoutError:
            self._outbox.error = "the recorder process does not answer"
        self._flush()

    async def close(self) -> None:
        """Write what waits, for at most the acknowledgement deadline, and end the process."""
        if self._closed:
            return
        self._show_young(everything=True)
        if self._flushing is not None:
            self._flushing.cancel()
        await self._emptied(self._settings.ack_deadline_s)
        self._closed = True
        if self._retrying is not None:
            self._retrying.cancel()
        if self._link is not None:
            self._link.send(End())
            await self._link.ended(self._settings.ack_deadline_s)
        self._outbox.abandon()
        if self._keeping:
            await asyncio.wait(self._keeping)

    @property
    def state(self) -> RecorderState:
        """How recording goes, as of now."""
        return self._outbox.state(off=self._closed)

    def open(self, exchange: Exchange, headers: Headers, body: bytes) -> Recording:
        """Begin to record a request. Raises RecordingRequired if settings forbid serving unrecorded."""
        if self._settings.required and self._outbox.error is not None:
            raise RecordingRequired(
                f"recording is required, and the store can't be written: {self._outbox.error}",
                hint="workbench doctor",
            )
        recording = Recording(self, exchange, headers, body)
        if not self._young:
            asyncio.get_running_loop().call_soon(self._look)
        self._young[exchange.id] = recording
        self.changed(recording, "started")
        return recording

    # What recordings need (recording.Sink).

    def changed(self, recording: Recording, kind: str) -> None:
        """Tell the listener; its failure must not cost the client anything."""
        if self._on_event is not None:
            try:
                self._on_event(kind, recording.exchange)
            except Exception:
                _log.exception("a listener of the recorder failed")

    def submit(self, recording: Recording) -> asyncio.Future[bool]:
        """Hand a finished recording to the process."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._young.pop(recording.exchange.id, None)
        self._outbox.put(recording, future)
        return future

    async def durable(self, future: asyncio.Future[bool]) -> bool:
        """Wait until the exchange is committed; False at the deadline (the record is still written if it
        can be).
        """
        if self._outbox.error is not None and not future.done():
            # Known to be broken: waiting would only add the deadline to every answer.
            return False
        self._deadlines.append((time.monotonic() + self._settings.ack_deadline_s, future))
        if not self._watching:
            self._watching = True
            asyncio.get_running_loop().call_later(self._settings.ack_deadline_s / 8, self._pass_deadlines)
        return await future

    def _look(self) -> None:
        """Hand a request over at once that is alone: the process then stores it while the upstream works.
        Where more come, to do that for each would cost all of them more than it saves.
        """
        if len(self._young) == 1 and self._outbox.idle:
            self._outbox.put(self._young.popitem()[1])
        elif self._young:
            asyncio.get_running_loop().call_later(_LINGER_S, self._show_young)

    def _show_young(self, *, everything: bool = False) -> None:
        """Hand over those that did not end meanwhile; come back for those that are younger."""
        for key, recording in list(self._young.items()):
            left = _LINGER_S - recording.age_s
            if left > 0 and not everything:
                asyncio.get_running_loop().call_later(left, self._show_young)
                return
            del self._young[key]
            self._outbox.put(recording)

    def _pass_deadlines(self) -> None:
        """Let those go that have waited too long. One timer for all: one for each would cost every request
        more than handing it over does.
        """
        now = time.monotonic()
        while self._deadlines and (self._deadlines[0][1].done() or self._deadlines[0][0] <= now):
            _give_up(self._deadlines.popleft()[1])
        self._watching = bool(self._deadlines)
        if self._watching:
            asyncio.get_running_loop().call_later(self._settings.ack_deadline_s / 8, self._pass_deadlines)

    def _flush(self) -> None:
        self._outbox.put_streaming()
        self._look_for_a_hang()
        self._flushing = asyncio.get_running_loop().call_later(self._settings.flush_interval_s, self._flush)

    # The line to the process.

    def _send(self, operation: Operation) -> int:
        return self._link.send(operation) if self._link is not None else 0

    async def _connect(self) -> None:
        self._heard.clear()
        self._starts = min(self._starts + 1, 16)
        link = Link(self._reported, self._lost)
        try:
            await link.start(self._store_path, instance=self._instance, redact=self._settings.redact)
        except OSError as error:
            self._lost(f"the recorder process can't be started: {error}")
        else:
            self._link = link

    def _look_for_a_hang(self) -> None:
        reports, since = self._seen
        now = time.monotonic()
        if reports != self._reports or not self._outbox.on_the_way:
            self._seen = self._reports, now
        elif now - since > _HANG_S and self._link is not None:
            self._outbox.note(f"the recorder process did nothing for {now - since:.0f} s and is replaced")
            self._seen = self._reports, now
            self._link.kill()

    def _refused(self, recording: Recording) -> None:
        """Keep it as a file beside the store."""
        folder = self._store_path.parent / FOLDER
        work = asyncio.to_thread(keep, folder, recording.record(), recording.refused or "")
        task = asyncio.create_task(work, name="recorder-quarantine")
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    def _reported(self, report: Report) -> None:
        self._reports += 1
        self._starts = 0
        self._outbox.reported(report)
        self._heard.set()
        if report.error is not None and not self._closed:
            self._try_again()

    def _lost(self, reason: str) -> None:
        self._link = None
        self._heard.set()
        if not self._closed:
            self._outbox.lost(reason)
            self._try_again()

    def _try_again(self) -> None:
        """Ask again in a moment, or start another process, although nothing may wait: with `required`
        nothing ever would.
        """
        if self._retrying is None or self._retrying.done():
            self._retrying = asyncio.create_task(self._retry(), name="recorder-retry")

    async def _retry(self) -> None:
        pause_s = min(_RETRY_S * 2 ** max(self._starts - 1, 0), _LONGEST_RETRY_S)
        await asyncio.sleep(_RETRY_S if self._link is not None else pause_s)
        self._retrying = None
        if self._link is None:
            await self._connect()
        else:
            self._link.send(Prove())

    async def _emptied(self, timeout_s: float) -> None:
        """Wait until everything is written; no longer than that, and not for a store that is broken."""
        end = asyncio.get_running_loop().time() + timeout_s
        while not self._outbox.idle and self._outbox.error is None:
            if asyncio.get_running_loop().time() > end:
                return
            await asyncio.sleep(0.002)


def _give_up(future: asyncio.Future[bool]) -> None:
    if not future.done():
        future.set_result(False)
