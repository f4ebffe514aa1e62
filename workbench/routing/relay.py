"""One upstream answer on its way to the client: checked before its first byte, watched to its last.

Nothing is a success here until its end has been seen: a plain body must be whole, valid JSON; a stream must
reach its terminal event (or, for upstreams that send none, a finish reason).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import msgspec

from workbench.domain.dialects.translation import StreamTranslator
from workbench.domain.dialects.watch import EventCutter, Malformed, Watch, event_data
from workbench.domain.exchange import Headers, Usage
from workbench.domain.text import one_line
from workbench.providers.provider import Answer, ProviderFailure
from workbench.routing.clock import Clock
from workbench.routing.errors import StreamBroken
from workbench.routing.prepare import Incoming, Prepared
from workbench.routing.pricing import cost_usd
from workbench.routing.retry import Failure, from_provider, from_status
from workbench.routing.values import RouteAnswer

_CUT = "the stream was cut in the middle of an event"
_MAX_PLAIN = 512 * 1024 * 1024
_COMMENTS_HELD_S = 5.0
"""How long keep-alive comments are held back in the hope that the first event can still fail over."""
_AFTER_END_S = 0.05
_PASSED = ("x-ratelimit-", "anthropic-", "openai-", "x-workbench-canned")
_PASSED_EXACT = frozenset({"content-type", "retry-after", "retry-after-ms", "request-id"})

OnEnd = Callable[[Failure | None, bool], None]
"""Called once: the failure if there was one, and whether the client left before the end."""


class AttemptFailed(Exception):
    """An attempt that brought no good answer, while another one may still be made."""

    def __init__(
        self, failure: Failure, *, body: bytes | None = None, headers: Headers | None = None
    ) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.body = body
        self.headers = headers or []

    def without(self, key: str) -> AttemptFailed:
        """Return the same failure with the deployment's key taken out of what the upstream said."""
        if not key or (key not in self.failure.message and key.encode() not in (self.body or b"")):
            return self
        message = self.failure.message.replace(key, "…")
        body = self.body.replace(key.encode(), b"...") if self.body is not None else None
        failure = msgspec.structs.replace(self.failure, message=message)
        return AttemptFailed(failure, body=body, headers=self.headers)


