"""An answer's head goes out together with its body.

ASGI asks servers for that, uvicorn does not do it. It is one call of the system and one packet instead of
two, and the client wakes once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.gateway.app import ASGIApp
    from workbench.gateway.client import Message, Receive, Scope, Send


class HeadFirst:
    """A transport that sends what it was told to hold together with what follows."""

    __slots__ = ("_head", "_holding", "_transport", "_write")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._write = transport.write
        self._head = b""
        self._holding = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def hold(self) -> None:
        """Keep the next write back until another one comes."""
        self._holding = True

    def write(self, data: bytes) -> None:
        """Write, after what was held."""
        if self._holding:
            self._holding, self._head = False, data
        elif self._head:
            head, self._head = self._head, b""
            self._write(head + data)
        else:
            self._write(data)


def holding_heads(app: ASGIApp, wire: HeadFirst) -> ASGIApp:
    """Return `app` with the head of its answer held until the body begins; HEAD's answers have no body."""

    async def holding(scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                wire.hold()
            await send(message)

        await app(scope, receive, send if scope["method"] == "HEAD" else sent)

    return holding
