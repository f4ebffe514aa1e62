"""Upstream calls by way of a proxy that the environment names; what fails is told as it is without one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.providers.test_http1 import CHUNKED, OK
from tests.proxy import length, proxying
from workbench.providers.provider import Call, Deployment, ProviderFailure, Secret, Timeouts
from workbench.providers.wire import WireProvider

REFUSED = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxy_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine's own environment says."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


class Upstream:
    """Answers every request with the same bytes and keeps what came."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.connections = 0
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests.append(head + await reader.readexactly(length(head)))
                writer.write(self.answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            writer.close()


@asynccontextmanager
async def serving(answer: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[Upstream]:
    upstream = Upstream(answer)
    server = await asyncio.start_server(upstream.handle, "127.0.0.1", 0, ssl=tls)
    upstream.port = server.sockets[0].getsockname()[1]
    yield upstream
    server.close()


@pytest.fixture
async def provider() -> AsyncIterator[WireProvider]:
    made = WireProvider()
    yield made
    await made.aclose()


def call(base: str, **deployment: Any) -> Call:
    times = Timeouts(connect_s=5, first_byte_s=5, between_s=5, total_s=20)
    fields: dict[str, Any] = {"api_key": Secret("sk-of-the-upstream"), **deployment}
    return Call(
        endpoint="/v1/chat/completions",
        body=b'{"model": "m"}',
        headers=[("User-Agent", "me"), ("X-One", "a b")],
        deployment=Deployment(
            id="o", group="g", provider="openai", model="m", api_base=base, timeouts=times, **fields
        ),
        stream=False,
        exchange_id="ex_1",
    )


async def asked(provider: WireProvider, base: str, **deployment: Any) -> bytes:
    answer = await provider.send(call(base, **deployment))
    try:
        return b"".join([chunk async for chunk in answer.chunks])
    finally:
        await answer.aclose()


async def failed(provider: WireProvider, base: str) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        await asked(provider, base)
    assert "sk-of-the-upstream" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_a_request_goes_by_the_proxy(
    provider: WireProvider, monkeypatch: pytest.MonkeyPatch, name: str
):
    """With the same headers and the same body as without, over a connection that is kept."""
    async with proxying() as proxy, serving(OK) as upstream:
        base = f"http://127.0.0.1:{upstream.port}/v1"
        straight = WireProvider()
        assert await asked(straight, base) == b"ok"
        await straight.aclose()
        monkeypatch.setenv(name, proxy.url)
        for _ in range(2):
            assert await asked(provider, base) == b"ok"
        assert len(proxy.heads) == 2
        assert proxy.heads[0].startswith(b"POST %b/chat/completions HTTP/1.1" % base.encode())
        assert upstream.connections == 2
        direct, proxied, again = (sorted(request.splitlines()) for request in upstream.requests)
        assert direct == proxied == again


async def test_no_proxy_names_what_is_reached_directly(
    provider: WireProvider, monkeypatch: pytest.MonkeyPatch
):
    """A local model beside a proxy for everything else."""
    async with proxying() as proxy, serving(OK) as upstream:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert await asked(provider, f"http://127.0.0.1:{upstream.port}/v1") == b"ok"
        assert proxy.heads == []


async def test_the_login_of_a_proxy_goes_to_the_proxy_only(
    provider: WireProvider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Neither it nor what stands in ~/.netrc reaches the upstream."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hidden\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with proxying() as proxy, serving(OK) as upstream:
        monkeypatch.setenv("HTTP_PROXY", f"http://user:pass@127.0.0.1:{proxy.port}")
        assert await asked(provider, f"http://127.0.0.1:{upstream.port}/v1", wire={"auth": "none"}) == b"ok"
        assert b"Proxy-Authorization: Basic dXNlcjpwYXNz" in proxy.heads[0]
        assert b"\r\nAuthorization:" not in upstream.requests[0]


async def test_tls_goes_through_a_tunnel(
    provider: WireProvider,
    monkeypatch: pytest.MonkeyPatch,
    certificate: Path,
):
    """The proxy sees the host and nothing else; a certificate that nobody vouches for is refused."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with proxying() as proxy, serving(OK, context) as upstream:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        base = f"https://localhost:{upstream.port}/v1"
        failure = await failed(provider, base)
        assert failure.kind == "tls"
        assert upstream.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        trusting = WireProvider()
        assert await asked(trusting, base) == b"ok"
        await trusting.aclose()
        assert all(head.startswith(b"CONNECT localhost:%d " % upstream.port) for head in proxy.heads)
        assert b"sk-of-the-upstream" in upstream.requests[0]
        assert not any(b"sk-of-the-upstream" in head for head in proxy.heads)


async def test_a_proxy_that_refuses_the_tunnel_is_named(
    provider: WireProvider, monkeypatch: pytest.MonkeyPatch
):
    """407: the upstream was never asked."""
    async with proxying(REFUSED) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        failure = await failed(provider, "https://api.example.com/v1")
    assert (failure.kind, str(failure)) == (
        "connect",
        "api.example.com can't be reached: the proxy answered 407",
    )


async def test_a_proxy_that_is_not_there_is_named(provider: WireProvider, monkeypatch: pytest.MonkeyPatch):
    """Not the upstream, which may be well."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    failure = await failed(provider, "http://upstream.example.com/v1")
    assert failure.kind == "connect"
    assert "the proxy: " in str(failure)


async def test_a_kind_of_proxy_that_is_not_known_is_refused(
    provider: WireProvider, monkeypatch: pytest.MonkeyPatch
):
    """To go past it would be worse than not to go."""
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    failure = await failed(provider, "http://upstream.example.com/v1")
    assert "a socks5 proxy is not supported" in str(failure)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "timeout"),
        (CHUNKED + b"2\r\nab\r\n", "timeout"),
        (b"", "timeout"),
        (b"220 no HTTP at all\r\n\r\n", "malformed"),
    ],
)
async def test_an_answer_that_does_not_end_fails_as_without_a_proxy(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, kind: str
):
    """Silence before the head, in the middle, and what is no HTTP."""
    quick = Timeouts(connect_s=5, first_byte_s=0.4, between_s=0.4, total_s=20)
    kinds = []
    async with proxying() as proxy, serving(answer) as upstream:
        for proxy_url in (None, proxy.url):
            if proxy_url is not None:
                monkeypatch.setenv("HTTP_PROXY", proxy_url)
            provider = WireProvider()
            with pytest.raises(ProviderFailure) as caught:
                await slowly(provider, f"http://127.0.0.1:{upstream.port}/v1", quick)
            kinds.append(caught.value.kind)
            await provider.aclose()
    assert kinds == [kind, kind]


async def slowly(provider: WireProvider, base: str, times: Timeouts) -> None:
    asking = call(base)
    answer = await provider.send(
        Call(
            endpoint=asking.endpoint,
            body=asking.body,
            headers=asking.headers,
            deployment=Deployment(
                id="o", group="g", provider="openai", model="m", api_base=base, timeouts=times
            ),
            stream=False,
            exchange_id="ex_1",
        )
    )
    async for _ in answer.chunks:
        pass
