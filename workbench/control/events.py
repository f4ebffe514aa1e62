"""Following what goes through the router, across its restarts.

Delivery: events are live only; what happens while no connection stands is not seen here, but is in the store.
A `connected` item tells a reader when to look there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal, cast

import msgspec

from workbench.client import RouterClient
from workbench.control.locate import RouterAddress, find_router
from workbench.domain.errors import RouterUnreachable, UpstreamError
from workbench.settings.home import Home

RETRY_S = 1.0

Kind = Literal["connected", "disconnected", "dropped", "started", "updated", "finished"]
_OF_EXCHANGES: frozenset[str] = frozenset({"started", "updated", "finished"})


class LiveEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened.

    connected: from here on nothing is missed. dropped: this reader was too slow, `detail` says how many are
    missing. disconnected: `detail` says why.
    """

    kind: Kind
    exchange: dict[str, Any] = {}
    """The public JSON form; empty for the connection's own events."""
    detail: str = ""


async def follow_events(home: Home, *, reconnect: bool = True) -> AsyncIterator[LiveEvent]:
    """Yield events for ever, finding the router again each time it goes away.

    With `reconnect` False it ends when the connection does. Raises RouterUnreachable only when there is no
    router at the beginning and `reconnect` is False.
    """
    while True:
        address = await asyncio.to_thread(find_router, home)
        if address is None:
            if not reconnect:
                raise RouterUnreachable(f"no router runs in {home.root}", hint="workbench router start")
        else:
            async for event in _connection(address):
                yield event
            if not reconnect:
                return
        await asyncio.sleep(RETRY_S)


async def _connection(address: RouterAddress) -> AsyncIterator[LiveEvent]:
    detail = "the router ended the stream"
    try:
        async with RouterClient(address.base_url, address.key) as client:
            async for name, data in client.events():
                yield _event(name, data, address)
    except (RouterUnreachable, UpstreamError) as error:
        detail = error.message
    yield LiveEvent(kind="disconnected", detail=detail)


def _event(name: str, data: dict[str, Any], address: RouterAddress) -> LiveEvent:
    if name in _OF_EXCHANGES:
        return LiveEvent(kind=cast(Kind, name), exchange=data)
    if name == "dropped":
        return LiveEvent(kind="dropped", detail=f"{data.get('dropped')} events were lost")
    return LiveEvent(kind="connected", detail=address.base_url)
