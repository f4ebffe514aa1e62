"""Wire pass-through: the request's bytes go to an HTTP endpoint, the answer's bytes come back.

OpenAI-compatible and Anthropic upstreams differ here only in where the key stands. No redirect is followed
(it would carry the key elsewhere), and upstreams are asked for identity encoding so that bytes can be passed
and recorded as they are.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from functools import lru_cache
from typing import Protocol

from multidict import CIMultiDict
from yarl import URL

from workbench.domain.exchange import Headers
from workbench.providers.http1 import ConnectionLost, ConnectTimeout, Http1Client, NotHttp, Origin
from workbench.providers.provider import (
    ANTHROPIC_ENDPOINTS,
    Answer,
    Call,
    Deployment,
    ProviderFailure,
    Stage,
    Timeouts,
)

_ANTHROPIC_VERSION = "2023-06-01"
_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-authenticate"}
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


class _Response(Protocol):
    """What both clients give: a head, and a body to read until ``b""``."""

    status: int
    headers: Headers

    async def read(self, timeout_s: float) -> bytes: ...

    def release(self) -> None: ...


class _Client(Protocol):
    async def request(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> _Response: ...

    async def close(self) -> None: ...


class WireProvider:
    """Sends calls over connections that are kept."""

    name = "wire"

    def __init__(self) -> None:
        self._client: _Client | None = None

    async def send(self, call: Call) -> Answer:
        """Return the upstream's head as soon as it is there. Raises ProviderFailure."""
        timeouts = call.deployment.stream_timeouts if call.stream else call.deployment.timeouts
        url, shown = _address(call)
        began = time.monotonic()
        try:
            response = await self._open().request("POST", url, request_headers(call), call.body, timeouts)
        except (OSError, ValueError) as error:
            stage: Stage = "total" if timeouts.total_s < timeouts.first_byte_s else "first_byte"
            raise _failure(error, stage, timeouts, shown) from None
        return _WireAnswer(response, timeouts, shown, began)

    async def probe(self, deployment: Deployment) -> None:
        """Ask for the list of models: it costs nothing. Raises ProviderFailure."""
        call = Call(
            endpoint="/v1/models",
            body=b"",
            headers=[],
            deployment=deployment,
            stream=False,
            exchange_id="",
        )
        url, shown = _address(call)
        timeouts = Timeouts(first_byte_s=10, between_s=10, total_s=15)
        try:
            response = await self._open().request("GET", url, request_headers(call), b"", timeouts)
            response.release()
        except (OSError, ValueError) as error:
            raise _failure(error, "first_byte", timeouts, shown) from None
        # A server without this list still shows that it is there; a refused key or a broken server does not.
        if response.status in (401, 403) or response.status >= 500:
            raise ProviderFailure("malformed", f"HTTP {response.status} for the list of models", url=shown)

    async def aclose(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _open(self) -> _Client:
        if self._client is None:
            self._client = _new_client()
        return self._client


def _new_client() -> _Client:
    if any(value and name.lower() in _PROXIES for name, value in os.environ.items()):
        from workbench.providers.proxied import ProxiedClient

        return ProxiedClient()
    return _Direct()


class _Direct:
    """Requests as bytes, over `Http1Client`."""

    def __init__(self) -> None:
        self._client = Http1Client()

    async def request(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> _Response:
        origin, target, fixed = _place(url)
        return await self._client.send(
            origin,
            _head(f"{method} {target}", fixed, headers, len(body)),
            body,
            connect_s=timeouts.connect_s,
            first_byte_s=min(timeouts.first_byte_s, timeouts.total_s),
        )

    async def close(self) -> None:
        self._client.close()


@lru_cache(maxsize=512)
def _place(url: URL) -> tuple[Origin, str, str]:
    """Return where to connect, the request's target, and the header lines that follow from the address."""
    host = url.raw_host or ""
    shown = f"[{host}]" if ":" in host else host
    fixed = f"Host: {shown}\r\n" if url.is_default_port() else f"Host: {shown}:{url.port}\r\n"
    if url.user is not None:
        basic = b64encode(f"{url.user}:{url.password or ''}".encode()).decode()
        fixed += f"Authorization: Basic {basic}\r\n"
    return Origin(host, url.port or 80, url.scheme == "https"), url.raw_path_qs, fixed


def _head(line: str, fixed: str, headers: Mapping[str, str], length: int) -> bytes:
    """Return a request's head. Raises ValueError for a header that would be more than one line."""
    if "Authorization" in headers:
        fixed = fixed.partition("Authorization:")[0]
    lines = [f"{name}: {value}" for name, value in headers.items()]
    given = "\r\n".join(lines)
    if given.count("\n") + given.count("\r") != 2 * max(len(lines) - 1, 0):
        raise ValueError("a header of more than one line")
    head = f"{line} HTTP/1.1\r\n{fixed}Content-Length: {length}\r\n{given}\r\n\r\n"
    return head.encode("utf-8", "surrogateescape")


class _WireAnswer(Answer):
    """An answer over a live connection."""

    __slots__ = ("_response",)

    def __init__(self, response: _Response, timeouts: Timeouts, url: str, began: float) -> None:
        self._response = response
        super().__init__(
            status=response.status,
            headers=[(name, value) for name, value in response.headers if name.lower() not in _HOP],
            url=url,
            chunks=_chunks(response, timeouts, url, began + timeouts.total_s),
        )

    async def aclose(self) -> None:
        """Drop the connection unless the body was read to its end (then it is kept)."""
        self._response.release()


async def _chunks(response: _Response, timeouts: Timeouts, url: str, until: float) -> AsyncIterator[bytes]:
    read, between = response.read, timeouts.between_s
    stage: Stage = "between_chunks"
    try:
        while True:
            left = until - time.monotonic()
            stage = "total" if left < between else "between_chunks"
            data = await read(max(0.0, min(between, left)))
            if not data:
                return
            yield data
    except (OSError, ValueError) as error:
        raise _failure(error, stage, timeouts, url) from None
    finally:
        response.release()


@lru_cache(maxsize=512)
def _parsed(base: str, endpoint: str, *, anthropic: bool) -> URL:
    base = base.rstrip("/")
    if base.endswith(endpoint.removeprefix("/v1")):
        return URL(base)
    # OpenAI's bases end with /v1 (or their own version), Anthropic's do not.
    if anthropic and not base.endswith("/v1"):
        return URL(base + endpoint)
    return URL(base + endpoint.removeprefix("/v1"))


def endpoint_url(base: str, endpoint: str, query: str = "", *, anthropic: bool = False) -> URL:
    """Return the address of an endpoint (path with ``/v1``) at a deployment's base.

    Raises ValueError for a base that is no address.
    """
    url = _parsed(base, endpoint, anthropic=anthropic or endpoint.startswith("/v1/messages"))
    return url.with_query(query) if query else url


def _address(call: Call) -> tuple[URL, str]:
    """Return the address, and as it may be shown. Raises ProviderFailure for what is none."""
    try:
        anthropic = call.deployment.endpoints <= ANTHROPIC_ENDPOINTS
        return _shown(call.deployment.api_base or "", call.endpoint, call.query, anthropic=anthropic)
    except (ValueError, TypeError):
        raise ProviderFailure("connect", "api_base is not an http address") from None


@lru_cache(maxsize=512)
def _shown(base: str, endpoint: str, query: str, *, anthropic: bool) -> tuple[URL, str]:
    url = endpoint_url(base, endpoint, query, anthropic=anthropic)
    if url.scheme not in ("http", "https") or not url.host or not url.port:
        raise ValueError(url.scheme)
    return url, str(url.with_query(None).with_user(None))


def request_headers(call: Call) -> CIMultiDict[str]:
    """Return the headers for the upstream: the client's that may pass, the deployment's own, its key."""
    headers: CIMultiDict[str] = CIMultiDict(call.headers)
    headers["Content-Type"] = "application/json"
    headers["Accept"] = "text/event-stream" if call.stream else "application/json"
    headers["Accept-Encoding"] = "identity"
    for name, value in _credentials(call.deployment):
        headers[name] = value
    if call.deployment.endpoints <= ANTHROPIC_ENDPOINTS and "anthropic-version" not in headers:
        headers["anthropic-version"] = _ANTHROPIC_VERSION
    for name, value in call.deployment.headers:
        headers[name] = value
    return headers


def _credentials(deployment: Deployment) -> Headers:
    if deployment.api_key is None:
        return []
    key = deployment.api_key.reveal()
    auth = deployment.wire.get("auth", "bearer")
    if auth == "none":
        return []
    # Anthropic's OAuth tokens, unlike its API keys, are bearer tokens.
    if auth in ("x-api-key", "api-key") and not key.startswith("sk-ant-oat"):
        return [(auth, key)]
    return [("Authorization", f"Bearer {key}")]


def _failure(error: Exception, stage: Stage, timeouts: Timeouts, url: str) -> ProviderFailure:
    """Return the failure in our words: a library's may hold the whole request."""
    origin = url.partition("://")[2].partition("/")[0]
    if isinstance(error, TimeoutError):
        return _timed_out(error, stage, timeouts, url)
    if isinstance(error, socket.gaierror):
        return ProviderFailure("dns", f"the name {origin} can't be resolved", url=url)
    if isinstance(error, ssl.SSLError):
        return ProviderFailure("tls", f"TLS with {origin} failed: {_reason(error)}", url=url)
    if isinstance(error, NotHttp):
        return ProviderFailure("malformed", f"{origin} does not answer in HTTP", stage=stage, url=url)
    if isinstance(error, ValueError):
        return ProviderFailure("connect", "an address or header that can't be sent", url=url)
    if isinstance(error, ConnectionLost):
        text = "the answer broke off before its end" if error.began else f"{origin} closed the connection"
        return ProviderFailure("reset", text, stage=stage, url=url)
    return ProviderFailure("connect", f"{origin} can't be reached: {_reason(error)}", url=url)


def _timed_out(error: Exception, stage: Stage, timeouts: Timeouts, url: str) -> ProviderFailure:
    if isinstance(error, ConnectTimeout):
        text = f"no connection within {timeouts.connect_s:g} s"
        return ProviderFailure("timeout", text, stage="connect", url=url)
    if stage == "total":
        text = f"not finished within {timeouts.total_s:g} s"
    elif stage == "between_chunks":
        text = f"nothing more came for {timeouts.between_s:g} s"
    else:
        text = f"no answer within {timeouts.first_byte_s:g} s"
    return ProviderFailure("timeout", text, stage=stage, url=url)


def _reason(error: object) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__
