"""A running gateway without a socket, and any application on one, for tests that talk HTTP to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx

from workbench.gateway.server import Server, bind
from workbench.runtime import RouterRuntime

KEY = "sk-wb-gateway-test-0123456789abcdef"


class Door:
    """A running gateway and a client of it that has the master key."""

    def __init__(self, runtime: RouterRuntime, client: httpx.AsyncClient) -> None:
        self.runtime = runtime
        self.client = client
        self.gateway = runtime.gateway

    async def chat(self, model: str = "echo", text: str = "hello", **members: Any) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": text}], **members}
        return await self.client.post("/v1/chat/completions", json=body)


OpenDoor = Callable[..., AbstractAsyncContextManager[Door]]


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[int]:
    """Serve an application on a real socket; yields the port."""
    listener = bind("127.0.0.1", 0)
    server = Server(app, listener)
    await server.begin()
    yield listener.getsockname()[1]
    await server.end(force=True)
    listener.close()
