"""One try at one deployment: prepared, sent, checked, counted and recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from workbench.domain.exchange import Attempt
from workbench.domain.text import one_line
from workbench.providers.provider import CHAT, RESPONSES, Answer, Deployment, Provider, ProviderFailure
from workbench.routing.clock import Clock
from workbench.routing.errors import RouteError
from workbench.routing.prepare import Incoming, Prepared, prepare
from workbench.routing.pricing import estimate_usd
from workbench.routing.relay import AttemptFailed, Relay
from workbench.routing.retry import Failure, from_provider
from workbench.routing.standing import Standing
from workbench.routing.values import AttemptSink

_HIDDEN = frozenset({"set-cookie", "set-cookie2", "authorization", "x-api-key"})


class Trying:
    """Makes the attempts of one request; `count` is how many there were."""

    def __init__(
        self,
        incoming: Incoming,
        providers: Mapping[str, Provider],
        clock: Clock,
        sink: AttemptSink,
        released: Callable[[], None],
    ) -> None:
        self.incoming = incoming
        self.count = 0
        self.last: Deployment | None = None
        self._providers = providers
        self._clock = clock
        self._sink = sink
        self._released = released

    async def attempt(self, deployment: Deployment, standing: Standing, reason: str) -> Relay:
        """Return an answer whose first bytes are good. Raises AttemptFailed."""
        self.last = deployment
        try:
            prepared = prepare(
                self.incoming, deployment, usage=not standing.refuses_usage_option, lacks=standing.lacks
            )
        except RouteError as error:
            failure = Failure(
                kind="BadRequestError",
                code=error.code,
                message=error.message,
                param=error.param,
                elsewhere_only=True,
                counts=False,
            )
            raise AttemptFailed(failure) from None
        try:
            return await self._try(_Try(self, deployment, standing, reason, prepared))
        except AttemptFailed as failed:
            if _about_usage_option(prepared, failed):
                standing.refuses_usage_option = True
                again = "without stream_options"
            elif _lacks_responses(prepared, failed):
                standing.lacks |= {RESPONSES}
                again = f"translated, it has no {RESPONSES}"
            else:
                raise
        return await self.attempt(deployment, standing, f"{reason}; again {again}")

    async def _try(self, one: _Try) -> Relay:
        one.begin()
        try:
            upstream = await self._send(one.prepared)
            relay = one.relay(upstream)
            await relay.open()
        except AttemptFailed as failed:
            key = one.prepared.call.deployment.api_key
            told = failed.without(key.reveal()) if key is not None else failed
            one.fail(told)
            raise told from None
        except asyncio.CancelledError:
            one.abandon("client_left", "the client left")
            raise
        except Exception as error:
            one.abandon("internal_error", f"{type(error).__name__} in the router")
            raise
        one.opened(relay)
        return relay

    async def _send(self, prepared: Prepared) -> Answer:
        provider = self._providers.get(prepared.call.deployment.adapter)
        if provider is None:
            failure = ProviderFailure("unsupported", f"no provider {prepared.call.deployment.adapter!r}")
            raise AttemptFailed(from_provider(failure))
        try:
            return await provider.send(prepared.call)
        except ProviderFailure as failure:
            raise AttemptFailed(from_provider(failure)) from None


class _Try:
    """The counts and the record of one attempt, from begin to exactly one end."""

    def __init__(
        self, trying: Trying, deployment: Deployment, standing: Standing, reason: str, prepared: Prepared
    ) -> None:
        self.prepared = prepared
        self._trying = trying
        self._standing = standing
        self._relay: Relay | None = None
        self._started = trying._clock.monotonic()
        self._reserved = (0.0, 0)
        trying.count += 1
        self.record = Attempt(
            number=trying.count,
            deployment=deployment.id,
            provider=deployment.provider,
            model=deployment.model,
            started_at=trying._clock.wall_us(),
            reason=reason,
        )

    def begin(self) -> None:
        """Take a place at the deployment."""
        standing, now = self._standing, self._started
        standing.health.requests += 1
        if standing.breaker.begin(now):
            self.record.reason += "; half-open probe"
        standing.limits.begin(now, self._trying.incoming.facts.input_tokens)
        if standing.accounts:
            facts = self._trying.incoming.facts
            estimate = estimate_usd(standing.deployment.price, facts.input_tokens, facts.max_tokens) or 0.0
            self._reserved = (estimate, facts.input_tokens + (facts.max_tokens or 0))
        for account in standing.accounts:
            account.reserve(*self._reserved)

    def relay(self, upstream: Answer) -> Relay:
        """Return the relay for what the upstream answered."""
        self.record.status = upstream.status
        self.record.url = upstream.url
        self.record.response_headers = [
            (name, value) for name, value in upstream.headers if name.lower() not in _HIDDEN
        ]
        now = self._trying._clock.monotonic()
        self._standing.health.read_limits(upstream.headers, now)
        self._relay = Relay(
            upstream,
            self._trying.incoming,
            self.prepared,
            clock=self._trying._clock,
            on_end=self._ended,
        )
        return self._relay

    def opened(self, relay: Relay) -> None:
        """The first bytes are good."""
        now = self._trying._clock.monotonic()
        self.record.ttft_ms = (now - self._started) * 1000
        self._standing.health.first_byte(now, self.record.ttft_ms)
        if relay.streaming:
            self._write(None)

    def fail(self, failed: AttemptFailed) -> None:
        """There was no good answer."""
        self._end(failed.failure)
        self._write(failed.body)

    def abandon(self, code: str, reason: str) -> None:
        """It ended before the first byte, and that says nothing about the deployment."""
        if self.record.ended_at is None:
            self._close(code, reason)
            self._standing.breaker.abandon()
            self._write(None)

    def _ended(self, failure: Failure | None, left: bool) -> None:
        """End an answer that had begun."""
        relay = self._relay
        if self.record.ended_at is not None or relay is None:
            return
        if left:
            self._close("client_left", "the client left before the end")
            self._standing.breaker.abandon()
        else:
            self._end(failure)
        self._write(relay.upstream_body)

    def _end(self, failure: Failure | None) -> None:
        clock, standing = self._trying._clock, self._standing
        now = clock.monotonic()
        if failure is None:
            self._close(None, None)
            standing.breaker.succeed(now)
            standing.health.finished(now, (now - self._started) * 1000)
            return
        self._close(failure.code, failure.message)
        standing.failed(failure, now, clock.wall_us())

    def _close(self, code: str | None, error: str | None) -> None:
        clock = self._trying._clock
        now = clock.monotonic()
        self.record.ended_at = clock.wall_us()
        self.record.latency_ms = (now - self._started) * 1000
        self.record.error_code = code
        self.record.error = one_line(error) if error else None
        relay = self._relay
        usage, cost = relay.figures() if relay is not None and relay.watch.begun else (None, None)
        cost = cost or 0.0
        self._standing.spent_usd += cost
        tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0) if usage else 0
        for account in self._standing.accounts:
            account.settle(clock.wall_us(), self._reserved, cost, tokens)
        self._standing.limits.end(
            now,
            self._trying.incoming.facts.input_tokens,
            usage.input_tokens if usage else None,
            usage.output_tokens if usage else None,
        )
        self._trying._released()

    def _write(self, response: bytes | None) -> None:
        self._trying._sink(self.record, self.prepared.call.body if self.prepared.differs else None, response)


def _lacks_responses(prepared: Prepared, failed: AttemptFailed) -> bool:
    """Whether an OpenAI-compatible upstream has no responses endpoint, as most but OpenAI's own."""
    call = prepared.call
    told = "supported_endpoints" in call.deployment.info
    return (
        call.endpoint == RESPONSES
        and failed.failure.status in (404, 405, 501)
        and CHAT in call.deployment.endpoints
        and not told
    )


def _about_usage_option(prepared: Prepared, failed: AttemptFailed) -> bool:
    """Whether the upstream rejected the one member that we put in ourselves."""
    status = failed.failure.status
    return prepared.drop_usage and status in (400, 422) and b"stream_options" in (failed.body or b"")
