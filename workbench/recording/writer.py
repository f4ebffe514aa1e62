"""The writer thread: takes recordings in groups, commits each group in one transaction, tells who waits.

A recording is taken as often as it has something to say: at its begin, every second while it streams, at
its end. If it ends before it was first taken, all of it is one insert.
"""

from __future__ import annotations

import logging
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from workbench.domain.errors import StoreUnavailable
from workbench.recording.enrich import enrich
from workbench.recording.state import RecorderState
from workbench.store.ingest import ExchangeWriter
from workbench.store.operations import Finish, Flush, Operation

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from workbench.recording.recording import Recording
    from workbench.settings import RecordingSettings

_log = logging.getLogger(__name__)
_GROUP = 200
_GROUP_S = 0.1
"""A transaction takes about this long at most, so that nobody waits for the end of a large one."""
_GROUP_BYTES = 32 * 1024 * 1024
_HELD_BYTES = 256 * 1024 * 1024
"""Finished recordings kept in memory while the store can't be written; beyond it the oldest are dropped."""
_RETRY_S = 0.5
_LINGER_S = 0.03
"""How long a request that has just begun waits for its end: most end sooner and are one insert, not two."""


class Writer:
    """Owns the store's write connection; `put` and `put_finished` may be called from the loop at any time."""

    def __init__(self, path: Path, settings: RecordingSettings, instance: str) -> None:
        self._path = path
        self._settings = settings
        self._instance = instance
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._young: dict[str, Recording] = {}
        """Begun a moment ago; the loop's own, so that a short exchange wakes the thread only once."""
        self._queue: SimpleQueue[tuple[Recording, asyncio.Future[bool] | None] | None] = SimpleQueue()
        self._waiting: dict[str, Recording] = {}
        """Taken from the queue and not yet written; the thread's own, like what follows."""
        self._streaming: dict[str, Recording] = {}
        self._futures: dict[str, asyncio.Future[bool]] = {}
        self._store: ExchangeWriter | None = None
        self._closing = False
        self._tried = threading.Event()
        self._group = _GROUP
        self._committed = 0
        self._dropped = 0
        self.error: str | None = None

    # On the event loop.

    async def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the thread and wait until it has tried to open the store."""
        self._loop = loop
        self._closing = False
        self._tried.clear()
        self._thread = threading.Thread(target=self._run, name="workbench-recorder", daemon=True)
        self._thread.start()
        await loop.run_in_executor(None, self._tried.wait)

    def put(self, recording: Recording) -> None:
        """Take a recording that has just begun."""
        if self._loop is None:
            return
        if not self._young:
            self._loop.call_later(_LINGER_S, self._show_young)
        self._young[recording.exchange.id] = recording

    def put_finished(self, recording: Recording, future: asyncio.Future[bool]) -> None:
        """Take a recording that is over; `future` becomes True when it is durable."""
        if self._thread is None:
            future.set_result(False)
            return
        self._young.pop(recording.exchange.id, None)
        self._queue.put((recording, future))

    def _show_young(self) -> None:
        """Hand over those that did not end meanwhile; come back for those that are younger."""
        for key, recording in list(self._young.items()):
            left = _LINGER_S - recording.age_s
            if left > 0 and self._loop is not None:
                self._loop.call_later(left, self._show_young)
                return
            del self._young[key]
            self._queue.put((recording, None))

    def state(self) -> RecorderState:
        """Return how it goes."""
        if self._thread is None:
            return RecorderState(status="off", committed=self._committed, unrecorded=self._dropped)
        waiting = list(self._waiting.values())
        finished = sum(recording.finished for recording in waiting) if self.error else 0
        queued = len(waiting) + self._queue.qsize()
        return RecorderState(
            status="degraded" if self.error else "ok",
            error=self.error,
            unrecorded=self._dropped + finished,
            queued=queued,
            committed=self._committed,
        )

    def close(self, timeout_s: float) -> None:
        """Write what waits, then end the thread. Blocks; call it off the loop."""
        thread = self._thread
        if thread is None:
            return
        for recording in self._young.values():
            self._queue.put((recording, None))
        self._young.clear()
        self._closing = True
        self._queue.put(None)
        thread.join(timeout_s + 1)
        self._thread = None

    # In the thread.

    def _run(self) -> None:
        self._open()
        self._tried.set()
        flush_at = time.monotonic() + self._settings.flush_interval_s
        while True:
            group = self._take(flush_at)
            if time.monotonic() >= flush_at:
                group.update(self._streaming)
                flush_at = time.monotonic() + self._settings.flush_interval_s
            if group and not self._write(list(group.values())):
                self._rest()
            elif not group and self.error is not None:
                self._try_again()
            self._maintain()
            if self._closing and ((not self._waiting and self._queue.empty()) or self.error is not None):
                break
        self._shut()

    def _take(self, until: float) -> dict[str, Recording]:
        """Wait for work or the next flush; return a group, oldest first."""
        if not self._waiting:
            self._receive(until - time.monotonic())
        while not self._queue.empty():
            self._receive(0)
        group: dict[str, Recording] = {}
        size = 0
        while self._waiting and len(group) < self._group and size < _GROUP_BYTES:
            key = next(iter(self._waiting))
            group[key] = self._waiting.pop(key)
            size += group[key].held_bytes
        return group

    def _receive(self, wait_s: float) -> None:
        """Move one recording from the queue to those that wait."""
        try:
            item = self._queue.get(timeout=max(0.0, wait_s))
        except Empty:
            return
        if item is None:
            return
        recording, future = item
        self._waiting[recording.exchange.id] = recording
        if future is not None:
            self._futures[recording.exchange.id] = future

    def _write(self, group: list[Recording]) -> bool:
        """Commit a group; False when the store can't be written now, and the group waits again."""
        if self._store is None:
            self._open()
        store = self._store
        if store is None:
            self._back(group)
            return False
        taken = [(recording, operation) for recording in group if (operation := self._operation(recording))]
        began = time.monotonic()
        try:
            store.apply([operation for _, operation in taken])
        except StoreUnavailable as error:
            self._broken(error)
            _take_back(taken)
            self._back(group)
            return False
        except Exception:
            _log.exception("a group of %d could not be recorded at once; trying one by one", len(taken))
            return self._one_by_one(store, taken)
        self.error = None
        if len(taken) == self._group:
            share = _GROUP_S / max(time.monotonic() - began, 1e-4)
            self._group = max(1, min(_GROUP, int(self._group * min(2.0, share))))
        for recording, operation in taken:
            self._done(recording, operation, durable=True)
        self._tell([recording for recording, operation in taken if isinstance(operation, Finish)], True)
        return True

    def _maintain(self) -> None:
        """Let the store train what it compresses with; nobody waits for that, and it may fail."""
        if self._store is None:
            return
        try:
            self._store.maintain()
        except StoreUnavailable as error:
            self._broken(error)

    def _one_by_one(self, store: ExchangeWriter, taken: list[tuple[Recording, Operation]]) -> bool:
        for index, (recording, operation) in enumerate(taken):
            try:
                store.apply([operation])
            except StoreUnavailable as error:
                self._broken(error)
                _take_back(taken[index:])
                self._back([recording for recording, _ in taken[index:]])
                return False
            except Exception:
                # One that the store refuses must not stand in the way of all others.
                _log.exception("exchange %s can't be recorded", recording.exchange.id)
                self._dropped += 1
                self._done(recording, operation, durable=False)
                self._tell([recording], False)
                continue
            self._done(recording, operation, durable=True)
            self._tell([recording] if isinstance(operation, Finish) else [], True)
        return True

    def _operation(self, recording: Recording) -> Operation | None:
        if recording.finished:
            if recording.exchange.id not in self._futures:
                return None  # it has just ended, and comes through the queue as well
            finish = recording.finish_operation()
            enrich(finish)
            return finish
        return recording.flush_operation() if recording.begun else recording.begin_operation()

    def _done(self, recording: Recording, operation: Operation, *, durable: bool) -> None:
        key = recording.exchange.id
        if isinstance(operation, Finish):
            self._streaming.pop(key, None)
            self._committed += durable
        elif durable:
            recording.begun = True
            self._streaming[key] = recording

    def _tell(self, finished: list[Recording], durable: bool) -> None:
        if not finished or self._loop is None:
            return
        futures = [self._futures.pop(recording.exchange.id, None) for recording in finished]
        known = [future for future in futures if future is not None]
        try:
            self._loop.call_soon_threadsafe(_resolve, known, durable)
        except RuntimeError:
            _log.debug("the loop is closed; nobody waits for the commit any more")

    def _back(self, group: list[Recording]) -> None:
        """Let a group wait again, before what came since; drop the oldest finished ones if that is too
        much.
        """
        self._waiting = {recording.exchange.id: recording for recording in group} | self._waiting
        held = sum(recording.held_bytes for recording in self._waiting.values())
        for key, recording in list(self._waiting.items()):
            if held <= _HELD_BYTES:
                break
            if recording.finished:
                held -= recording.held_bytes
                del self._waiting[key]
                self._futures.pop(key, None)
                self._dropped += 1

    def _open(self) -> None:
        try:
            self._store = ExchangeWriter.open(
                self._path, instance=self._instance, redact=self._settings.redact
            )
        except StoreUnavailable as error:
            self._broken(error)
        except Exception as error:
            _log.exception("the store can't be opened")
            self._broken(StoreUnavailable(str(error)))

    def _try_again(self) -> None:
        """Find out whether the store works again although nothing waits: with `required`, nothing ever
        would.
        """
        if self._store is None:
            self._open()
        if self._store is None:
            return
        try:
            self._store.prove()
        except StoreUnavailable as error:
            self._broken(error)
        else:
            self.error = None

    def _broken(self, error: StoreUnavailable) -> None:
        if self.error is None:
            _log.error("recording is degraded: %s", error)
        self.error = error.message
        if self._store is not None:
            # A connection may hold on to a broken file; a new one sees what is there now.
            self._store.close()
            self._store = None

    def _rest(self) -> None:
        until = time.monotonic() + _RETRY_S
        while not self._closing and (left := until - time.monotonic()) > 0:
            self._receive(left)

    def _shut(self) -> None:
        if self._store is not None:
            self._store.close(ended=True)
            self._store = None
        left = [recording for recording in self._waiting.values() if recording.finished]
        self._dropped += len(left)
        self._tell(left, False)


def _take_back(taken: list[tuple[Recording, Operation]]) -> None:
    """Undo what making an operation noted, since it was not written."""
    for recording, operation in taken:
        if isinstance(operation, Flush):
            recording.take_back(operation)


def _resolve(futures: list[asyncio.Future[bool]], durable: bool) -> None:
    for future in futures:
        if not future.done():
            future.set_result(durable)
