"""The client of the router, against a real server on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest

from workbench.client import CHAT, RouterClient
from workbench.domain.errors import RouterUnreachable, UpstreamError
from workbench.domain.payload import Payload


class Server:
    """Answers each request with the bytes of `script`, cut as given; keeps what it was sent."""

    def __init__(self) -> None:
        self.script: list[bytes] = []
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.url = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            (
                int(line.split(":")[1])
                for line in head.lower().splitlines()
                if line.startswith("content-length")
            ),
            0,
        )
        self.heads.append(head)
        self.bodies.append(await reader.readexactly(length))
        for piece in self.script:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()

    def answers(
        self, *pieces: bytes, status: str = "200 OK", kind: str = "application/json", extra: str = ""
    ) -> None:
        head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nx-workbench-exchange: ex_1\r\n{extra}"
        head += "connection: close\r\n\r\n"
        self.script = [head.encode(), *pieces]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    served = Server()
    listening = await asyncio.start_server(served._serve, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield served


@pytest.fixture
async def client(server: Server) -> AsyncIterator[RouterClient]:
    async with RouterClient(server.url, "sk-test-key") as made:
        yield made


def event(text: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode() + b"\n\n"


STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


async def test_send_keeps_the_body_byte_for_byte(server, client):
    """What is in the payload is what the server gets, odd spacing and all; the answer comes back whole."""
    body = b'{ "model":"demo" ,"messages":[]}\n'
    server.answers(b'{"ok": ', b"true}")
    reply = await client.send(
        Payload(endpoint=CHAT, body=body, headers=[("X-Mine", "1")]), [("X-Workbench-Run", "run_1")]
    )
    assert server.bodies == [body]
    assert (reply.status, reply.body, reply.exchange) == (200, b'{"ok": true}', "ex_1")
    head = server.heads[0].lower()
    assert head.startswith("post /v1/chat/completions http/1.1")
    assert "authorization: bearer sk-test-key" in head
    assert "x-mine: 1" in head
    assert "x-workbench-run: run_1" in head
    assert "accept-encoding: identity" in head


async def test_a_payloads_own_key_and_host_are_never_sent(server, client):
    """Saved headers can't replace our key, nor name another host or length."""
    server.answers(b"{}")
    headers = [
        ("Authorization", "Bearer old"),
        ("X-Api-Key", "old"),
        ("Host", "elsewhere"),
        ("Content-Length", "9999"),
    ]
    await client.send(Payload(endpoint=CHAT, body=b"{}", headers=headers))
    head = server.heads[0]
    assert "old" not in head
    assert "elsewhere" not in head
    assert "9999" not in head
    assert "Content-Type: application/json" in head


async def test_an_error_status_is_an_answer_for_send(server, client):
    """`send` judges nothing: 429 comes back with its body and headers."""
    server.answers(
        b'{"error":{"message":"slow down"}}', status="429 Too Many Requests", extra="retry-after: 7\r\n"
    )
    reply = await client.send(Payload(endpoint=CHAT, body=b"{}"))
    assert (reply.status, reply.header("Retry-After")) == (429, "7")


async def test_chat_text_streams_words_and_builds_the_answer(server, client):
    """Words come in order as they arrive, cut anywhere on the wire; the answer has them all."""
    raw = b": keep-alive\n\n" + event("Grü") + event("ße") + STOP
    server.answers(*(raw[i : i + 7] for i in range(0, len(raw), 7)), kind="text/event-stream")
    words: list[str] = []
    said = await client.chat_text(
        "demo", [{"role": "user", "content": "hi"}], options={"temperature": 0}, on_text=words.append
    )
    assert words == ["Grü", "ße"]
    assert (said.text, said.exchange, said.answer.complete, said.answer.finish_reason) == (
        "Grüße",
        "ex_1",
        True,
        "stop",
    )
    sent = json.loads(server.bodies[0])
    assert sent == {
        "model": "demo",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "temperature": 0,
    }


async def test_a_stream_that_ends_early_is_not_complete(server, client):
    """A cut stream is never presented as a whole answer."""
    server.answers(event("half"), kind="text/event-stream")
    said = await client.chat_text("demo", [])
    assert (said.text, said.answer.complete) == ("half", False)


async def test_an_error_inside_a_stream_is_raised(server, client):
    """A 200 whose stream carries an error is an error."""
    server.answers(
        event("x"), b'data: {"error":{"message":"upstream died","code":502}}\n\n', kind="text/event-stream"
    )
    with pytest.raises(UpstreamError, match="upstream died") as caught:
        await client.chat_text("demo", [])
    assert caught.value.exchange == "ex_1"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"message":"no such model"}}', "HTTP 404: no such model"),
        (b"<html>not here</html>", "HTTP 404: <html>not here</html>"),
        (b"", "HTTP 404: an empty answer"),
    ],
)
async def test_error_bodies_of_any_shape_are_told(server, client, body, message):
    """An error status in `chat_text` carries status, message, exchange and the command that shows it."""
    server.answers(body, status="404 Not Found", extra="retry-after: 1.5\r\n")
    with pytest.raises(UpstreamError) as caught:
        await client.chat_text("nope", [])
    error = caught.value
    assert (error.message, error.status, error.body, error.retry_after) == (message, 404, body, 1.5)
    assert error.hint == "workbench exchanges show ex_1"


async def test_a_refused_key_names_the_restart(server, client):
    """A router that was started with another key: 401, and the command that makes them agree."""
    server.script = [b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"]
    with pytest.raises(UpstreamError) as caught:
        await client.models()
    assert (caught.value.hint or "").startswith("workbench router restart")


async def test_nobody_listening_is_unreachable():
    """A refused connection is exit 6 with the command that starts the router."""
    listening = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    async with RouterClient(f"http://127.0.0.1:{port}", "k") as client:
        with pytest.raises(RouterUnreachable) as caught:
            await client.models()
    assert (caught.value.exit_code, caught.value.hint) == (6, "workbench router start")


async def test_a_silent_server_is_unreachable_after_the_limit(server, client):
    """Silence longer than allowed ends the call."""
    server.script = []
    with pytest.raises(RouterUnreachable):
        await client.send(Payload(endpoint=CHAT, body=b"{}"), silence_s=0.2)


async def test_events_are_named_and_decoded(server, client):
    """The live tail yields name and exchange; keep-alive comments are passed over."""
    tail = b': keep-alive\n\nevent: started\ndata: {"id":"ex_2"}\n\nevent: finished\ndata: {"id":"ex_2"}\n\n'
    server.answers(*(tail[i : i + 5] for i in range(0, len(tail), 5)), kind="text/event-stream")
    seen = [item async for item in client.events()]
    assert seen == [("connected", {}), ("started", {"id": "ex_2"}), ("finished", {"id": "ex_2"})]


async def test_leaving_a_stream_closes_the_connection(server, client):
    """A caller that stops reading does not hold the upstream."""
    gone = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(event("more") * 100)
                await writer.drain()
                await asyncio.sleep(0)
        gone.set()

    listening = await asyncio.start_server(endless, "127.0.0.1", 0)
    async with (
        listening,
        RouterClient(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", "k") as own,
    ):
        async with own.stream(Payload(endpoint=CHAT, body=b"{}")) as reply:
            async for _ in reply:
                break
        await asyncio.wait_for(gone.wait(), 10)


async def test_proxy_settings_do_not_apply(server, monkeypatch):
    """The router is on this machine; a proxy of the environment never sees its key."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    server.answers(b'{"data":[{"id":"demo"}]}')
    async with RouterClient(server.url, "k") as client:
        assert await client.models() == [{"id": "demo"}]
