"""The same calls by way of a proxy that the environment names; aiohttp knows how to talk to it.

Imported only where ``HTTP_PROXY`` and the like are set. It raises what `providers/http1.py` raises.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping

import aiohttp
from yarl import URL

from workbench.domain.exchange import Headers
from workbench.providers.http1 import IDLE_S, MAX_HEAD, ConnectionLost, ConnectTimeout, NotHttp
from workbench.providers.provider import Timeouts


class ProxiedResponse:
    """An answer whose head is there; the shape of `http1.Response`."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Headers = [(str(name), value) for name, value in response.headers.items()]

    async def read(self, timeout_s: float) -> bytes:
        """Return what has come since the last read, ``b""`` at the end."""
        connection = self._response.connection
        if connection is not None and connection.protocol is not None:
            connection.protocol.read_timeout = timeout_s
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _plain(error) from None

    def release(self) -> None:
        """End the connection unless the body was read to its end."""
        self._response.close()


class ProxiedClient:
    """One session that goes through the environment's proxies."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
            trust_env=True,
            max_line_size=MAX_HEAD,
            max_field_size=MAX_HEAD,
        )

    async def request(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> ProxiedResponse:
        """Send a request and return when the answer's head is there."""
        times = aiohttp.ClientTimeout(
            total=timeouts.total_s, sock_connect=timeouts.connect_s, sock_read=timeouts.first_byte_s
        )
        try:
            return ProxiedResponse(
                await self._session.request(
                    method, url, data=body or None, headers=headers, allow_redirects=False, timeout=times
                )
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _plain(error) from None

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()


def _plain(error: Exception) -> Exception:
    """Return aiohttp's error as what `http1` would have raised."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return ConnectTimeout()
    if isinstance(error, TimeoutError):
        return TimeoutError()
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return socket.gaierror(str(error))
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return error.certificate_error
    if isinstance(error, aiohttp.ClientSSLError):
        return ssl.SSLError(str(error.os_error))
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error
    if isinstance(
        error, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError)
    ):
        return ConnectionLost(began=isinstance(error, aiohttp.ClientPayloadError))
    return error if isinstance(error, OSError) else NotHttp(type(error).__name__)
