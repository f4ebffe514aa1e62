"""The HTTP client of the wire, against servers that say exactly these bytes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from workbench.providers import http1
from workbench.providers.http1 import ConnectionLost, ConnectTimeout, Http1Client, NotHttp, Origin, Response

HEAD = b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Runs a script for each connection; counts connections."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.connections = 0
        self.origin: Origin

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._script(reader, writer)
        writer.close()


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[tuple[Server, Http1Client]]:
    server, client = Server(script), Http1Client()
    listener = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.origin = Origin("127.0.0.1", listener.sockets[0].getsockname()[1], tls=False)
    try:
        yield server, client
    finally:
        client.close()
        listener.close()


def says(*answers: bytes, stay: bool = True) -> Script:
    """Return a script that answers one request after the other with these bytes."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.readexactly(len(HEAD) + 2)
            writer.write(answer)
            await writer.drain()
        if stay:
            await reader.read()

    return script


async def ask(client: Http1Client, origin: Origin, *, wait_s: float = 5) -> Response:
    return await client.send(origin, HEAD, b"{}", connect_s=5, first_byte_s=wait_s)


async def whole(response: Response) -> bytes:
    parts = []
    while part := await response.read(5):
        parts.append(part)
    response.release()
    return b"".join(parts)


async def test_a_connection_is_used_again():
    """Two requests, one connection; headers as sent, in order."""
    answer = b"HTTP/1.1 201 Made\r\nX-One: a\r\nx-one: b\r\nContent-Length: 2\r\n\r\nok"
    async with serving(says(answer, OK)) as (server, client):
        first = await ask(client, server.origin)
        assert (first.status, first.headers[:2]) == (201, [("X-One", "a"), ("x-one", "b")])
        assert await whole(first) == b"ok"
        assert await whole(await ask(client, server.origin)) == b"ok"
        assert server.connections == 1


async def test_a_connection_that_the_server_closed_while_idle_is_replaced():
    """The request goes out again on a new connection, and nobody notices."""
    async with serving(says(OK, stay=False)) as (server, client):
        assert await whole(await ask(client, server.origin)) == b"ok"
        assert await whole(await ask(client, server.origin)) == b"ok"
        assert server.connections == 2


async def test_an_answer_left_unread_costs_its_connection():
    """Released half-read, the connection is closed, not kept."""
    async with serving(says(OK, OK)) as (server, client):
        (await ask(client, server.origin)).release()
        assert await whole(await ask(client, server.origin)) == b"ok"
        assert server.connections == 2


async def test_connection_close_is_honoured():
    """What the server wants closed is not kept."""
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    async with serving(says(answer, OK)) as (server, client):
        await whole(await ask(client, server.origin))
        await whole(await ask(client, server.origin))
        assert server.connections == 2


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (CHUNKED + b"2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: v\r\n\r\n", b"abc"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
    ],
)
async def test_every_way_to_frame_a_body(answer: bytes, body: bytes):
    """Chunks with extensions and trailers, the connection's end, interim answers, nothing at all."""
    async with serving(says(answer, stay=False)) as (server, client):
        assert await whole(await ask(client, server.origin)) == body


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok",
    ],
)
async def test_a_body_that_breaks_off_is_no_body(answer: bytes):
    """What came is given, then the loss is said."""
    async with serving(says(answer, stay=False)) as (server, client):
        response = await ask(client, server.origin)
        assert await response.read(5) == b"ok"
        with pytest.raises(ConnectionLost) as caught:
            await response.read(5)
        assert caught.value.began
        response.release()


async def test_a_server_that_closes_without_a_word():
    """Not once more: on a fresh connection nobody knows what was done."""
    async with serving(says(b"", stay=False)) as (server, client):
        with pytest.raises(ConnectionLost) as caught:
            await ask(client, server.origin)
        assert not caught.value.began
        assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"],
)
async def test_what_is_not_http_is_said_so(answer: bytes):
    """Other protocols, broken status lines, upgrades nobody asked for."""
    async with serving(says(answer)) as (server, client):
        with pytest.raises((NotHttp, TimeoutError)):
            await ask(client, server.origin, wait_s=0.5)


