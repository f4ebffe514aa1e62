"""Wire pass-through: the request's bytes go to an HTTP endpoint, the answer's bytes come back.

OpenAI-compatible and Anthropic upstreams differ here only in where the key stands. No redirect is followed
(it would carry the key elsewhere), and upstreams are asked for identity encoding so that bytes can be passed
and recorded as they are.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from workbench.domain.exchange import Headers
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
_MAX_HEADER = 64 * 1024
_CONNECTIONS = 1024
_IDLE_S = 25.0
"""Most servers keep an idle connection longer; those that do not are met by one more send."""


class WireProvider:
    """Sends calls with one shared connection pool."""

    name = "wire"

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def send(self, call: Call) -> Answer:
        """Return the upstream's head as soon as it is there. Raises ProviderFailure."""
        timeouts = call.deployment.stream_timeouts if call.stream else call.deployment.timeouts
        url, shown = _address(call)
        trace = _Trace()
        try:
            response = await self._post(call, url, timeouts, trace)
        except aiohttp.ServerDisconnectedError as error:
            if not trace.reused:
                raise _failure(error, "first_byte", timeouts, shown) from None
            # The server had closed an idle connection as we took it: nothing was read, so nothing was done.
            try:
                response = await self._post(call, url, timeouts, trace)
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as again:
                raise _failure(again, "first_byte", timeouts, shown) from None
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise _failure(error, "first_byte", timeouts, shown) from None
        return _WireAnswer(response, timeouts, shown)

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
            async with self._open().get(
                url, headers=request_headers(call), allow_redirects=False, timeout=_client_timeout(timeouts)
            ) as response:
                status = response.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise _failure(error, "first_byte", timeouts, shown) from None
        # A server without this list still shows that it is there; a refused key or a broken server does not.
        if status in (401, 403) or status >= 500:
            raise ProviderFailure("malformed", f"HTTP {status} for the list of models", url=shown)

    async def aclose(self) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, call: Call, url: URL, timeouts: Timeouts, trace: _Trace) -> aiohttp.ClientResponse:
        return await self._open().post(
            url,
            data=call.body,
            headers=request_headers(call),
            allow_redirects=False,
            timeout=_client_timeout(timeouts),
            trace_request_ctx=trace,
        )

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            tracing = aiohttp.TraceConfig()
            tracing.on_connection_reuseconn.append(_note_reuse)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=_CONNECTIONS, keepalive_timeout=_IDLE_S, ttl_dns_cache=30
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
                trust_env=any(
                    name.lower() in ("http_proxy", "https_proxy", "all_proxy") for name in os.environ
                ),
                max_line_size=_MAX_HEADER,
                max_field_size=_MAX_HEADER,
                read_bufsize=256 * 1024,
                trace_configs=[tracing],
            )
        return self._session


class _Trace:
    """Whether the request went over a connection that had been idle."""

    reused = False


async def _note_reuse(session: Any, context: Any, params: Any) -> None:
    del session, params
    context.trace_request_ctx.reused = True


class _WireAnswer(Answer):
    """An answer over a live connection."""

    __slots__ = ("_response",)

    def __init__(self, response: aiohttp.ClientResponse, timeouts: Timeouts, url: str) -> None:
        self._response = response
        super().__init__(
            status=response.status,
            headers=[
                (str(name), value) for name, value in response.headers.items() if name.lower() not in _HOP
            ],
            url=url,
            chunks=_chunks(response, timeouts, url),
        )

    async def aclose(self) -> None:
        """Drop the connection unless the body was read to its end (then it is back in the pool)."""
        self._response.close()


async def _chunks(response: aiohttp.ClientResponse, timeouts: Timeouts, url: str) -> AsyncIterator[bytes]:
    connection = response.connection
    if connection is not None and connection.protocol is not None:
        # The head is there: from now on silence is measured between chunks.
        connection.protocol.read_timeout = timeouts.between_s
    read = response.content.readany
    try:
        while data := await read():
            yield data
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        raise _failure(error, "between_chunks", timeouts, url) from None
    finally:
        response.close()


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
        url = endpoint_url(call.deployment.api_base or "", call.endpoint, call.query, anthropic=anthropic)
        if url.scheme not in ("http", "https") or not url.host or not url.port:
            raise ValueError(url.scheme)
        return url, str(url.with_query(None).with_user(None))
    except (ValueError, TypeError):
        raise ProviderFailure("connect", "api_base is not an http address") from None


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


@lru_cache(maxsize=64)
def _client_timeout(timeouts: Timeouts) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=timeouts.total_s, sock_connect=timeouts.connect_s, sock_read=timeouts.first_byte_s
    )


def _failure(error: Exception, stage: Stage, timeouts: Timeouts, url: str) -> ProviderFailure:
    """Return the failure in our words; aiohttp's own may hold the whole request."""
    origin = url.partition("://")[2].partition("/")[0]
    if isinstance(error, TimeoutError):
        return _timed_out(error, stage, timeouts, url)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return ProviderFailure("dns", f"the name {origin} can't be resolved", url=url)
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        reason = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
        return ProviderFailure("tls", f"TLS with {origin} failed: {_reason(reason)}", url=url)
    if isinstance(error, aiohttp.ClientConnectorError):
        return ProviderFailure("connect", f"{origin} can't be reached: {_reason(error.os_error)}", url=url)
    if isinstance(error, (aiohttp.InvalidURL, ValueError)) and not isinstance(
        error, aiohttp.ClientPayloadError
    ):
        return ProviderFailure("connect", "api_base is not an address", url=url)
    if isinstance(error, aiohttp.ClientPayloadError):
        return ProviderFailure("reset", "the answer broke off before its end", stage=stage, url=url)
    if isinstance(error, aiohttp.ClientResponseError):
        return ProviderFailure("malformed", f"{origin} does not answer in HTTP", stage=stage, url=url)
    return ProviderFailure("reset", f"{origin} closed the connection", stage=stage, url=url)


def _timed_out(error: Exception, stage: Stage, timeouts: Timeouts, url: str) -> ProviderFailure:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        text = f"no connection within {timeouts.connect_s:g} s"
        return ProviderFailure("timeout", text, stage="connect", url=url)
    if not isinstance(error, aiohttp.SocketTimeoutError):
        text = f"not finished within {timeouts.total_s:g} s"
        return ProviderFailure("timeout", text, stage="total", url=url)
    if stage == "between_chunks":
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
