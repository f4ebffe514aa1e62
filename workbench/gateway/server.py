"""The HTTP server under the application: uvicorn on uvloop and httptools, on a socket of ours."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import math
import re
import socket
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, cast

import uvicorn

from workbench.domain.errors import UsageError
from workbench.gateway.answer_head import HeadFirst, holding_heads
from workbench.gateway.head import LimitedHead

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from workbench.gateway.app import ASGIApp

KEEP_ALIVE_S = 75
"""Longer than clients' pools keep a connection, so that they close it, not we under their hands."""
BACKLOG = 2048
_UPGRADE = re.compile(rb"\A([A-Z]+ [^\r\n]+ HTTP/1\.1\r\n(?:[^\r\n]+\r\n)*?)upgrade:", re.I)
"""The header that offers another protocol, in the head of a request."""


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises UsageError when that can't be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise _explain(error, host, port) from None


def _explain(error: OSError, host: str, port: int) -> UsageError:
    if error.errno == errno.EADDRINUSE:
        hint = "workbench router start   # takes the next free one; or --port N"
        return UsageError(f"port {port} on {host} is taken by another program", hint=hint)
    if error.errno == errno.EACCES:
        return UsageError(
            f"port {port} on {host} is not allowed for this user", hint="take a port above 1023"
        )
    return UsageError(
        f"can't listen on {host}:{port}: {error.strerror or error}", hint="--host 127.0.0.1 always works"
    )


class _Http(LimitedHead):
    """uvicorn's HTTP/1.1, for clients too that first offer something newer.

    Its keep-alive timer runs on from request to request and looks at the clock when it fires: to cancel
    and to set one for every request costs more than reading the request.
    """

    _idle_since = math.inf
    """When the last answer ended; inf while a request comes or is answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Write through something that can hold an answer's head back."""
        super().connection_made(cast("asyncio.Transport", HeadFirst(transport)))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        held: Any = holding_heads(app, cast("HeadFirst", self.transport))
        super()._start_asgi_task(cycle, held)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wait(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has been idle for long enough."""
        self.timeout_keep_alive_task = None
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left <= 0:
            super().timeout_keep_alive_handler()
        elif left < math.inf:  # else the end of the answer sets the timer again
            self._wait(left)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let everything go."""
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def _wait(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _unset_keepalive_if_required(self) -> None:
        """Note that a request comes, and let the timer run."""
        self._idle_since = math.inf

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client, without an offer to change the protocol.

        Java's client makes one (h2c) with every request, and httptools would take the body for HTTP/2's.
        """
        if b"pgrade:" in data:
            data = _UPGRADE.sub(rb"\1x-upgrade:", data)
        super().data_received(data)


class Server(uvicorn.Server):
    """uvicorn without its signal handling: the runtime decides when to drain and when to stop."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            http=_Http,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            ws="none",
            backlog=BACKLOG,
        )
        super().__init__(config)
        self._listener = listener
        self._task: asyncio.Task[None] | None = None
        self._up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections, and say so."""
        await super().startup(sockets)
        self._up.set()

    async def begin(self) -> None:
        """Serve in a task of our own; return when connections are accepted."""
        self._task = asyncio.create_task(self.serve(sockets=[self._listener]), name="http-server")
        up = asyncio.create_task(self._up.wait(), name="http-server-up")
        await asyncio.wait({self._task, up}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if self._task.done():
            self._task.result()

    async def end(self, *, force: bool = False) -> None:
        """Close the socket and all connections; `force` cancels requests under way."""
        self.should_exit = True
        if force:
            self.force_exit = True
            running = list(self.server_state.tasks)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        if self._task is not None:
            await self._task
