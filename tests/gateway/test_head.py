"""Heads over a limit, and what comes too slowly: refused on the connection itself, over a real socket."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.gateway.builders import listening
from workbench.gateway import head

LATE_S = 0.4
START = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
ANTHROPIC = b"POST /v1/messages?beta=true HTTP/1.1\r\nHost: x\r\n"


class Asked:
    """An application that says how many header lines it got, after as long as it is told."""

    def __init__(self) -> None:
        self.takes_s = 0.0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "POST" and scope["path"] != "/early":
            while (await receive()).get("more_body"):
                pass
        await asyncio.sleep(self.takes_s)
        said = b"%d" % len(scope["headers"])
        lines = [(b"content-length", b"%d" % len(said))]
        await send({"type": "http.response.start", "status": 200, "headers": lines})
        await send({"type": "http.response.body", "body": said})


@pytest.fixture
def app() -> Asked:
    return Asked()


@pytest.fixture
async def port(app: Asked, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """A server that waits 0.4 s for a head."""
    monkeypatch.setattr(head, "HEAD_S", LATE_S)
    async with listening(app) as found:
        yield found


async def exchanged(port: int, *pieces: bytes, pause_s: float = 0.0) -> tuple[int, dict[str, Any], bytes]:
    """Send the pieces; return status, error and head of the answer, read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(pause_s)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    top, _, body = answer.partition(b"\r\n\r\n")
    if not top:
        return 0, {}, b""
    return int(top.split()[1]), json.loads(body)["error"], top


def lines(size: int) -> bytes:
    """Header lines of `size` bytes together."""
    whole = b"X-Fill: " + b"y" * 990 + b"\r\n"
    return whole * (size // 1000) + b"X: " + b"z" * (size % 1000) + b"\r\n"


async def test_a_head_as_large_as_allowed_passes(port: int):
    """60 KiB of headers, and 200 lines."""
    for headers in (lines(60_000), b"X: y\r\n" * 199):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(START + headers + b"\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.close()


@pytest.mark.parametrize("end", [b"\r\n", b""])
@pytest.mark.parametrize("pieces", [1, 7])
async def test_headers_that_are_too_large_are_431(port: int, pieces: int, end: bytes):
    """Whole or not, at once or in pieces; the answer comes, although more was sent than was read."""
    data = START + lines(90_000) + end
    step = math.ceil(len(data) / pieces)
    status, error, top = await exchanged(port, *(data[at : at + step] for at in range(0, len(data), step)))
    assert (status, error["code"], error["type"]) == (431, "headers_too_large", "invalid_request_error")
    assert (error["limit_bytes"], error["retryable"]) == (65536, False)
    assert b"connection: close" in top


async def test_one_header_that_never_ends_is_431(port: int):
    """The parser tells of a header when it is whole, and would gather this one for ever."""
    status, error, _ = await exchanged(port, START + b"X: ", *[b"y" * 50_000] * 20)
    assert (status, error["code"]) == (431, "headers_too_large")


async def test_too_many_headers_are_431_in_the_dialect_of_the_client(port: int):
    """Anthropic's errors look different."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(ANTHROPIC + b"X: y\r\n" * 200 + b"\r\n")
    answer = json.loads((await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")[2])
    writer.close()
    assert (answer["type"], answer["error"]["type"]) == ("error", "invalid_request_error")
    assert (answer["error"]["code"], answer["error"]["limit"]) == ("too_many_headers", 200)


@pytest.mark.parametrize(
    ("size", "expected"), [(20_000, (414, "target_too_long")), (200_000, (431, "headers_too_large"))]
)
async def test_a_request_line_that_is_too_long_is_refused(port: int, size: int, expected: tuple[int, str]):
    """Path and query may be 16 KiB."""
    status, error, _ = await exchanged(port, b"GET /" + b"a" * size + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, error["code"]) == expected


async def test_a_half_sent_head_is_408(port: int):
    """Its client stops, or sends a byte now and then: time runs from the first byte."""
    began = asyncio.get_running_loop().time()
    status, error, _ = await exchanged(port, START + b"X: y")
    assert (status, error["code"], error["retryable"]) == (408, "request_timeout", True)
    status, error, _ = await exchanged(port, START + b"X: ", *[b"y"] * 10, pause_s=LATE_S / 8)
    assert (status, error["code"]) == (408, "request_timeout")
    assert asyncio.get_running_loop().time() - began < 8


async def test_a_second_request_half_sent_is_408(port: int):
    """Also on a connection that has served one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(START + b"\r\n")
    await reader.readuntil(b"\r\n\r\n1")
    writer.write(START)
    assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 408")
    writer.close()


@pytest.mark.parametrize("sent", [b"", b"\r\n"])
async def test_a_connection_on_which_nothing_comes_is_closed(port: int, sent: bytes):
    """Without a word where none was asked for."""
    status, _, _ = await exchanged(port, *([sent] if sent else []))
    assert status == (408 if sent else 0)


async def test_a_whole_request_may_take_as_long_as_it_likes(port: int, app: Asked):
    """Limits on a head are none on an answer, nor is a half-sent next request."""
    app.takes_s = LATE_S * 3
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(START + b"\r\n")
    await asyncio.sleep(LATE_S / 8)
    writer.write(START)
    assert (await reader.readuntil(b"\r\n\r\n1")).startswith(b"HTTP/1.1 200")
    assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 408")
    writer.close()


async def test_the_answer_under_way_is_finished_before_a_bad_second_request_ends_all(port: int, app: Asked):
    """Two on one connection: the first is answered, nothing is written into its answer."""
    app.takes_s = LATE_S / 2
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(START + b"\r\n")
    await asyncio.sleep(LATE_S / 8)
    writer.write(START + lines(90_000))
    answer = await asyncio.wait_for(reader.read(), 10)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\n1")
    writer.close()


async def test_trailers_that_never_end_close_the_connection(port: int):
    """They come after a chunked body, where the parser gathers them like headers."""
    chunked = START + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: "
    status, _, _ = await exchanged(port, chunked, *[b"y" * 40_000] * 3)
    assert status == 0
    status, _, _ = await exchanged(port, chunked, *[b"y"] * 3)
    assert status == 0


async def test_a_body_after_its_answer_does_not_keep_the_connection(port: int):
    """Refused before its body was there: the rest is read, then the connection is as idle as any."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n2")
    for _ in range(3):
        writer.write(b"x" * 100_000)
        await asyncio.sleep(0.01)
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()


async def test_what_is_no_request_is_told_so_in_json(port: int):
    """Where the server used to answer with a line of text."""
    status, error, _ = await exchanged(port, b"GET / HTTP/9.9\r\n\r\n")
    assert (status, error["code"]) == (400, "bad_request")
