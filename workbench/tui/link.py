"""Two threads of the app: one keeps an eye on the router, one on the store. Both only post messages.

They are daemon threads of our own and not workers: leaving the app never waits for them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.message import Message

from workbench.tui.messages import RouterChanged, RouterStatus, StoreChanged, StoreState, Trouble

if TYPE_CHECKING:
    from workbench.client import RouterClient
    from workbench.control.locate import RouterAddress
    from workbench.tui.source import Source

Post = Callable[[Message], object]

STORE_POLL_S = 0.25
ROUTER_POLL_S = 2.0


class StoreWatch(threading.Thread):
    """Posts `StoreChanged` within a quarter of a second after any commit, whichever process made it."""

    def __init__(self, source: Source, post: Post) -> None:
        super().__init__(name="store-watch", daemon=True)
        self._source = source
        self._post = post
        self._stop = threading.Event()

    def stop(self) -> None:
        """End soon."""
        self._stop.set()

    def run(self) -> None:
        token: int | None = None
        trouble: Trouble | None = None
        told = False
        while not self._stop.is_set():
            try:
                now = self._source.reader().change_token()
                problem = None
            except Exception as error:
                now, problem = None, Trouble.of(error)
            if problem != trouble or not told:
                trouble, told = problem, True
                self._post(StoreState(trouble))
            if now is not None and now != token:
                token = now
                self._post(StoreChanged())
            self._stop.wait(STORE_POLL_S if problem is None else 1.0)


class RouterWatch(threading.Thread):
    """Finds the router, starts it once if none answers, then reads its status every two seconds."""

    def __init__(self, source: Source, post: Post, *, start: bool) -> None:
        super().__init__(name="router-watch", daemon=True)
        self._source = source
        self._post = post
        self._start_wanted = start
        self._ended = False
        self._again: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._address: RouterAddress | None = None
        self._note: str | None = None

    def stop(self) -> None:
        """End soon."""
        self._ended = True
        self.hurry()

    def start_router(self) -> None:
        """Start the router if it is down."""
        self._start_wanted = True
        self.hurry()

    def hurry(self) -> None:
        """Read the status now."""
        if self._loop is not None and self._again is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._again.set)

    def run(self) -> None:
        asyncio.run(self._watch())

    async def _watch(self) -> None:
        self._loop, self._again = asyncio.get_running_loop(), asyncio.Event()
        while not self._ended:
            try:
                await self._serve_one()
            except Exception as error:
                self._post(RouterChanged(RouterStatus(state="down", trouble=Trouble.of(error))))
            await self._wait()

    async def _wait(self) -> None:
        assert self._again is not None
        try:
            await asyncio.wait_for(self._again.wait(), ROUTER_POLL_S)
        except TimeoutError:
            return
        self._again.clear()

    async def _serve_one(self) -> None:
        """Follow one router from the moment it is found until it stops answering."""
        address = self._find()
        if address is None:
            hint = "press 4, then s, to start it"
            self._post(RouterChanged(RouterStatus(state="down", trouble=Trouble("router not running", hint))))
            return
        from workbench.client import RouterClient

        async with RouterClient(address.base_url, address.key, timeout=10) as client:
            while not self._ended:
                self._post(RouterChanged(await _status(client, address)))
                await self._wait()

    def _find(self) -> RouterAddress | None:
        """Block: nothing else runs in this thread."""
        from workbench.control.home import ensure_home
        from workbench.control.locate import find_router
        from workbench.control.process import start_router

        ensure_home(self._source.home)
        found = find_router(self._source.home)
        if found is None and self._start_wanted:
            self._post(RouterChanged(RouterStatus(state="starting")))
            self._start_wanted = False
            found = start_router(self._source.home)
        self._start_wanted = False
        return found


async def _status(client: RouterClient, address: RouterAddress) -> RouterStatus:
    data: dict[str, Any] = await client.status()
    recorder = data.get("recorder") or {}
    recording = str(recorder.get("status") or "")
    return RouterStatus(
        state="ok" if recording in {"ok", ""} else "degraded",
        base_url=address.base_url,
        key=address.key,
        pid=address.pid,
        version=str(data.get("version") or address.version),
        recording=recording,
        recording_error=recorder.get("error"),
        unrecorded=int(recorder.get("unrecorded") or 0),
        recording_trouble=recorder.get("trouble"),
        in_flight=int(data.get("in_flight") or 0),
        cost_today_usd=data.get("cost_today_usd"),
        profile=str(data.get("profile") or ""),
        tenants=len(data.get("tenants") or ()),
        uptime_s=float(data.get("uptime_s") or 0),
        groups=tuple(data.get("groups") or ()),
    )
