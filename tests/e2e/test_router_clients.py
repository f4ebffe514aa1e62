"""Real clients on a real router: the openai SDK many at a time, clients that leave, a router that stops."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from openai import APIError, AsyncOpenAI, NotFoundError, OpenAI, RateLimitError

from tests.e2e.conftest import MockUpstream, RouterProcess
from workbench.settings.home import Home
from workbench.store.store import Reader

PATIENCE_S = 30.0
"""How long a condition may take on a busy machine; nothing measures it."""


def eventually(condition: Callable[[], Any]) -> Any:
    """Return the first true value of `condition`, or its last one when patience ends."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def reader(router: RouterProcess) -> Reader:
    return Reader.open(Home(router.home).store)


class Wiretap(httpx.AsyncBaseTransport):
    """Keeps the bytes that an SDK really sent and received, by exchange id."""

    def __init__(self) -> None:
        self.inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=None))
        self.sent: dict[str, bytes] = {}
        self.received: dict[str, bytes] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        sent = await request.aread()
        response = await self.inner.handle_async_request(request)
        exchange_id = response.headers["x-workbench-exchange"]
        self.sent[exchange_id] = sent
        received = self.received
        received[exchange_id] = b""
        stream = response.stream
        assert isinstance(stream, httpx.AsyncByteStream)

        class Tapped(httpx.AsyncByteStream):
            async def __aiter__(self):
                async for data in stream:
                    received[exchange_id] += data
                    yield data

            async def aclose(self) -> None:
                await stream.aclose()

        return httpx.Response(response.status_code, headers=response.headers, stream=Tapped())


async def test_two_hundred_requests_of_the_openai_sdk_at_once(mock_router: RouterProcess):
    """Streaming and plain, all answered, all recorded, every body equal to what was sent and received."""
    tap = Wiretap()
    async with AsyncOpenAI(
        api_key=mock_router.key,
        base_url=f"{mock_router.base_url}/v1",
        http_client=httpx.AsyncClient(transport=tap, timeout=60),
        max_retries=0,
    ) as client:

        async def one(number: int) -> str:
            messages: Any = [{"role": "user", "content": f"number {number} " + "x" * (number * 37 % 4000)}]
            extra = {"x_mock": {"chunks": 3 + number % 20}}
            if number % 2:
                done = await client.chat.completions.create(model="mock", messages=messages, extra_body=extra)
                return done.choices[0].message.content or ""
            stream = await client.chat.completions.create(
                model="mock", messages=messages, extra_body=extra, stream=True
            )
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

        texts = await asyncio.gather(*(one(number) for number in range(200)))
    assert all(text.startswith("the quick") for text in texts)
    assert len(tap.sent) == 200
    with reader(mock_router) as store:
        for exchange_id, sent in tap.sent.items():
            assert store.body(exchange_id, "request") == sent
            assert store.body(exchange_id, "response") == tap.received[exchange_id]
            assert store.exchange(exchange_id).state == "complete"


def test_the_sdk_understands_our_errors(mock_router: RouterProcess):
    """Each error arrives as the SDK's own class, with the exchange in its body."""
    with OpenAI(api_key=mock_router.key, base_url=f"{mock_router.base_url}/v1", max_retries=0) as client:
        messages: Any = [{"role": "user", "content": "hi"}]
        with pytest.raises(NotFoundError) as missing:
            client.chat.completions.create(model="no-such", messages=messages)
        assert "ex_" in str(missing.value.body)
        limited = {"x_mock": {"status": 429, "retry_after": "1"}}
        with pytest.raises(RateLimitError):
            client.chat.completions.create(model="mock", messages=messages, extra_body=limited)
        broken = {"x_mock": {"fault": "cut", "chunk_delay_ms": 5}}
        stream = client.chat.completions.create(
            model="mock", messages=messages, stream=True, extra_body=broken
        )
        with pytest.raises(APIError, match="broke off"):
            list(stream)


def raw_request(router: RouterProcess, body: dict[str, Any]) -> bytes:
    data = json.dumps(body).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {router.key}\r\n"
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


def slow_stream(**mock: Any) -> dict[str, Any]:
    return {
        "model": "mock",
        "stream": True,
        "messages": [{"role": "user", "content": "slowly"}],
        "x_mock": {"chunks": 400, "chunk_delay_ms": 25, **mock},
    }