class Relay:
    """Passes one answer on. `open` first, then `chunks` once; `aclose` at any time."""

    def __init__(
        self, upstream: Answer, incoming: Incoming, prepared: Prepared, *, clock: Clock, on_end: OnEnd
    ) -> None:
        self.upstream = upstream
        self.watch = Watch(prepared.call.endpoint)
        self.streaming = False
        self.body = b""
        """The plain answer for the client."""
        self.upstream_body: bytes | None = None
        """What the upstream answered, where the client gets something else."""
        self.headers: Headers = []
        self.answer: RouteAnswer | None = None
        self._incoming = incoming
        self._prepared = prepared
        self._clock = clock
        self._on_end: OnEnd | None = on_end
        self._cutter = EventCutter()
        self._ready: list[tuple[bytes, bool]] = []
        self._translator: StreamTranslator | None = None
        self._kept: list[bytes] | None = None
        self._over = False
        self._opened = False
        self._broken: StreamBroken | None = None
        """An error that came with the first words: told after them."""
        self._known: tuple[Usage, float | None] | None = None

    async def open(self) -> None:
        """Read as much as tells whether this is a good answer. Raises AttemptFailed."""
        try:
            await self._open()
        except ProviderFailure as failure:
            raise AttemptFailed(from_provider(failure), headers=self.upstream.headers) from None
        except (Malformed, RecursionError) as error:
            raise AttemptFailed(_malformed(str(error)), headers=self.upstream.headers) from None
        else:
            self._opened = True
        finally:
            # A failure, or a client that left meanwhile: either way the upstream is not read any further.
            if not self._opened:
                await self.upstream.aclose()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the client's bytes. Raises StreamBroken where the upstream broke off."""
        try:
            if not self.streaming:
                self._over = True
                self._ending()
                self._end(None)
                yield self.body
                return
            for piece, ending in self._ready:
                if ending:
                    self._ending()
                yield piece
            if self._broken is not None:
                raise self._broken
            if not self._over:
                async for piece in self._rest():
                    yield piece
            await self._drain()
            self._end(self._stream_error())
        except (ProviderFailure, Malformed, RecursionError) as error:
            failure = from_provider(error) if isinstance(error, ProviderFailure) else _malformed(str(error))
            self._end(failure)
            raise _broken(failure) from None
        except StreamBroken as broken:
            self._end(Failure(kind="BadGatewayError", code=broken.code, message=broken.message))
            raise
        finally:
            await self.aclose()

    def figures(self) -> tuple[Usage, float | None]:
        """Return the tokens so far (the upstream's count, else our estimate) and what they cost in USD."""
        if self._known is None:
            usage = self.watch.estimated(len(self._incoming.request.body))
            known = usage, cost_usd(self._prepared.call.deployment.price, usage)
            if not self._over:
                return known
            self._known = known
        return self._known

    async def aclose(self) -> None:
        """Give the upstream up; the client left unless the end was reached before."""
        if self._on_end is not None:
            self._finish(None, left=True)
        await self.upstream.aclose()

    async def _open(self) -> None:
        upstream = self.upstream
        if not 200 <= upstream.status < 300:
            body = await self._read_whole()
            wall_s = self._clock.wall_us() / 1e6
            failure = from_status(upstream.status, upstream.headers, body, wall_s=wall_s)
            raise AttemptFailed(failure, body=body, headers=upstream.headers)
        self.headers = passed_headers(upstream.headers)
        kind = (upstream.header("content-type") or "").lower()
        self.streaming = self._incoming.request.stream and not kind.startswith(
            ("application/json", "text/html")
        )
        way = self._prepared.translation
        if self.streaming:
            self._translator = way.stream(self._incoming.decoded()) if way else None
            self._kept = [] if way else None
            await self._peek()
        else:
            await self._open_plain()

    async def _open_plain(self) -> None:
        body = await self._read_whole()
        try:
            self.watch.body(body)
        except Malformed as error:
            raise AttemptFailed(_malformed(str(error)), body=body, headers=self.upstream.headers) from None
        if self.watch.error is not None:
            raise AttemptFailed(self._error_inside(body), body=body, headers=self.upstream.headers)
        way = self._prepared.translation
        if way is None:
            self.body = body
            return
        self.upstream_body = body
        self.body = msgspec.json.encode(way.answer(msgspec.json.decode(body), self._incoming.decoded()))
        self.headers = _retyped(self.headers, "application/json")

    async def _peek(self) -> None:
        """Read up to the first event: until then, another deployment can still take over."""
        began = self._clock.monotonic()
        while not self.watch.begun:
            chunk = await anext(self.upstream.chunks, None)
            if chunk is None:
                self._ready += self._at_end()
                break
            self._ready += self._take(chunk)
            if self._clock.monotonic() - began > _COMMENTS_HELD_S:
                break
        if self.watch.error is not None and not self.watch.answer_chars:
            body = b"".join(piece for piece, _ in self._ready)
            raise AttemptFailed(self._error_inside(body), body=body, headers=self.upstream.headers)
        if self._translator is not None:
            self.headers = _retyped(self.headers, "text/event-stream; charset=utf-8")

    async def _rest(self) -> AsyncIterator[bytes]:
        quick = self._translator is None
        async for chunk in self.upstream.chunks:
            if quick and not self._cutter.pending and self.watch.ordinary(chunk):
                yield chunk
                continue
            for piece, ending in self._take(chunk):
                if ending:
                    self._ending()
                yield piece
            if self._over:
                return
        for piece, ending in self._at_end():
            if ending:
                self._ending()
            yield piece

    def _take(self, chunk: bytes) -> Iterator[tuple[bytes, bool]]:
        """Yield the pieces for the client that `chunk` completes, and whether each ends the answer."""
        if self._kept is not None:
            self._kept.append(chunk)
        out: list[bytes] = []
        try:
            events = self._cutter.feed(chunk)
        except ValueError as error:
            raise Malformed(str(error)) from None
        for number, block in enumerate(events):
            try:
                self.watch.event(block)
            except Malformed:
                if out:
                    yield b"".join(out), False
                raise
            if self.watch.terminal:
                self._over = True
                if out:
                    yield b"".join(out), False
                # The rest of the chunk belongs to the end: nothing may follow the terminal event.
                yield self._last(b"".join(events[number:]) + self._cutter.rest())
                return
            out.append(self._passed(block))
            if self._broken is not None:
                break
        piece = b"".join(out)
        if piece:
            yield piece, False

    def _passed(self, block: bytes) -> bytes:
        if self.watch.error is not None:
            block = self._error_passed(block)
        if self._translator is None:
            return b"" if self._prepared.drop_usage and self.watch.only_usage else block
        if self._broken is not None:
            return b""
        data = event_data(block)
        return self._translated(data) if data else b""

    def _error_passed(self, block: bytes) -> bytes:
        """Take our key out of an error; break a translated stream off, which has no other word for it."""
        key = self._prepared.call.deployment.api_key
        if key is not None and key.reveal():
            self.watch.error = (self.watch.error or "").replace(key.reveal(), "…")
            block = block.replace(key.reveal().encode(), b"...")
        if self._translator is not None and self._broken is None:
            self._broken = StreamBroken(
                502, "upstream_error", one_line(self.watch.error or ""), retryable=True
            )
            if self._opened:
                raise self._broken
        return block

    def _translated(self, data: bytes) -> bytes:
        way, translator = self._prepared.translation, self._translator
        if way is None or translator is None:
            return b""
        document = msgspec.json.decode(data)
        return way.encode(translator.feed(document)) if isinstance(document, dict) else b""

    def _closing(self) -> bytes:
        way, translator = self._prepared.translation, self._translator
        return way.encode_end(translator.close()) if way is not None and translator is not None else b""

    def _last(self, block: bytes) -> tuple[bytes, bool]:
        if self._translator is None:
            return block, True
        data = event_data(block)
        fed = b"" if not data or data == b"[DONE]" else self._translated(data)
        return fed + self._closing(), True

    def _at_end(self) -> Iterator[tuple[bytes, bool]]:
        """The upstream's body is over: yield what is left, or say that it was cut."""
        self._over = True
        rest = self._cutter.rest()
        if rest.strip():
            try:
                self.watch.event(rest + b"\n\n")
            except Malformed:
                raise Malformed(_CUT) from None
            if event_data(rest + b"\n\n") is None and not rest.lstrip().startswith(b":"):
                raise Malformed(_CUT)
        if not self.watch.complete:
            text = "the stream ended without its terminal event" if self.watch.begun else "an empty stream"
            raise Malformed(text)
        if self._translator is None:
            piece = self._passed(rest)
            if piece:
                yield piece, self.watch.terminal
            return
        fed = self._passed(rest + b"\n\n") if rest.strip() and not self.watch.terminal else b""
        if self._broken is None:
            yield fed + self._closing(), True

    async def _drain(self) -> None:
        """Read the upstream's end so that its connection can be used again; do not wait for it long."""
        try:
            async with asyncio.timeout(_AFTER_END_S):
                await anext(self.upstream.chunks, None)
        except (TimeoutError, ProviderFailure):
            pass

    async def _read_whole(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for chunk in self.upstream.chunks:
            parts.append(chunk)
            size += len(chunk)
            if size > _MAX_PLAIN:
                raise Malformed(f"an answer of more than {_MAX_PLAIN} bytes")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _error_inside(self, body: bytes) -> Failure:
        """Return the failure for an error in a 200."""
        status = self.watch.error_status or 502
        failure = from_status(status, self.upstream.headers, body, wall_s=self._clock.wall_us() / 1e6)
        message = f"HTTP {self.upstream.status} with an error inside: {one_line(self.watch.error or '')}"
        return msgspec.structs.replace(failure, passes=False, message=message)

    def _stream_error(self) -> Failure | None:
        if self.watch.error is None:
            return None
        return msgspec.structs.replace(self._error_inside(b""), code="upstream_error")

    def _ending(self) -> None:
        if self.answer is not None:
            self.answer.ending = True
            self._tell(self.answer)

    def _tell(self, answer: RouteAnswer) -> None:
        answer.usage, answer.cost_usd = self.figures()
        answer.finish_reason = self.watch.finish_reason
        if self.watch.error is not None:
            answer.upstream_error = one_line(self.watch.error)

    def _end(self, failure: Failure | None) -> None:
        if self._on_end is not None:
            self._finish(failure, left=False)

    def _finish(self, failure: Failure | None, *, left: bool) -> None:
        on_end, self._on_end = self._on_end, None
        if self._kept is not None:
            self.upstream_body = b"".join(self._kept)
        if self.answer is not None:
            self._tell(self.answer)
        if on_end is not None:
            on_end(failure, left)
        if self.answer is not None:
            self.answer.ended()


def passed_headers(headers: Headers) -> Headers:
    """Return the upstream's headers that mean something to the client."""
    return [
        (name, value)
        for name, value in headers
        if name.lower() in _PASSED_EXACT or name.lower().startswith(_PASSED)
    ]


def _retyped(headers: Headers, content_type: str) -> Headers:
    kept = [(name, value) for name, value in headers if name.lower() not in ("content-type", "request-id")]
    return [("Content-Type", content_type), *kept]


def _malformed(message: str) -> Failure:
    return Failure(kind="BadGatewayError", code="upstream_malformed", message=message)


def _broken(failure: Failure) -> StreamBroken:
    status = 504 if failure.kind == "TimeoutError" else 502
    return StreamBroken(status, failure.code, failure.message, retryable=True)
