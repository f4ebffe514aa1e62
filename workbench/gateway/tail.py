"""The live tail: what ``GET /internal/events`` streams.

Delivery: at most once. A subscriber that reads too slowly loses the oldest events and is told how many;
nothing here ever slows an exchange down. Whoever needs every exchange reads the store.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from workbench.domain.exchange import Exchange
from workbench.gateway.sse import event

KEEP_ALIVE_S = 15.0
MAX_WAITING = 1_000


class _Subscriber:
    __slots__ = ("dropped", "events", "wake")

    def __init__(self) -> None:
        self.events: deque[bytes] = deque()
        self.dropped = 0
        self.wake = asyncio.Event()


class Tail:
    """Hands the recorder's events to everyone who listens. Make it on the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._subscribers: set[_Subscriber] = set()
        self._closed = False

    def publish(self, name: str, exchange: Exchange) -> None:
        """Send ``started``, ``updated`` or ``finished`` to all subscribers. Callable from any thread."""
        if not self._subscribers:
            return
        document = exchange.to_json()
        if threading.get_ident() == self._thread:
            self._deliver(name, document)
        elif not self._closed:
            self._loop.call_soon_threadsafe(self._deliver, name, document)

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        for subscriber in self._subscribers:
            subscriber.wake.set()

    async def stream(self, keep_alive_s: float = KEEP_ALIVE_S) -> AsyncIterator[bytes]:
        """Yield events as SSE bytes until the tail is closed, with a comment when all is quiet."""
        subscriber = _Subscriber()
        self._subscribers.add(subscriber)
        try:
            yield b": workbench events\n\n"
            while not self._closed:
                yield await _next(subscriber, keep_alive_s)
        finally:
            self._subscribers.discard(subscriber)

    def _deliver(self, name: str, document: dict[str, Any]) -> None:
        data = event(document, name)
        for subscriber in self._subscribers:
            if len(subscriber.events) >= MAX_WAITING:
                subscriber.events.popleft()
                subscriber.dropped += 1
            subscriber.events.append(data)
            subscriber.wake.set()


async def _next(subscriber: _Subscriber, keep_alive_s: float) -> bytes:
    if not subscriber.events:
        subscriber.wake.clear()
        try:
            await asyncio.wait_for(subscriber.wake.wait(), keep_alive_s)
        except TimeoutError:
            return b": keep-alive\n\n"
    parts = list(subscriber.events)
    subscriber.events.clear()
    if subscriber.dropped:
        parts.insert(0, event({"dropped": subscriber.dropped}, "dropped"))
        subscriber.dropped = 0
    return b"".join(parts)
