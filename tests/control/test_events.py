"""Following the router's events across its end and its return."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from workbench.client import CHAT, RouterClient
from workbench.control import events
from workbench.control.events import follow_events
from workbench.control.process import ensure_router, stop_router
from workbench.domain.errors import RouterUnreachable
from workbench.domain.payload import Payload

HELLO = Payload(endpoint=CHAT, body=b'{"model":"demo","messages":[{"role":"user","content":"hi"}]}')


async def send(address):
    async with RouterClient(address.base_url, address.key) as client:
        return (await client.send(HELLO)).exchange


async def finished(stream):
    async for event in stream:
        if event.kind == "finished":
            return event.exchange["id"]
    return None


async def test_events_go_on_after_a_restart(live_home, monkeypatch):
    """A follower sees the router go and come back, and nothing that happens after `connected` is missed."""
    monkeypatch.setattr(events, "RETRY_S", 0.05)
    first = await ensure_router(live_home)
    async with aclosing(follow_events(live_home)) as stream:
        assert (await anext(stream)).kind == "connected"
        assert await send(first) == await finished(stream)
        await asyncio.to_thread(stop_router, live_home)
        assert (await anext(stream)).kind == "disconnected"
        second = await ensure_router(live_home)
        while (event := await anext(stream)).kind != "connected":
            assert event.kind == "disconnected"
        assert await send(second) == await finished(stream)


async def test_without_a_router_and_reconnecting_it_is_told(live_home):
    """Asked not to wait for a router, following ends with exit 6 and the command that starts one."""
    with pytest.raises(RouterUnreachable):
        await anext(follow_events(live_home, reconnect=False))
