"""Recordings on their way to the recorder process, and what it says of them.

Promise: a recording leaves only when the process reported it durable, or refused it; until then it is sent
again after any failure, oldest first, as long as all that waits fits into `HELD_BYTES`. One that the process
can't take, or dies over again and again, is refused, so that it never stands in the way of the others.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from workbench.recording.faults import described
from workbench.recording.state import RecorderState
from workbench.store.operations import Begin, Finish, Flush, Operation

if TYPE_CHECKING:
    import asyncio

    from workbench.recording.protocol import Report
    from workbench.recording.recording import Recording

_log = logging.getLogger(__name__)
HELD_BYTES = 256 * 1024 * 1024
"""Finished recordings kept in memory while the store can't be written; beyond it the oldest are dropped."""
_ON_THE_WAY = 32 * 1024 * 1024
"""Bytes sent ahead of what the process has reported: enough to keep it busy."""
_DEATHS = 3
"""So often the process may die while it has but one operation in hand, before that one is at fault."""


class _Sent(NamedTuple):
    recording: Recording
    operation: Operation
    size: int


class Outbox:
    """What waits and what is on the way; no I/O of its own, used on the event loop only."""

    def __init__(
        self,
        send: Callable[[Operation], int],
        on_refused: Callable[[Recording], None] = lambda _: None,
    ) -> None:
        """`send` passes an operation on and returns its size in bytes; `on_refused` hears of a finished
        recording that nobody will write.
        """
        self._send = send
        self._on_refused = on_refused
        self._waiting: dict[str, Recording] = {}
        self._held = 0
        self._sent: deque[_Sent] = deque()
        self._on_the_way = 0
        self._window = _ON_THE_WAY
        self._suspects = 0
        self._streaming: dict[str, Recording] = {}
        self._futures: dict[str, asyncio.Future[bool]] = {}
        self._committed = 0
        self._dropped = 0
        self._refused = 0
        self.trouble: str | None = None
        """What went wrong last and did not stop recording."""
        self.error: str | None = "the recorder was not started"
        """Why nothing is sent now."""

    @property
    def idle(self) -> bool:
        """Whether everything was reported."""
        return not self._waiting and not self._sent

    @property
    def on_the_way(self) -> int:
        """How many operations the process has not reported."""
        return len(self._sent)

    def put(self, recording: Recording, future: asyncio.Future[bool] | None = None) -> None:
        """Take what a recording has to say; with `future`, it is over, and the future tells when it is
        durable.
        """
        key = recording.exchange.id
        if future is not None:
            self._futures[key] = future
            self._streaming.pop(key, None)
        if recording.refused is not None:
            if future is not None:
                self._give_up(recording)
        elif self.error is None and not self._waiting and self._on_the_way < self._window:
            self._pass_on(recording)
        elif key not in self._waiting or future is not None:
            self._wait(recording)

    def put_streaming(self) -> None:
        """Take what has been written of running answers since the last time."""
        if self.error is None:
            for recording in list(self._streaming.values()):
                self.put(recording)

    def reported(self, report: Report) -> None:
        """Take a report of the process."""
        if report.trouble is not None:
            self.note(report.trouble)
            return
        for index in range(report.done):
            sent = self._sent.popleft()
            self._on_the_way -= sent.size
            self._over(sent, report.refused.get(index))
        if self._suspects:
            self._clear(report.done)
        if report.error is not None:
            self.broken(report.error)
            return
        if not report.done and self.error is not None:
            self.error = None
        while self._waiting and self.error is None and self._on_the_way < self._window:
            self._pass_on(self._pop())

    def note(self, trouble: str) -> None:
        """Keep what went wrong, for `state` and the log."""
        self.trouble = trouble
        _log.error("%s", trouble)

    def lost(self, reason: str) -> None:
        """The process is gone. What it had in hand goes to the next one piece by piece, until it is clear
        that none of it was at fault.
        """
        if self._sent:
            self.note(reason)
            self._suspects, self._window = len(self._sent), 1
        if len(self._sent) == 1:
            suspect = self._sent[0]
            suspect.recording.deaths += 1
            if suspect.recording.deaths >= _DEATHS:
                self._sent.clear()
                self._over(suspect, f"the recorder ended over it {suspect.recording.deaths} times: {reason}")
        self.broken(reason)

    def _clear(self, done: int) -> None:
        """Trust the process with more than one again once it took all that the last one had."""
        self._suspects -= min(done, self._suspects)
        if not self._suspects:
            self._window = _ON_THE_WAY

    def broken(self, error: str) -> None:
        """Stop sending, and take back what was sent and not reported."""
        if self.error is None:
            _log.error("recording is degraded: %s", error)
        self.error = error
        later, self._waiting, self._held = self._waiting, {}, 0
        unwritten = list(self._sent)
        self._sent.clear()
        self._on_the_way = 0
        for sent in reversed(unwritten):
            sent.recording.take_back(sent.operation)
        for recording in (*(sent.recording for sent in unwritten), *later.values()):
            if recording.exchange.id not in self._waiting:
                self._wait(recording)

    def abandon(self) -> None:
        """Give up what was not reported: nobody will write it any more."""
        self.error = "the recorder is closed"
        self.broken(self.error)
        self._dropped += sum(recording.finished for recording in self._waiting.values())
        for key in list(self._waiting):
            self._tell(key, durable=False)
        self._waiting.clear()
        self._streaming.clear()

    def state(self, *, off: bool = False) -> RecorderState:
        """Return how it goes."""
        if off:
            return RecorderState(
                status="off",
                committed=self._committed,
                unrecorded=self._dropped,
                refused=self._refused,
                trouble=self.trouble,
            )
        finished = sum(recording.finished for recording in self._waiting.values()) if self.error else 0
        return RecorderState(
            status="degraded" if self.error else "ok",
            error=self.error,
            unrecorded=self._dropped + finished,
            queued=len(self._waiting) + len(self._sent),
            committed=self._committed,
            refused=self._refused,
            trouble=self.trouble,
        )

    def _pass_on(self, recording: Recording) -> None:
        operation = recording.operation()
        if operation is None:
            return
        try:
            size = self._send(operation)
        except Exception as error:  # it can't be put into a frame
            self._over(_Sent(recording, operation, 0), described(error))
            return
        self._on_the_way += size
        self._sent.append(_Sent(recording, operation, size))

    def _over(self, sent: _Sent, refused: str | None) -> None:
        recording, operation, _ = sent
        if refused is not None:
            self.note(f"{recording.exchange.id} can't be recorded: {refused}")
            if not isinstance(operation, Flush):  # the end brings again what a flush would have
                recording.refused = refused
        if isinstance(operation, Finish):
            # A refused beginning leaves nothing that its end could be added to.
            if recording.refused is not None:
                self._give_up(recording)
            else:
                self._committed += 1
                self._tell(recording.exchange.id, durable=True)
        elif isinstance(operation, Begin) and recording.refused is None and not recording.finished:
            self._streaming[recording.exchange.id] = recording

    def _give_up(self, recording: Recording) -> None:
        self._dropped += 1
        self._refused += 1
        self._tell(recording.exchange.id, durable=False)
        self._on_refused(recording)

    def _tell(self, key: str, *, durable: bool) -> None:
        future = self._futures.pop(key, None)
        if future is not None and not future.done():
            future.set_result(durable)

    def _wait(self, recording: Recording) -> None:
        """Let a recording wait; drop the oldest finished ones when that is too much to hold."""
        self._waiting[recording.exchange.id] = recording
        self._held += recording.held_bytes
        if self.error is None or self._held <= HELD_BYTES:
            return
        for key in [key for key, waiting in self._waiting.items() if waiting.finished]:
            if self._held <= HELD_BYTES:
                break
            self._held -= self._waiting.pop(key).held_bytes
            self._dropped += 1
            self._tell(key, durable=False)

    def _pop(self) -> Recording:
        recording = self._waiting.pop(next(iter(self._waiting)))
        self._held = self._held - recording.held_bytes if self._waiting else 0
        return recording
