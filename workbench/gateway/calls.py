"""One exchange: from an accepted key to the last byte, recorded whatever comes of it.

Delivery: an exchange is opened in the recorder as soon as its body is there, every byte for the client
goes through the recording first, and the bytes that end an answer are sent only when the recorder has
committed (or its deadline passed). A client that leaves ends the upstream call at once.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from workbench.domain.exchange import Attempt
from workbench.domain.text import one_line
from workbench.gateway import problems
from workbench.gateway.client import ClientLeft, Presence, read_body
from workbench.gateway.endpoints import Endpoint, Wish, read_wish
from workbench.gateway.gateway import DRAIN_RETRY_S
from workbench.gateway.problems import Problem
from workbench.gateway.replies import Lines, as_text, own_lines, passed_lines
from workbench.gateway.requests import Request, new_exchange
from workbench.gateway.sse import error_events
from workbench.recording.state import RecordingRequired
from workbench.routing.errors import RouteError
from workbench.routing.values import RouteAnswer, RouteRequest

if TYPE_CHECKING:
    from workbench.gateway.client import Send
    from workbench.gateway.gateway import Gateway
    from workbench.recording.recording import Recording

log = logging.getLogger("workbench.gateway")


async def serve_call(gateway: Gateway, endpoint: Endpoint, request: Request, send: Send) -> None:
    """Answer one POST to a model endpoint whose key is good."""
    body, wish, problem = b"", None, None
    try:
        body = await read_body(
            request.receive, gateway.max_body_bytes, request.headers.get(b"content-length")
        )
        if (encoding := request.text(b"content-encoding")) and encoding != "identity":
            raise problems.encoded(encoding)
        wish = read_wish(endpoint, body)
        request.check_tenant()
    except ClientLeft:
        return
    except Problem as found:
        problem = found
    if gateway.draining:
        problem = problems.draining(DRAIN_RETRY_S)
    exchange = new_exchange(gateway, endpoint, request, wish, body)
    try:
        recording = gateway.recorder.open(exchange, request.lines, body)
    except RecordingRequired as error:
        await _send_unrecorded(send, endpoint, problems.recording_required(error.message), exchange.id)
        return
    call = _Call(gateway, endpoint, request, send, recording)
    gateway.enter()
    try:
        await call.run(body, wish, problem)
    finally:
        gateway.leave()
        gateway.metrics.ended(exchange)


async def _send_unrecorded(send: Send, endpoint: Endpoint, problem: Problem, exchange_id: str) -> None:
    await send({"type": "http.response.start", "status": problem.status, "headers": problem.headers()})
    await send({"type": "http.response.body", "body": problem.body(endpoint.dialect, exchange_id)})


class _Call:
    """The exchange under way; each method adds one concern and cleans up after itself."""

    __slots__ = (
        "_clean",
        "_endpoint",
        "_exchange",
        "_gateway",
        "_recording",
        "_request",
        "_send",
        "_started",
    )

    def __init__(
        self, gateway: Gateway, endpoint: Endpoint, request: Request, send: Send, recording: Recording
    ) -> None:
        self._gateway = gateway
        self._endpoint = endpoint
        self._request = request
        self._send = send
        self._recording = recording
        self._exchange = recording.exchange
        self._started = False
        self._clean = True

    async def run(self, body: bytes, wish: Wish | None, problem: Problem | None) -> None:
        """Answer with what the router gives, or with a problem."""
        try:
            if problem is not None or wish is None:
                raise problem or problems.crashed(self._exchange.id)
            await self._watched(body, wish)
        except (Problem, RouteError) as error:
            await self._refuse(error if isinstance(error, Problem) else self._worded(error))
        except RecursionError:
            await self._refuse(problems.too_deep())
        except (Exception, SystemExit):  # a library that leaves must not take the router with it
            log.exception("a request failed", extra={"exchange": self._exchange.id})
            await self._refuse(problems.crashed(self._exchange.id))

    async def _watched(self, body: bytes, wish: Wish) -> None:
        """Give the call up when the client leaves."""
        presence = Presence(self._request.receive, self._gateway.newcomers)
        try:
            async with presence:
                await self._routed(body, wish, presence)
        except asyncio.CancelledError:
            self._abort("router_stopped", "the router was stopped")
            raise
        if presence.gone:
            self._abort("client_closed_request", "the client went away")

    def _abort(self, code: str, reason: str) -> None:
        self._exchange.error_code = code
        self._recording.abort("interrupted", reason)

    async def _routed(self, body: bytes, wish: Wish, presence: Presence) -> None:
        answer = await self._gateway.router.send(self._route_request(body, wish), self._attempted)
        try:
            self._note_head(answer)
            held = await self._relay(answer)
            presence.stop()
            self._note_end(answer)
            await self._finish(answer, held)
        except BaseException:
            await answer.aclose()
            self._note_end(answer)  # a broken answer has used tokens too
            raise
        await answer.aclose()

    async def _relay(self, answer: RouteAnswer) -> bytes:
        """Pass the answer on as it comes; return the bytes that end it, which are held back."""
        held = b""
        async for chunk in answer.chunks:
            if answer.ending:
                held = held + chunk if held else chunk
                continue
            if not self._started:
                lines = self._lines(answer)
                self._recording.response_headers = as_text(lines)
                await self._start(answer.status, lines)
            self._recording.write(chunk)
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
            self._clean = chunk.endswith((b"\n\n", b"\r\n\r\n"))
        return held

    async def _finish(self, answer: RouteAnswer, held: bytes) -> None:
        """Commit, then send what ends the answer."""
        self._recording.write(held)
        if not self._started:
            lines = self._lines(answer)
            if not answer.stream:
                lines.append((b"content-length", b"%d" % len(held)))
            self._recording.response_headers = as_text(lines)
        self._recording.end()
        if not self._started:
            # The server keeps the head until the body follows; it is made while the recorder commits.
            await self._start(answer.status, lines)
        await self._recording.durable()
        await self._send({"type": "http.response.body", "body": held, "more_body": False})

    async def _start(self, status: int, lines: Lines) -> None:
        self._started = True
        await self._send({"type": "http.response.start", "status": status, "headers": lines})

    async def _refuse(self, problem: Problem) -> None:
        """End the exchange with an error: a whole answer, or the end of one that has begun."""
        exchange = self._exchange
        exchange.error_code, exchange.error = problem.code, one_line(problem.message)
        if self._started:
            await self._break_off(problem)
            return
        exchange.status = problem.status
        body = problem.body(self._endpoint.dialect, exchange.id)
        lines = own_lines(exchange) + problem.headers() + [(b"content-length", b"%d" % len(body))]
        self._recording.response_headers = as_text(lines)
        self._recording.write(body)
        await self._recording.commit()
        await self._start(problem.status, lines)
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _break_off(self, problem: Problem) -> None:
        """End a begun answer: an error event in a stream; a plain body just stops, unfinished."""
        self._exchange.state = "failed"
        if not self._exchange.stream:
            await self._recording.commit()
            raise ConnectionAbortedError(problem.message)
        last = b"" if self._clean else b"\n\n"
        last += error_events(self._endpoint.dialect, problem, self._exchange.id)
        self._recording.write(last)
        await self._recording.commit()
        await self._send({"type": "http.response.body", "body": last, "more_body": False})

    def _route_request(self, body: bytes, wish: Wish) -> RouteRequest:
        request, exchange = self._request, self._exchange
        return RouteRequest(
            exchange_id=exchange.id,
            endpoint=self._endpoint.path,
            body=body,
            model=wish.model or self._gateway.default_model,
            stream=wish.stream,
            headers=request.lines,
            query=request.query,
            tenant=exchange.tenant,
            playback=request.text(b"x-workbench-playback"),
            playback_speed=request.text(b"x-workbench-playback-speed") or "original",
            tags=exchange.tags,
        )

    def _attempted(self, attempt: Attempt, request: bytes | None, response: bytes | None) -> None:
        self._recording.attempt(attempt, request=request, response=response)
        if attempt.ended_at is not None:
            self._gateway.metrics.attempted(attempt)

    def _lines(self, answer: RouteAnswer) -> Lines:
        return own_lines(self._exchange) + passed_lines(answer.headers)

    def _note_head(self, answer: RouteAnswer) -> None:
        exchange = self._exchange
        exchange.status = answer.status
        exchange.model = answer.group
        exchange.deployment = answer.deployment
        exchange.provider = answer.provider
        exchange.attempts = answer.attempts
        exchange.cache = answer.cache
        exchange.stream = answer.stream

    def _note_end(self, answer: RouteAnswer) -> None:
        exchange = self._exchange
        exchange.cost_usd = answer.cost_usd
        exchange.finish_reason = answer.finish_reason
        if answer.upstream_error is not None:
            exchange.error = one_line(answer.upstream_error)
            exchange.error_code = exchange.error_code or "upstream_error"
            if answer.status < 400:
                exchange.state = "failed"
        if (usage := answer.usage) is not None:
            exchange.input_tokens = usage.input_tokens
            exchange.output_tokens = usage.output_tokens
            exchange.cached_tokens = usage.cached_tokens
            exchange.cache_write_tokens = usage.cache_write_tokens
            exchange.reasoning_tokens = usage.reasoning_tokens
            exchange.usage_estimated = usage.estimated

    def _worded(self, error: RouteError) -> Problem:
        exchange = self._exchange
        exchange.attempts = error.attempts or exchange.attempts
        exchange.deployment = error.deployment or exchange.deployment
        exchange.provider = error.provider or exchange.provider
        return Problem(
            error.status,
            error.code,
            error.message,
            param=error.param,
            retryable=error.retryable,
            retry_after=error.retry_after_s,
            details=error.details,
        )
