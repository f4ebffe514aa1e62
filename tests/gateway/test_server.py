"""The HTTP server's connections: how long they are kept, and what ends them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.gateway.builders import listening
from workbench.gateway import server

IDLE_S = 0.3


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers after as many seconds as the path says."""
    await asyncio.sleep(float(scope["path"].strip("/") or 0))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """A server that keeps idle connections for 0.3 s."""
    monkeypatch.setattr(server, "KEEP_ALIVE_S", IDLE_S)
    async with listening(app) as found:
        yield found


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str = "/") -> bytes:
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    return await reader.readexactly(2)


async def test_an_idle_connection_is_closed(port: int):
    """After its time since the last answer, not since the first."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = asyncio.get_running_loop().time()
    for _ in range(4):
        assert await ask(reader, writer) == b"ok"
        await asyncio.sleep(IDLE_S * 0.6)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    assert asyncio.get_running_loop().time() - began > IDLE_S * 2.5
    writer.close()


async def test_an_answer_that_takes_longer_is_not_cut(port: int):
    """The time of an idle connection does not run while it is busy."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await ask(reader, writer) == b"ok"
    assert await ask(reader, writer, f"/{IDLE_S * 3}") == b"ok"
    assert await ask(reader, writer) == b"ok"
    writer.close()


async def test_a_request_that_comes_slowly_is_waited_for(port: int):
    """Its first bytes end the idleness."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await ask(reader, writer) == b"ok"
    writer.write(b"GET / HTTP/1.1\r\nHo")
    await asyncio.sleep(IDLE_S * 2)
    writer.write(b"st: x\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_pipelined_requests_are_answered_in_order(port: int):
    """Three at once on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /0.05 HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
    for _ in range(3):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert await reader.readexactly(2) == b"ok"
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_head_comes_with_the_body(port: int):
    """One packet: what is there when the head is there is the whole answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(3):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.05)
        answer = await reader.read(65_536)
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.endswith(b"\r\n\r\nok")
    writer.close()


async def test_an_answer_without_a_body_has_its_head(port: int):
    """HEAD's head is not kept for a body that never comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        writer.write(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).startswith(b"HTTP/1.1 200")
    assert await ask(reader, writer) == b"ok"
    writer.close()
