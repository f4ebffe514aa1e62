"""A real upstream process and a router over it, without the gateway."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.proxy import proxying
from workbench.domain.exchange import Attempt
from workbench.providers.provider import Deployment, Secret, Timeouts
from workbench.providers.registry import make_providers
from workbench.routing.config import RouterConfig, RoutingSettings
from workbench.routing.errors import RouteError
from workbench.routing.router import Router
from workbench.routing.values import RouteAnswer, RouteRequest

MOCK = Path(__file__).parents[2] / "scripts" / "mock_openai.py"
CHAT = "/v1/chat/completions"
PATIENT = Timeouts(connect_s=20, first_byte_s=60, between_s=60, total_s=100)
"""What is not about time must pass on the busiest machine."""
QUICK = Timeouts(connect_s=20, first_byte_s=0.5, between_s=0.5, total_s=60)


class Upstream:
    """A running mock upstream and what it has seen."""

    def __init__(self, url: str) -> None:
        self.url = url

    def requests(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/_mock/requests", timeout=10) as answer:
            seen = json.load(answer)
        return list(seen["requests"] if isinstance(seen, dict) else seen)

    def forget(self) -> None:
        urllib.request.urlopen(
            urllib.request.Request(f"{self.url}/_mock/requests", method="DELETE"), timeout=10
        ).close()

    def deployment(self, name: str = "one", **own: Any) -> Deployment:
        given: dict[str, Any] = {
            "id": name,
            "group": "g",
            "provider": "openai",
            "model": f"up-{name}",
            "api_base": f"{self.url}/v1",
            "api_key": Secret("sk-upstream-key-0123456789"),
            "timeouts": PATIENT,
            "stream_timeouts": PATIENT,
        }
        if "hang" in str(own.get("params")):
            given |= {"timeouts": QUICK, "stream_timeouts": QUICK}
        return Deployment(**{**given, **own})


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    """Start the mock on a port of the system's choice."""
    process = subprocess.Popen([sys.executable, str(MOCK), "--port", "0"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        yield Upstream(line.split()[-1])
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


class Outcome:
    """What a client saw of one request, and what was recorded of it."""

    def __init__(self) -> None:
        self.answer: RouteAnswer | None = None
        self.body = b""
        self.chunks: list[bytes] = []
        self.before_end = b""
        """What came before the router said that the answer ends."""
        self.error: RouteError | None = None
        self.attempts: dict[int, Attempt] = {}
        self.requests: dict[int, bytes | None] = {}
        self.responses: dict[int, bytes | None] = {}

    @property
    def status(self) -> int:
        if self.answer is not None:
            return self.answer.status
        assert self.error is not None
        return self.error.status

    @property
    def codes(self) -> list[str | None]:
        return [self.attempts[number].error_code for number in sorted(self.attempts)]

    def sink(self, attempt: Attempt, request: bytes | None, response: bytes | None) -> None:
        self.attempts[attempt.number] = attempt
        self.requests[attempt.number] = request
        self.responses[attempt.number] = response


class Bench:
    """A router, and requests sent through it."""

    def __init__(self, router: Router) -> None:
        self.router = router

    async def ask(
        self, body: dict[str, Any] | bytes | None = None, *, endpoint: str = CHAT, **own: Any
    ) -> Outcome:
        """Send one request and read its answer to the end."""
        document = {"model": "g", "messages": [{"role": "user", "content": "hi"}]}
        raw = body if isinstance(body, bytes) else json.dumps({**document, **(body or {})}).encode()
        known = json.loads(raw)
        request = RouteRequest(
            exchange_id="ex_test",
            endpoint=endpoint,
            body=raw,
            model=known.get("model"),
            stream=bool(known.get("stream")),
            **own,
        )
        outcome = Outcome()
        try:
            answer = await self.router.send(request, outcome.sink)
        except RouteError as error:
            outcome.error = error
            return outcome
        outcome.answer = answer
        await self._read(answer, outcome)
        return outcome

    async def _read(self, answer: RouteAnswer, outcome: Outcome) -> None:
        try:
            async for chunk in answer.chunks:
                if not answer.ending:
                    outcome.before_end += chunk
                outcome.chunks.append(chunk)
                outcome.body += chunk
        except RouteError as error:
            outcome.error = error
        finally:
            await answer.aclose()

    def state(self, deployment: str) -> dict[str, Any]:
        """Return a deployment as /internal/status shows it."""
        groups = self.router.status()["groups"]
        return next(item for group in groups for item in group["deployments"] if item["id"] == deployment)


@pytest.fixture(params=["direct", "proxied"])
async def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Both ways to an upstream: our own client, and aiohttp's where the environment names a proxy."""
    if request.param == "direct":
        yield
        return
    async with proxying() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        yield
        assert proxy.heads, "nothing came by the proxy"


@pytest.fixture
async def bench() -> AsyncIterator[Any]:
    """Return a maker of benches; every router is closed afterwards."""
    made: list[Router] = []

    def make(*deployments: Deployment, config: RouterConfig | None = None, **settings: Any) -> Bench:
        base = config or RouterConfig(settings=RoutingSettings(**{"num_retries": 0, **settings}))
        router = Router(_with(base, deployments), make_providers())
        made.append(router)
        return Bench(router)

    yield make
    for router in made:
        await router.aclose()
    await asyncio.sleep(0)


@pytest.fixture
async def raw_upstream() -> AsyncIterator[Any]:
    """Return a starter of servers that answer with fixed bytes and keep the bodies they got."""
    servers: list[asyncio.Server] = []

    async def start(body: bytes, content_type: str = "application/json") -> tuple[str, list[bytes]]:
        received: list[bytes] = []
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
            size = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length"))
            received.append(await reader.readexactly(size))
            writer.write(head.encode() + body)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", received

    yield start
    for server in servers:
        server.close()


@pytest.fixture
async def plain_server() -> AsyncIterator[Any]:
    """Start a server with chat only, which refuses ``stream_options``; return its URL and the paths asked."""
    paths: list[str] = []
    said = {"index": 0, "finish_reason": "stop"}
    whole = json.dumps({"id": "c", "choices": [{**said, "message": {"role": "assistant", "content": "yes"}}]})
    stream = "data: " + json.dumps({"id": "c", "choices": [{**said, "delta": {"content": "yes"}}]}) + "\n\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        size = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length"))
        body = await reader.readexactly(size)
        paths.append(lines[0].split()[1])
        if not paths[-1].endswith("/chat/completions"):
            status, kind, text = "404 Not Found", "text/plain", "no such page"
        elif b"stream_options" in body:
            status, kind = "400 Bad Request", "application/json"
            text = '{"error":{"message":"Unrecognized request argument: stream_options"}}'
        elif b'"stream"' in body:
            status, kind, text = "200 OK", "text/event-stream", stream
        else:
            status, kind, text = "200 OK", "application/json", whole
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\n\r\n"
        writer.write((head + text).encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", paths
    server.close()


def _with(config: RouterConfig, deployments: tuple[Deployment, ...]) -> RouterConfig:
    import msgspec

    return msgspec.structs.replace(config, deployments=deployments)
