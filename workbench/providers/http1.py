"""An HTTP/1.1 client for one purpose: send a request whose bytes are known, read the answer as it comes.

A general client spends more on each call than everything else the router does to it. This one keeps
connections, parses with httptools, watches every stage's time, and does nothing else: no redirects, no
cookies, no decompression, no proxies (`providers/proxied.py`).
"""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import NamedTuple

import httptools

from workbench.domain.exchange import Headers

IDLE_S = 25.0
"""Most servers keep an idle connection longer; those that do not are met by one more send."""
MAX_HEAD = 256 * 1024
_HIGH_WATER = 1024 * 1024
"""Bytes read ahead of a slow client before the upstream is held up."""


class ConnectTimeout(TimeoutError):
    """No connection in time."""


class ConnectionLost(ConnectionError):
    """The upstream closed or reset the connection; `began` tells whether any byte of an answer had come."""

    def __init__(self, *, began: bool) -> None:
        super().__init__("connection lost")
        self.began = began


class NotHttp(ValueError):
    """What came is no HTTP/1.1 answer."""


class Origin(NamedTuple):
    """Where connections go."""

    host: str
    port: int
    tls: bool


class Response:
    """An answer whose head is there. Read until ``b""``, and `release` whatever happens."""

    __slots__ = ("_client", "_connection", "headers", "status")

    def __init__(self, client: Http1Client, connection: _Connection) -> None:
        self._client = client
        self._connection: _Connection | None = connection
        self.status = connection.status
        self.headers = connection.headers

    async def read(self, timeout_s: float) -> bytes:
        """Return what has come since the last read, ``b""`` at the end.

        Raises TimeoutError after `timeout_s` of silence, ConnectionLost and NotHttp where the body breaks.
        """
        connection = self._connection
        return b"" if connection is None else await connection.read(timeout_s)

    def release(self) -> None:
        """Give the connection back if the body was read to its end; end it otherwise."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._client.give_back(connection)


class Http1Client:
    """Keeps idle connections by origin. Use it on one event loop, and `close` it."""

    def __init__(self) -> None:
        self._idle: dict[Origin, list[_Connection]] = {}
        self._tls: ssl.SSLContext | None = None
        self._sweeping: asyncio.TimerHandle | None = None

    async def send(
        self, origin: Origin, head: bytes, body: bytes, *, connect_s: float, first_byte_s: float
    ) -> Response:
        """Send a request and return when the answer's head is there.

        Raises ConnectTimeout, TimeoutError, ConnectionLost, NotHttp, ssl.SSLError, socket.gaierror, OSError.
        """
        connection = self._take(origin)
        if connection is not None:
            try:
                return await self._exchange(connection, head, body, first_byte_s)
            except ConnectionLost as lost:
                # The server had closed an idle connection as we took it: nothing was read, nothing was done.
                if lost.began:
                    raise
        connection = await self._connect(origin, connect_s)
        return await self._exchange(connection, head, body, first_byte_s)

    def give_back(self, connection: _Connection) -> None:
        """Keep a connection whose answer was read to its end, close any other."""
        if not connection.rest():
            connection.abort()
            return
        self._idle.setdefault(connection.origin, []).append(connection)
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(IDLE_S, self._sweep)

    def close(self) -> None:
        """Close all idle connections."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for connections in self._idle.values():
            for connection in connections:
                connection.abort()
        self._idle.clear()

    async def _exchange(
        self, connection: _Connection, head: bytes, body: bytes, first_byte_s: float
    ) -> Response:
        try:
            connection.begin(head, body)
            await connection.wait_for_head(first_byte_s)
        except BaseException:
            connection.abort()
            raise
        return Response(self, connection)

    def _take(self, origin: Origin) -> _Connection | None:
        connections = self._idle.get(origin)
        oldest = time.monotonic() - IDLE_S
        while connections:
            connection = connections.pop()
            if connection.alive and connection.idle_since >= oldest:
                return connection
            connection.abort()
        return None

    async def _connect(self, origin: Origin, timeout_s: float) -> _Connection:
        loop = asyncio.get_running_loop()
        context = self._context() if origin.tls else None
        try:
            async with asyncio.timeout(timeout_s):
                _, connection = await loop.create_connection(
                    lambda: _Connection(loop, origin), origin.host, origin.port, ssl=context
                )
        except TimeoutError:
            raise ConnectTimeout from None
        return connection

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls

    def _sweep(self) -> None:
        """Close what has been idle for too long."""
        self._sweeping = None
        oldest = time.monotonic() - IDLE_S
        for origin, connections in list(self._idle.items()):
            kept = [one for one in connections if one.alive and one.idle_since >= oldest]
            for connection in connections:
                if connection not in kept:
                    connection.abort()
            if kept:
                self._idle[origin] = kept
            else:
                del self._idle[origin]
        if self._idle:
            self._sweeping = asyncio.get_running_loop().call_later(IDLE_S, self._sweep)


