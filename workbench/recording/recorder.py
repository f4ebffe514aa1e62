"""The recorder: every exchange on its way into the store, without ever blocking the event loop.

Promises: nothing is lost that a client saw complete (`Recording.commit`). A store that can't be written never
stops serving, unless `required` says so: it is shown in `state`, retried, and what waits is written
when it works again, as long as it fits into memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.exchange import Exchange, Headers
from workbench.recording.recording import Recording
from workbench.recording.state import RecorderState, RecordingRequired
from workbench.recording.writer import Writer

if TYPE_CHECKING:
    from workbench.settings import RecordingSettings

__all__ = ["Recorder", "RecorderState", "Recording", "RecordingRequired"]

_log = logging.getLogger(__name__)
OnEvent = Callable[[str, Exchange], None]
"""Called on the loop with ``started``, ``updated`` or ``finished`` and the exchange."""


class Recorder:
    """Opens recordings and owns the writer thread. One a router; `instance` is the router's id."""

    def __init__(
        self,
        store_path: Path,
        settings: RecordingSettings,
        *,
        instance: str,
        on_event: OnEvent | None = None,
    ) -> None:
        self._settings = settings
        self._on_event = on_event
        self._writer = Writer(store_path, settings, instance)

    async def start(self) -> None:
        """Start the writer; returns once it has tried the store. Never raises for a broken store."""
        await self._writer.start(asyncio.get_running_loop())

    async def close(self) -> None:
        """Write what waits, for at most the acknowledgement deadline, and end the writer."""
        await asyncio.to_thread(self._writer.close, self._settings.ack_deadline_s)

    @property
    def state(self) -> RecorderState:
        """How recording goes, as of now."""
        return self._writer.state()

    def open(self, exchange: Exchange, headers: Headers, body: bytes) -> Recording:
        """Begin to record a request. Raises RecordingRequired if settings forbid serving unrecorded."""
        if self._settings.required and self._writer.error is not None:
            raise RecordingRequired(
                f"recording is required, and the store can't be written: {self._writer.error}",
                hint="workbench doctor",
            )
        recording = Recording(self, exchange, headers, body)
        self._writer.put(recording)
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
        """Hand a finished recording to the writer."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._writer.put_finished(recording, future)
        return future

    async def durable(self, future: asyncio.Future[bool]) -> bool:
        """Wait until the writer committed; False at the deadline (the record is still written if it can
        be).
        """
        if self._writer.error is not None and not future.done():
            # Known to be broken: waiting would only add the deadline to every answer.
            return False
        # A timer of its own: asyncio.wait costs as much as the rest of recording on the loop.
        deadline = asyncio.get_running_loop().call_later(self._settings.ack_deadline_s, _give_up, future)
        try:
            return await future
        finally:
            deadline.cancel()


def _give_up(future: asyncio.Future[bool]) -> None:
    if not future.done():
        future.set_result(False)
