"""The router: limits > cache > strategy > breaker > attempt > retry > fallback, one concern a layer.

Each layer is a method that calls the next and adds one thing: `send` finds the group, `_through_groups`
follows fallbacks, `_through_deployments` retries, `_choose` waits for a place and asks the strategy,
`Trying.attempt` makes one try.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workbench.providers.provider import COUNT_TOKENS, Deployment, Provider
from workbench.routing import answers, verdicts
from workbench.routing.attempt import Trying
from workbench.routing.catalog import Catalog, Resolved
from workbench.routing.clock import Clock, SystemClock
from workbench.routing.config import RouterConfig
from workbench.routing.errors import RouteError
from workbench.routing.fallback import next_groups
from workbench.routing.prepare import Incoming
from workbench.routing.relay import AttemptFailed, Relay
from workbench.routing.retry import retries_for, wait_before
from workbench.routing.selection import Selection, select
from workbench.routing.standing import Standing, Standings
from workbench.routing.strategy import rank
from workbench.routing.values import AttemptSink, GroupInfo, Origin, RouteAnswer, RouteRequest

__all__ = ["AttemptSink", "GroupInfo", "RouteAnswer", "RouteRequest", "Router"]

log = logging.getLogger("workbench.routing")

Place = tuple[Deployment, Standing]


class Router:
    """Sends requests to deployments. One per process, on one event loop."""

    def __init__(
        self,
        config: RouterConfig,
        providers: Mapping[str, Provider],
        *,
        clock: Clock | None = None,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        self._providers = providers
        self._clock = clock or SystemClock()
        self._on_change = on_change
        self._draw = random.Random().random
        self._standings = Standings()
        self._freed = asyncio.Event()
        self._take(config)

    @property
    def config(self) -> RouterConfig:
        """The configuration in force."""
        return self._config

    async def send(self, request: RouteRequest, attempts: AttemptSink) -> RouteAnswer:
        """Return an answer whose first bytes are there. Raises RouteError."""
        if request.playback is not None:
            return await answers.playback(self._providers, request)
        resolved = self.resolve(request.model)
        incoming = Incoming(request, resolved.asked)
        if request.endpoint == COUNT_TOKENS and not _counts(resolved):
            return answers.counted_here(incoming, resolved)
        trying = Trying(incoming, self._providers, self._clock, attempts, self._release)
        return await self._through_groups(resolved, trying)

    def resolve(self, model: str | None) -> Resolved:
        """Return the group a client means. Raises RouteError (400 or 404)."""
        name = model or self._config.default_model
        if not name:
            message = "the request names no model, and no default is set (LLMROUTER_DEFAULT_MODEL)"
            raise RouteError(400, "model_required", message, param="model")
        resolved = self._catalog.resolve(name)
        if resolved is None:
            near = self._catalog.near(name)
            message = f"there is no model {name!r}; near: {', '.join(near)}"
            raise RouteError(404, "model_not_found", message, param="model", details={"near": near})
        return resolved

    def groups(self) -> list[GroupInfo]:
        """Return the model groups, built-in ones last."""
        return self._catalog.groups()

    def status(self) -> dict[str, Any]:
        """Return profile, strategy and every group's deployments with health, for ``/internal/status``."""
        now, wall_us = self._clock.monotonic(), self._clock.wall_us()
        return {
            "profile": self._config.profile,
            "strategy": self._config.settings.strategy,
            "groups": [
                {
                    "name": group,
                    "deployments": [
                        self._standings.of(deployment).to_json(now, wall_us)
                        for deployment in self._catalog.deployments(group)
                    ],
                }
                for group in self._catalog.group_names()
            ],
            "notices": [notice.text() for notice in self._config.notices],
        }

    async def reload(self, config: RouterConfig) -> None:
        """Take a new configuration; requests under way finish on the old one."""
        self._take(config)
        if self._on_change is not None:
            self._on_change()

    async def aclose(self) -> None:
        """Stop background work and close providers."""
        for provider in self._providers.values():
            await provider.aclose()

    def _take(self, config: RouterConfig) -> None:
        self._config = config
        self._catalog = Catalog(config)
        self._standings.take(config.deployments, config.settings)

    async def _through_groups(self, resolved: Resolved, trying: Trying) -> RouteAnswer:
        """Follow fallbacks from group to group; the first group's error is the client's."""
        first: RouteError | AttemptFailed | None = None
        visited = [resolved.group]
        groups = [resolved]
        while groups:
            group = groups.pop(0)
            try:
                return await self._through_deployments(group, trying)
            except (RouteError, AttemptFailed) as error:
                first = first or error
                following = next_groups(self._config.fallbacks, resolved.asked, error, visited)
                for name in following:
                    target = self._catalog.resolve(name)
                    if target is not None and target.group not in visited:
                        visited.append(target.group)
                        groups.append(target)
        assert first is not None  # at least one group was tried
        return self._unanswered(first, trying, resolved)

    def _unanswered(self, error: RouteError | AttemptFailed, trying: Trying, group: Resolved) -> RouteAnswer:
        """Return the upstream's own words where they are about the request; else raise our error."""
        if isinstance(error, RouteError):
            error.attempts = trying.count
            raise error
        if error.failure.passes and error.body is not None and error.failure.status is not None:
            return answers.upstream_error(error, trying, group)
        raise verdicts.after_attempts(error, trying.count)

    async def _through_deployments(self, group: Resolved, trying: Trying) -> RouteAnswer:
        """Try the group's deployments until one answers. Raises RouteError or AttemptFailed."""
        settings = self._config.settings
        policy = settings.group_retry_policy.get(group.group, settings.retry_policy)
        places = [(deployment, self._standing(deployment)) for deployment in group.deployments]
        began = self._clock.monotonic()
        tried: list[str] = []
        last: AttemptFailed | None = None
        while True:
            place, reason = await self._choose(group, places, trying, tried, last)
            try:
                relay = await trying.attempt(*place, reason)
                return self._answered(group, place, relay, trying)
            except AttemptFailed as failed:
                last = failed
            tried.append(place[0].id)
            allowed = retries_for(last.failure, policy, _own_retries(place[0], settings.num_retries))
            other = self._other_open(places, trying, tried)
            if not _goes_on(last, len(tried), allowed, other=other):
                raise last
            await self._pause(last, len(tried), began, other=other)

    async def _pause(self, last: AttemptFailed, number: int, began: float, *, other: bool) -> None:
        settings = self._config.settings
        wait = wait_before(
            number,
            last.failure,
            other_healthy=other,
            least_s=settings.retry_after_s,
            most_s=settings.max_retry_after_s,
            luck=self._draw(),
        )
        if settings.budget_s is not None and self._clock.monotonic() + wait - began > settings.budget_s:
            raise last
        if wait:
            await self._clock.sleep(wait)

    async def _choose(
        self,
        group: Resolved,
        places: Sequence[Place],
        trying: Trying,
        tried: Sequence[str],
        last: AttemptFailed | None,
    ) -> tuple[Place, str]:
        """Return the deployment to try and why, waiting shortly for a place where all are taken."""
        deadline = self._clock.monotonic() + self._config.settings.queue_s
        while True:
            now = self._clock.monotonic()
            selection = self._select(places, trying, tried)
            if selection.open:
                ranked = rank(
                    self._config.settings.strategy,
                    selection.open,
                    self._draw,
                    self._config.settings.strategy_args,
                )
                chosen = ranked[0].candidate.deployment
                reason = ranked[0].reason if not tried else f"retry {len(tried)}, {ranked[0].reason}"
                return (chosen, self._standing(chosen)), reason
            wait = selection.wait_s()
            if not selection.limited or now + wait > deadline or now >= deadline:
                raise last or verdicts.nothing_open(group, selection)
            await self._for_a_place(wait or deadline - now)

    async def _for_a_place(self, wait_s: float) -> None:
        """Wait until a deployment lets a request go, at most `wait_s`."""
        try:
            async with asyncio.timeout(wait_s):
                await self._freed.wait()
        except TimeoutError:
            return

    def _release(self) -> None:
        """A deployment has a place free: let those that wait look again."""
        waiting, self._freed = self._freed, asyncio.Event()
        waiting.set()

    def _select(self, places: Sequence[Place], trying: Trying, tried: Sequence[str]) -> Selection:
        settings = self._config.settings
        return select(
            places,
            trying.incoming.facts,
            self._clock.monotonic(),
            tried=tried,
            pre_call_checks=settings.pre_call_checks,
            tag_filtering=settings.tag_filtering,
        )

    def _other_open(self, places: Sequence[Place], trying: Trying, tried: Sequence[str]) -> bool:
        return self._select(places, trying, tried).untried

    def _standing(self, deployment: Deployment) -> Standing:
        return self._standings.of(deployment)

    def _answered(self, group: Resolved, place: Place, relay: Relay, trying: Trying) -> RouteAnswer:
        deployment = place[0]
        origin = Origin(
            group=group.asked,
            deployment=deployment.id,
            provider=deployment.provider,
            model=deployment.model,
            attempts=trying.count,
        )
        answer = RouteAnswer(
            status=relay.upstream.status,
            headers=relay.headers,
            origin=origin,
            stream=relay.streaming,
            chunks=relay.chunks(),
            close=relay.aclose,
        )
        relay.answer = answer
        return answer


def _counts(group: Resolved) -> bool:
    return any(COUNT_TOKENS in deployment.endpoints for deployment in group.deployments if deployment.enabled)


def _own_retries(deployment: Deployment, default: int) -> int:
    return default if deployment.num_retries is None else deployment.num_retries


def _goes_on(last: AttemptFailed, tried: int, allowed: int, *, other: bool) -> bool:
    """Whether another try is made: an untried deployment always may, unless retries are off."""
    failure = last.failure
    if not failure.retryable or allowed <= 0:
        return False
    if other:
        return True
    return not failure.elsewhere_only and tried <= allowed