@pytest.mark.parametrize("when", ["before the answer", "in the middle of it"])
def test_a_client_that_leaves_ends_the_upstream_call_and_is_on_record(
    mock_router: RouterProcess, upstream: MockUpstream, when: str
):
    """The upstream sees its caller go at once; the exchange says interrupted, with what had arrived."""
    body = slow_stream() if when == "in the middle of it" else slow_stream(latency_ms=60_000)
    with socket.create_connection(("127.0.0.1", mock_router.port)) as client:
        client.sendall(raw_request(mock_router, body))
        if when == "in the middle of it":
            got = b""
            while got.count(b"data: ") < 3:
                got += client.recv(65536)
        else:
            assert eventually(upstream.requests)
    assert eventually(lambda: [entry["outcome"] for entry in upstream.requests()] == ["client left"])
    with reader(mock_router) as store:
        found = eventually(lambda: [item for item in store.exchanges().items if item.state != "running"])
        (exchange,) = found
        assert (exchange.state, exchange.error_code) == ("interrupted", "client_closed_request")
        (attempt,) = store.attempts(exchange.id)
        assert attempt.error_code == "client_left"
        if when == "in the middle of it":
            assert store.body(exchange.id, "response").startswith(b"data: {")


def test_a_stopping_router_finishes_streams_and_refuses_new_requests(mock_router: RouterProcess):
    """SIGTERM: the open stream runs to its [DONE], a new request gets 503 with Retry-After, then it exits."""
    answers: list[bytes] = []

    def stream() -> None:
        _, _, data = mock_router.post("/v1/chat/completions", slow_stream(chunks=60))
        answers.append(data)

    thread = threading.Thread(target=stream)
    thread.start()
    assert eventually(lambda: health(mock_router)["in_flight"] == 1)
    process = mock_router._process
    assert process is not None
    process.send_signal(signal.SIGTERM)
    assert eventually(lambda: health(mock_router)["draining"])
    body = {"model": "echo", "messages": [{"role": "user", "content": "late"}]}
    status, headers, _ = mock_router.post("/v1/chat/completions", body)
    assert (status, "retry-after" in headers) == (503, True)
    thread.join()
    assert answers[0].endswith(b"data: [DONE]\n\n")
    assert process.wait(PATIENCE_S) == 0
    assert not Home(mock_router.home).router_json.exists()
    with reader(mock_router) as store:
        states = {exchange.error_code: exchange.state for exchange in store.exchanges().items}
    assert states == {None: "complete", "shutting_down": "complete"}


def test_a_second_signal_ends_at_once_and_the_record_says_interrupted(mock_router: RouterProcess):
    """Impatience is respected: the open exchange is on record as interrupted."""
    with socket.create_connection(("127.0.0.1", mock_router.port)) as client:
        client.sendall(raw_request(mock_router, slow_stream(chunks=4000)))
        client.recv(65536)
        process = mock_router._process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        assert eventually(lambda: health(mock_router)["draining"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    with reader(mock_router) as store:
        (exchange,) = store.exchanges().items
    assert (exchange.state, exchange.error_code) == ("interrupted", "router_stopped")


def health(router: RouterProcess) -> dict[str, Any]:
    with urllib.request.urlopen(f"{router.base_url}/health", timeout=10) as answer:
        return json.load(answer)


def test_the_live_tail_shows_an_exchange_from_start_to_finish(mock_router: RouterProcess):
    """started and finished arrive as events with the same id."""
    request = urllib.request.Request(f"{mock_router.base_url}/internal/events", headers=mock_router.headers)
    with urllib.request.urlopen(request, timeout=30) as events:
        assert events.readline().startswith(b":")
        exchange_id = mock_router.chat("look at me", model="mock")
        seen: dict[str, str] = {}
        while "finished" not in seen:
            line = events.readline().strip()
            if line.startswith(b"event: "):
                name = line[7:].decode()
                seen[name] = json.loads(events.readline()[6:])["id"]
    assert seen["started"] == seen["finished"] == exchange_id


def test_a_changed_config_is_taken_without_a_restart(mock_router: RouterProcess):
    """A new group answers soon after the file was saved; a broken file changes nothing."""
    config = Home(mock_router.home).config
    good = config.read_text()
    config.write_text(good.replace("model_name: mock", "model_name: renamed"))

    def ask(model: str) -> int:
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
        return mock_router.post("/v1/chat/completions", body)[0]

    assert eventually(lambda: ask("renamed") == 200)
    config.write_text("model_list: {")
    log = Home(mock_router.home).logs / "router.log"
    assert eventually(lambda: "is not taken" in log.read_text())
    assert ask("renamed") == 200