class _Connection(asyncio.Protocol):
    """One connection: a request at a time, its answer parsed as it comes."""

    def __init__(self, loop: asyncio.AbstractEventLoop, origin: Origin) -> None:
        self.origin = origin
        self.status = 0
        self.headers: Headers = []
        self.idle_since = 0.0
        self._loop = loop
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport
        self._waiter: asyncio.Future[None] | None = None
        self._expires = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._chunks: list[bytes] = []
        self._held = 0
        self._head_size = 0
        self._error: Exception | None = None
        self._busy = False
        self._has_head = False
        self._complete = False
        self._reusable = False
        self._interim = False
        self._paused = False
        self._closed = False

    @property
    def alive(self) -> bool:
        """Whether a request may be sent."""
        return not self._closed and not self._transport.is_closing()

    def begin(self, head: bytes, body: bytes) -> None:
        """Send a request. Raises ConnectionLost when the connection is closed."""
        if not self.alive:
            raise ConnectionLost(began=False)
        self.status, self.headers = 0, []
        self._head_size = 0
        self._has_head = self._complete = self._reusable = False
        self._busy = True
        self._transport.writelines((head, body))

    async def wait_for_head(self, timeout_s: float) -> None:
        """Return when status and headers are there."""
        while not self._has_head:
            if self._error is not None:
                raise self._error
            await self._wait(timeout_s)

    async def read(self, timeout_s: float) -> bytes:
        """Return what has come of the body, ``b""`` at its end."""
        while not self._chunks:
            if self._complete:
                return b""
            if self._error is not None:
                raise self._error
            await self._wait(timeout_s)
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._held = 0
        if self._paused and not self._closed:
            self._paused = False
            self._transport.resume_reading()
        return data

    def rest(self) -> bool:
        """Become idle; False when this connection can't be used again."""
        self._busy = False
        self.idle_since = time.monotonic()
        return self._complete and self._reusable and not self._chunks and not self._paused and self.alive

    def abort(self) -> None:
        """Close at once."""
        self._busy = False
        if not self._closed:
            self._transport.abort()

    async def _wait(self, timeout_s: float) -> None:
        waiter = self._waiter = self._loop.create_future()
        self._expires = self._loop.time() + timeout_s
        if self._timer is None or self._expires < self._timer_at:
            self._set_timer()
        try:
            await waiter
        finally:
            self._waiter = None

    def _set_timer(self) -> None:
        """One timer serves wait after wait: to set and to cancel one each time costs more than the wait."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self._expires
        self._timer = self._loop.call_at(self._expires, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        if self._loop.time() < self._expires:
            self._set_timer()
        else:
            waiter.set_exception(TimeoutError())

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: Exception) -> None:
        if self._error is None:
            self._error = error
        self._wake()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # an asyncio.Transport, or uvloop's

    def data_received(self, data: bytes) -> None:
        if not self._busy:
            self.abort()  # nobody asked
            return
        if not self._has_head:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(NotHttp("no HTTP/1.1 answer"))
            self._transport.abort()
            return
        if not self._has_head and self._head_size > MAX_HEAD:
            self._fail(NotHttp("the answer's head is too large"))
            self._transport.abort()
        elif self._chunks:
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._busy or self._complete:
            return
        if exc is None and self._has_head and not self._framed():
            self._complete = True  # a body that ends with its connection
            self._wake()
            return
        self._fail(ConnectionLost(began=self._head_size > 0))

    def _framed(self) -> bool:
        return any(name.lower() in ("content-length", "transfer-encoding") for name, _ in self.headers)

    # What the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._complete:  # a second answer that nobody asked for
            return
        self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status < 200:
            self._interim = True
            self.headers.clear()
            return
        self._has_head = True
        self._wake()

    def on_body(self, data: bytes) -> None:
        if self._complete:
            return
        self._chunks.append(data)
        self._held += len(data)
        if self._held > _HIGH_WATER and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def on_message_begin(self) -> None:
        if self._complete:
            self._transport.abort()

    def on_message_complete(self) -> None:
        if self._interim or self._complete:
            self._interim = False
            return
        self._complete = True
        self._reusable = self._parser.should_keep_alive()
        self._wake()