async def test_a_head_without_end_is_refused():
    """Memory stays bounded whatever the server sends."""
    async with serving(says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 60_000)) as (server, client):
        with pytest.raises(NotHttp):
            await ask(client, server.origin)


async def test_silence_is_a_timeout_before_and_after_the_head():
    """Each wait has its own measure."""
    async with serving(says(b"")) as (server, client):
        with pytest.raises(TimeoutError):
            await ask(client, server.origin, wait_s=0.05)
    async with serving(says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")) as (server, client):
        response = await ask(client, server.origin)
        with pytest.raises(TimeoutError):
            await response.read(0.05)
        response.release()


async def test_no_connection_in_time():
    """A listener whose queue is full never answers."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        client = Http1Client()
        with pytest.raises(ConnectTimeout):
            await client.send(
                Origin("127.0.0.1", port, tls=False), HEAD, b"{}", connect_s=0.2, first_byte_s=1
            )
        for filler in fillers:
            filler.close()


async def test_a_second_answer_that_nobody_asked_for_is_not_taken_for_the_next():
    """Answers must not slip from one request to another."""
    async with serving(says(OK + OK, OK)) as (server, client):
        assert await whole(await ask(client, server.origin)) == b"ok"
        await asyncio.sleep(0.05)
        assert await whole(await ask(client, server.origin)) == b"ok"
        assert server.connections == 2


async def test_a_slow_reader_holds_the_server_up(monkeypatch: pytest.MonkeyPatch):
    """What is read ahead is bounded, and nothing is lost."""
    monkeypatch.setattr(http1, "_HIGH_WATER", 64 * 1024)
    size = 16 * 1024 * 1024
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    async with serving(says(answer)) as (server, client):
        response = await ask(client, server.origin)
        await asyncio.sleep(0.2)
        first = await response.read(5)
        assert 0 < len(first) < 4 * 1024 * 1024
        assert len(first) + len(await whole(response)) == size


async def test_idle_connections_are_closed_after_a_while(monkeypatch: pytest.MonkeyPatch):
    """Descriptors are given back without another request."""
    monkeypatch.setattr(http1, "IDLE_S", 0.05)
    closed = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await says(OK)(reader, writer)
        closed.set()

    async with serving(script) as (server, client):
        await whole(await ask(client, server.origin))
        await asyncio.wait_for(closed.wait(), 10)


@asynccontextmanager
async def serving_tls(certificate: Path, script: Script) -> AsyncIterator[tuple[Server, Http1Client]]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server, client = Server(script), Http1Client()
    listener = await asyncio.start_server(server.handle, "localhost", 0, ssl=context, family=socket.AF_INET)
    server.origin = Origin("localhost", listener.sockets[0].getsockname()[1], tls=True)
    try:
        yield server, client
    finally:
        client.close()
        listener.close()


async def test_tls_with_a_trusted_certificate(certificate: Path, monkeypatch: pytest.MonkeyPatch):
    """Requests go through, and the connection is kept like any other."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with serving_tls(certificate, says(OK, OK)) as (server, client):
        assert await whole(await ask(client, server.origin)) == b"ok"
        assert await whole(await ask(client, server.origin)) == b"ok"
        assert server.connections == 1


async def test_tls_with_a_certificate_nobody_vouches_for(certificate: Path):
    """Refused before a byte of the request, key included, was sent."""
    async with serving_tls(certificate, says(OK)) as (server, client):
        with pytest.raises(ssl.SSLCertVerificationError):
            await ask(client, server.origin)


async def test_tls_for_another_name(certificate: Path, monkeypatch: pytest.MonkeyPatch):
    """A good certificate of somebody else is no good."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with serving_tls(certificate, says(OK)) as (server, client):
        with pytest.raises(ssl.SSLCertVerificationError):
            await ask(client, Origin("127.0.0.1", server.origin.port, tls=True))
