"""One exchange while it happens: what the gateway feeds, and what the writer takes from it.

Promise: `commit` returns True only after the exchange is committed to the store, so an end that was sent
after it survives ``kill -9`` of the router.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from workbench.domain.exchange import Attempt, Exchange, Headers, State, Write
from workbench.store.operations import Arrived, AttemptRecord, Begin, Finish, Flush, Operation

if TYPE_CHECKING:
    import asyncio

    from workbench.store.transfer.record import Record


class Sink(Protocol):
    """What a recording needs of its recorder."""

    def changed(self, recording: Recording, kind: str) -> None:
        """Tell listeners that the exchange was `started`, `updated` or `finished`."""

    def submit(self, recording: Recording) -> asyncio.Future[bool]:
        """Hand the finished exchange on; the future is True once it is durable."""

    async def durable(self, future: asyncio.Future[bool]) -> bool:
        """Wait for the future, at most as long as the settings allow."""
        ...


class Recording:
    """The record of one exchange; used on the event loop only, never blocks.

    `exchange` and `response_headers` are filled in by the caller as things become known.
    """

    def __init__(self, sink: Sink, exchange: Exchange, headers: Headers, body: bytes) -> None:
        self.exchange = exchange
        self.response_headers: Headers = []
        self.begun = False
        """The request is on its way into the store, or there."""
        self.finished = False
        self.refused: str | None = None
        """Why the store can't take it, because something about it is wrong."""
        self.deaths = 0
        """How often the recorder process died over it alone."""
        self._sink = sink
        self._durable: asyncio.Future[bool] | None = None
        self._headers = headers
        self._request = body
        self._attempts: dict[int, AttemptRecord] = {}
        self._pieces: list[bytes] = []
        self._writes: list[Write] = []
        self._flushed = 0
        self._flushes = 0
        # The head arrived at `started_at` by the wall clock; from here on only the steady clock counts.
        self._offset_us = max(0, time.time_ns() // 1000 - exchange.started_at)
        self._opened = time.perf_counter()
        exchange.request_bytes = len(body)

    def _elapsed_us(self) -> int:
        return self._offset_us + round((time.perf_counter() - self._opened) * 1e6)

    def attempt(
        self, attempt: Attempt, *, request: bytes | None = None, response: bytes | None = None
    ) -> None:
        """Add an attempt, or replace the one of that number; bytes only where they differ from the
        client's.
        """
        known = self._attempts.get(attempt.number)
        if known is not None:
            request = known.request if request is None else request
            response = known.response if response is None else response
        self._attempts[attempt.number] = AttemptRecord(attempt=attempt, request=request, response=response)
        self.exchange.attempts = len(self._attempts)

    def write(self, data: bytes) -> None:
        """Note bytes that go to the client now, the terminal ones included."""
        if not data:
            return
        at = self._elapsed_us()
        if self.exchange.ttft_ms is None:
            self.exchange.ttft_ms = at / 1000
            self._sink.changed(self, "updated")
        self._pieces.append(data)
        self._writes.append(Write(len(data), at))
        self.exchange.response_bytes += len(data)

    async def commit(self) -> bool:
        """Finish the exchange and wait until it is durable; False when the deadline passed first.

        A state still ``running`` becomes ``complete``. Nothing may be written afterwards.
        """
        self.end()
        return await self.durable()

    def end(self) -> None:
        """Finish the exchange, as `commit`, and have it written; `durable` waits for that."""
        if not self.finished:
            self._finish("complete")
            self._durable = self._sink.submit(self)

    async def durable(self) -> bool:
        """Wait until what `end` handed on is durable; False when the deadline passed first."""
        return self._durable is not None and await self._sink.durable(self._durable)

    def abort(self, state: State, error: str | None) -> None:
        """Finish without waiting, because the client has left or the answer broke."""
        if self.finished:
            return
        if error is not None:
            self.exchange.error = error
        self._finish(state)
        self._sink.submit(self)

    def _finish(self, state: State) -> None:
        self.finished = True
        if self.exchange.state == "running":
            self.exchange.state = state
        self.exchange.latency_ms = self._elapsed_us() / 1000
        self._sink.changed(self, "finished")

    # What goes to the recorder process.

    def operation(self) -> Operation | None:
        """Return what the store does not have yet; None for nothing. Counts as written until `take_back`."""
        if self.finished:
            return self.finish_operation()
        if self.begun:
            return self.flush_operation()
        self.begun = True
        return self.begin_operation()

    def begin_operation(self) -> Begin:
        """Return the operation that makes the row visible."""
        return Begin(exchange=self.exchange, headers=self._headers, body=self._request)

    def flush_operation(self) -> Flush | None:
        """Return what has been written since the last flush, up to a line's end; None for nothing."""
        count = len(self._pieces)
        while count > self._flushed and not self._pieces[count - 1].endswith((b"\n", b"}")):
            count -= 1
        if count <= self._flushed:
            return None
        pieces, writes = self._pieces[self._flushed : count], self._writes[self._flushed : count]
        self._flushed = count
        self._flushes += 1
        return Flush(
            id=self.exchange.id,
            number=self._flushes,
            data=b"".join(pieces),
            writes=writes,
            exchange=self.exchange,
        )

    def take_back(self, operation: Operation) -> None:
        """Note that an operation was not written: what it brought comes again. Newest first."""
        if isinstance(operation, Begin):
            self.begun = False
        elif isinstance(operation, Flush):
            self._flushed -= len(operation.writes)
            self._flushes -= 1

    def finish_operation(self) -> Finish:
        """Return the operation that ends the exchange; it holds the request too while that is not stored."""
        return Finish(
            exchange=self.exchange,
            headers=self.response_headers,
            body=b"".join(self._pieces),
            writes=self._writes,
            attempts=list(self._attempts.values()),
            begin=None if self.begun else Arrived(headers=self._headers, body=self._request),
        )

    def record(self) -> Record:
        """Return all of it, for a file."""
        from workbench.store.transfer.record import AttemptCopy, Record

        copies = [
            AttemptCopy(attempt=one.attempt, request=one.request, response=one.response)
            for one in self._attempts.values()
        ]
        return Record(
            exchange=self.exchange,
            request_headers=self._headers,
            request=self._request,
            response_headers=self.response_headers,
            response=b"".join(self._pieces),
            writes=self._writes,
            attempts=copies,
        )

    @property
    def age_s(self) -> float:
        """Seconds since it was opened."""
        return time.perf_counter() - self._opened

    @property
    def held_bytes(self) -> int:
        """Memory this recording holds, about."""
        return len(self._request) + self.exchange.response_bytes
