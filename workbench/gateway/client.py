"""The client's side of one request: its body, its presence, and what is sent to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from workbench.gateway.problems import Problem, too_large

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = MutableMapping[str, Any]

BODY_IDLE_S = 60.0
"""Longest wait for the next piece of a request's body."""
_DISCARD_S = 2.0
_WATCH_AFTER_S = 0.02


class ClientLeft(Exception):
    """The client's connection ended before its request was there."""


async def read_body(receive: Receive, limit: int, declared: bytes | None) -> bytes:
    """Return the request's whole body.

    `declared` is the ``Content-Length`` as sent. Raises Problem (413 above `limit` bytes, 408 when the
    client stops sending) and ClientLeft.
    """
    if declared is not None and declared.isdigit() and int(declared) > limit:
        await _discard(receive)
        raise too_large(limit)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientLeft
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(body) > limit:
            raise too_large(limit)
        return body
    return await _read_rest(receive, limit, body)


async def _read_rest(receive: Receive, limit: int, first: bytes) -> bytes:
    parts, size = [first], len(first)
    while True:
        try:
            message = await asyncio.wait_for(receive(), BODY_IDLE_S)
        except TimeoutError:
            raise Problem(
                408, "request_timeout", "the request's body stopped coming", retryable=True
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientLeft
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            await _discard(receive)
            raise too_large(limit)
        if not message.get("more_body"):
            return b"".join(parts)


async def _discard(receive: Receive) -> None:
    """Read on for a moment: a client that is still sending would see a reset instead of the answer."""
    try:
        async with asyncio.timeout(_DISCARD_S):
            while (await receive()).get("more_body"):
                pass
    except TimeoutError:
        return


class Newcomers:
    """Presences that began a moment ago and are not watched yet.

    They share one timer: to set and to cancel one for each request would cost more than all limits together.
    """

    __slots__ = ("_last", "_ticking", "_young")

    def __init__(self) -> None:
        self._young: set[Presence] = set()
        self._last: set[Presence] = set()
        self._ticking = False

    def add(self, presence: Presence) -> None:
        """Watch it in 20 to 40 ms, unless it is discarded before."""
        self._young.add(presence)
        if not self._ticking:
            self._ticking = True
            asyncio.get_running_loop().call_later(_WATCH_AFTER_S, self._tick)

    def discard(self, presence: Presence) -> None:
        """Let it go unwatched."""
        self._young.discard(presence)
        self._last.discard(presence)

    def _tick(self) -> None:
        grown, self._last, self._young = self._last, self._young, set()
        for presence in grown:
            presence.watch()
        self._ticking = bool(self._last)
        if self._ticking:
            asyncio.get_running_loop().call_later(_WATCH_AFTER_S, self._tick)


class Presence:
    """Ends the block's task when the client goes away.

    As an async context manager it swallows the cancellation that it caused, and `gone` tells of it. ASGI
    tells of a client that left by `receive` only, so somebody has to wait there. That somebody is a task that
    starts after a moment: most plain answers are over by then and do not pay for it.
    """

    __slots__ = ("_newcomers", "_receive", "_stopped", "_task", "_watcher", "gone")

    def __init__(self, receive: Receive, newcomers: Newcomers) -> None:
        self._receive = receive
        self._newcomers = newcomers
        self._task: asyncio.Task[Any] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._stopped = False
        self.gone = False
        """The client left."""

    async def __aenter__(self) -> Presence:
        self._task = asyncio.current_task()
        self._newcomers.add(self)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self.stop()
        if self.gone and self._task is not None and kind is asyncio.CancelledError:
            self._task.uncancel()
            return True
        return False

    def stop(self) -> None:
        """Stop watching; from now on nothing is cancelled."""
        self._stopped = True
        self._newcomers.discard(self)
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None

    def watch(self) -> None:
        """Begin to wait for the client's leaving."""
        self._watcher = asyncio.create_task(self._watch(), name="client-presence")

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self._stopped and self._task is not None:
            self.gone = True
            self._task.cancel()
