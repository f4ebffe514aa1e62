"""Limits on what comes before a body: uvicorn and httptools take a head of any size, for any time.

What is refused here was not parsed to its end, so no key was checked and nothing is recorded; it is logged.
"""

from __future__ import annotations

import asyncio
import logging

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from workbench.gateway.endpoints import BY_PATH
from workbench.gateway.problems import Dialect, Problem

log = logging.getLogger("workbench.gateway")

MAX_HEAD_BYTES = 64 * 1024
"""Request line and header lines together, as others have it."""
MAX_HEADERS = 200
MAX_TARGET_BYTES = 16 * 1024
"""Path and query of the request line."""
HEAD_S = 60.0
"""From a connection's beginning, or a head's first bytes, to the head's end."""
_LINGER_S = 2.0
"""A client that is still sending would see a reset instead of the answer."""


class LimitedHead(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with limits on heads, trailers and whatever else the parser gathers in silence.

    Only the end of a head, bytes of a body and the end of a request are heard from the parser: what comes
    meanwhile is counted, and may come for `HEAD_S` seconds.
    """

    _gathered = 0
    """Bytes since the parser was last heard."""
    _incoming = 0
    """Bytes that it is being fed."""
    _heard = False
    _refused = False
    _late: asyncio.TimerHandle | None = None
    _problem: Problem | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the client its time to begin."""
        super().connection_made(transport)
        self._late = self.loop.call_later(HEAD_S, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let everything go."""
        super().connection_lost(exc)
        self._stop_waiting()

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client, unless they are too many or come too late."""
        if self._refused:
            return
        self._incoming = len(data)
        self._heard = False
        HttpToolsProtocol.data_received(self, data)  # super() is slower, here it shows
        self._look_at_time(len(data))

    def on_headers_complete(self) -> None:
        """Begin the request. Raises Problem, for `send_400_response`, when its head is over a limit."""
        self._heard = True
        if len(self.headers) > MAX_HEADERS:
            self._problem = _too_many(len(self.headers))
        elif len(self.url) > MAX_TARGET_BYTES:
            self._problem = _target_too_long(len(self.url))
        elif self._gathered + self._incoming > MAX_HEAD_BYTES and self._head_size() > MAX_HEAD_BYTES:
            self._problem = _too_large()
        if self._problem is not None:
            raise self._problem
        HttpToolsProtocol.on_headers_complete(self)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body; its size is for the application to limit."""
        self._heard = True
        HttpToolsProtocol.on_body(self, body)

    def on_message_complete(self) -> None:
        """Note that a request is there."""
        self._heard = True
        HttpToolsProtocol.on_message_complete(self)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, or one whose head is over a limit."""
        self._refuse(self._problem or Problem(400, "bad_request", msg))

    def _look_at_time(self, size: int) -> None:
        """Count what the parser was silent about, and see to it that a timer runs while more has to come."""
        if self._refused:
            return
        if self._heard:
            self._gathered = 0
            if self._late is not None:
                self._stop_waiting()
        else:
            self._gathered += size
            if self._gathered > MAX_HEAD_BYTES:
                self._refuse(_too_large())
                return
        # A request that was answered before it was whole has no answer to come that would start a timer.
        if self._late is None and (not self._heard or self.cycle.response_complete):
            self._late = self.loop.call_later(HEAD_S, self._too_late)

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _too_late(self) -> None:
        self._late = None
        if self._answering:
            self._late = self.loop.call_later(HEAD_S, self._too_late)
        elif self._gathered:
            self._refuse(Problem(408, "request_timeout", "the request stopped coming", retryable=True))
        else:
            self.transport.close()

    @property
    def _busy(self) -> bool:
        """Whether there is a request whose answer is not over."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    @property
    def _answering(self) -> bool:
        return self._busy and not self.cycle.more_body

    def _refuse(self, problem: Problem) -> None:
        """Answer and close; read on for a moment. An answer that is under way is finished instead."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._stop_waiting()
        log.info("refused a request: %s", problem.message, extra={"client": self.client})
        if self._busy:
            self._give_up_reading()
            return
        body = problem.body(self._dialect(), None)
        lines = [*problem.headers(), (b"content-length", b"%d" % len(body)), (b"connection", b"close")]
        head = b"".join(b"%b: %b\r\n" % line for line in lines)
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[problem.status], head, body))
        self.transport.write_eof()
        self._late = self.loop.call_later(_LINGER_S, self.transport.close)

    def _give_up_reading(self) -> None:
        """End the connection with the answer under way, or at once when its own request is not whole."""
        if self._answering:
            self.cycle.keep_alive = False
        else:
            self.transport.close()

    def _dialect(self) -> Dialect:
        url = getattr(self, "url", b"")
        endpoint = BY_PATH.get(url.partition(b"?")[0].decode("latin-1"))
        return endpoint.dialect if endpoint is not None else "openai"

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def _too_large() -> Problem:
    return Problem(
        431,
        "headers_too_large",
        f"the request's line and headers are larger than {MAX_HEAD_BYTES // 1024} KiB",
        details={"limit_bytes": MAX_HEAD_BYTES},
    )


def _too_many(count: int) -> Problem:
    return Problem(
        431,
        "too_many_headers",
        f"the request has {count} header lines; {MAX_HEADERS} are allowed",
        details={"limit": MAX_HEADERS},
    )


def _target_too_long(size: int) -> Problem:
    return Problem(
        414,
        "target_too_long",
        f"path and query are {size} bytes; {MAX_TARGET_BYTES} are allowed",
        details={"limit_bytes": MAX_TARGET_BYTES},
    )
