"""An HTTP proxy for tests: passes requests on, tunnels what is asked for with CONNECT, and keeps heads."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """`refusal`: a whole answer given to everybody instead."""

    def __init__(self, refusal: bytes = b"") -> None:
        self.refusal = refusal
        self.heads: list[bytes] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            writer.transport.abort()
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream: Streams | None = None
        back: asyncio.Task[None] | None = None
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                if self.refusal:
                    writer.write(self.refusal)
                    await writer.drain()
                    return
                method, target, _ = head.split(b" ", 2)
                tunnel = method == b"CONNECT"
                place = urlsplit(target.decode() if not tunnel else f"tunnel://{target.decode()}")
                if upstream is None:
                    upstream = await asyncio.open_connection(place.hostname, place.port or 80)
                    back = asyncio.create_task(relay(upstream[0], writer))
                if tunnel:
                    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    await relay(reader, upstream[1])
                    return
                path = place.path + (f"?{place.query}" if place.query else "")
                upstream[1].write(head.replace(target, path.encode(), 1))
                upstream[1].write(await reader.readexactly(length(head)))
        finally:
            if upstream is not None:
                upstream[1].close()
            if back is not None:
                back.cancel()


def length(head: bytes) -> int:
    """The body's size that a head declares."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


async def relay(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass bytes on as they come; an end or a reset as what it is."""
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.close()
    except OSError:
        sink.transport.abort()


@asynccontextmanager
async def proxying(refusal: bytes = b"") -> AsyncIterator[Proxy]:
    """A proxy on a port that the system chose."""
    proxy = Proxy(refusal)
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 2)
