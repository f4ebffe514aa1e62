"""The same calls by way of a proxy that the environment names; aiohttp knows how to talk to it.

Imported only where ``HTTP_PROXY``, ``HTTPS_PROXY`` or ``ALL_PROXY`` is set; ``NO_PROXY`` names hosts that are
reached directly. It raises what `providers/http1.py` raises.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Mapping
from urllib.request import getproxies, proxy_bypass

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
        self._proxies = getproxies()
        # aiohttp's own reading of the environment knows no ALL_PROXY, and takes logins from ~/.netrc as well.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, keepalive_timeout=IDLE_S, ssl=ssl.create_default_context()
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
            max_line_size=MAX_HEAD,
            max_field_size=MAX_HEAD,
        )

    async def request(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> ProxiedResponse:
        """Send a request and return when the answer's head is there."""
        proxy = self._proxy(url)
        times = aiohttp.ClientTimeout(
            total=timeouts.total_s, sock_connect=timeouts.connect_s, sock_read=timeouts.first_byte_s
        )
        try:
            response = await self._session.request(
                method,
                url,
                data=body or None,
                headers=headers,
                allow_redirects=False,
                timeout=times,
                proxy=proxy,
            )
            return ProxiedResponse(response)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _plain(error) from None

    def _proxy(self, url: URL) -> URL | None:
        """Return the proxy for an address. Raises OSError for one of a kind that is not known here."""
        host = url.raw_host or ""
        named = self._proxies.get(url.scheme) or self._proxies.get("all")
        if not named or proxy_bypass(f"{host}:{url.port}"):
            return None
        proxy = URL(named if "://" in named else f"http://{named}")
        if proxy.scheme not in ("http", "https"):
            raise OSError(errno.EPROTONOSUPPORT, f"a {proxy.scheme} proxy is not supported, only http")
        return proxy

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()


def _unconnected(error: aiohttp.ClientConnectorError) -> OSError:
    """Return why there is no connection, to the upstream or to the proxy."""
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return OSError(errno.ECONNREFUSED, f"the proxy: {error.os_error.strerror or error.os_error}")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return socket.gaierror(str(error))
    if isinstance(error, aiohttp.ClientSSLError):
        return ssl.SSLError(str(error.os_error))
    return error.os_error


def _plain(error: Exception) -> Exception:
    """Return aiohttp's error as what `http1` would have raised."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return ConnectTimeout()
    if isinstance(error, TimeoutError):
        return TimeoutError()
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return OSError(errno.ECONNREFUSED, f"the proxy answered {error.status}")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return error.certificate_error
    if isinstance(error, aiohttp.ClientConnectorError):
        return _unconnected(error)
    if isinstance(
        error, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError)
    ):
        return ConnectionLost(began=isinstance(error, aiohttp.ClientPayloadError))
    return error if isinstance(error, OSError) else NotHttp(type(error).__name__)
