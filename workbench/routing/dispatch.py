"""From a model group to an answer, under one configuration: fallback > retry > place > strategy > attempt.

A request keeps the dispatch it began with, so a reload never changes the rules under it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from workbench.providers.provider import Deployment
from workbench.routing import answers, verdicts
from workbench.routing.attempt import Trying
from workbench.routing.catalog import Catalog, Resolved
from workbench.routing.clock import Clock
from workbench.routing.config import RouterConfig
from workbench.routing.errors import RouteError
from workbench.routing.fallback import next_groups
from workbench.routing.hook import PolicyHook
from workbench.routing.relay import AttemptFailed, Relay
from workbench.routing.retry import retries_for, wait_before
from workbench.routing.selection import Place, Selection, select
from workbench.routing.standing import Standings
from workbench.routing.strategy import rank
from workbench.routing.values import Origin, RouteAnswer


class Places:
    """Tells those who wait that a deployment has let a request go."""

    def __init__(self) -> None:
        self._freed: asyncio.Event | None = None
        """There while somebody waits."""

    def release(self) -> None:
        """Let those that wait look again."""
        if self._freed is not None:
            self._freed.set()
            self._freed = None

    async def wait(self, wait_s: float) -> None:
        """Wait until one is free, at most `wait_s`."""
        if self._freed is None:
            self._freed = asyncio.Event()
        try:
            async with asyncio.timeout(wait_s):
                await self._freed.wait()
        except TimeoutError:
            return


class Dispatch:
    """Sends requests by one configuration."""

    def __init__(
        self,
        config: RouterConfig,
        standings: Standings,
        places: Places,
        clock: Clock,
        hook: PolicyHook | None = None,
    ) -> None:
        self.config = config
        self.catalog = Catalog(config)
        self._standings = standings
        self._places = places
        self._clock = clock
        self._hook = hook
        self._draw = random.Random().random

    def resolve(self, model: str | None) -> Resolved:
        """Return the group a client means. Raises RouteError (400 or 404)."""
        name = model or self.config.default_model
        if not name:
            message = "the request names no model, and no default is set (LLMROUTER_DEFAULT_MODEL)"
            raise RouteError(400, "model_required", message, param="model")
        resolved = self.catalog.resolve(name)
        if resolved is None:
            near = self.catalog.near(name)
            message = f"there is no model {name!r}; near: {', '.join(near)}"
            raise RouteError(404, "model_not_found", message, param="model", details={"near": near})
        return resolved

    async def through_groups(self, resolved: Resolved, trying: Trying) -> RouteAnswer:
        """Follow fallbacks; the first group's error is the client's. Raises RouteError."""
        first: RouteError | AttemptFailed | None = None
        visited = [resolved.group]
        groups = [resolved]
        while groups:
            group = groups.pop(0)
            try:
                return await self._through_deployments(group, trying)
            except (RouteError, AttemptFailed) as error:
                first = first or error
                for name in next_groups(self.config.fallbacks, resolved.asked, error, visited):
                    target = self.catalog.resolve(name)
                    if target is not None and target.group not in visited:
                        visited.append(target.group)
                        groups.append(target)
        assert first is not None  # at least one group was tried
        return self._unanswered(first, trying, resolved)

    def _unanswered(self, error: RouteError | AttemptFailed, trying: Trying, group: Resolved) -> RouteAnswer:
        """Return the upstream's own words where they are about the request; else raise our error."""
        if isinstance(error, RouteError):
            refusal = error
        elif error.failure.passes and error.body is not None and error.failure.status is not None:
            return answers.upstream_error(error, trying, group)
        else:
            refusal = verdicts.after_attempts(error, trying.count)
        refusal.attempts = trying.count
        if trying.last is not None:
            refusal.deployment, refusal.provider = trying.last.id, trying.last.provider
        raise refusal

    async def _through_deployments(self, group: Resolved, trying: Trying) -> RouteAnswer:
        """Try the group's deployments until one answers. Raises RouteError or AttemptFailed."""
        settings = self.config.settings
        policy = settings.group_retry_policy.get(group.group, settings.retry_policy)
        places = [(deployment, self._standings.of(deployment)) for deployment in group.deployments]
        began = self._clock.monotonic()
        tried: list[str] = []
        last: AttemptFailed | None = None
        while True:
            place, reason = await self._choose(group, places, trying, tried, last)
            try:
                relay = await trying.attempt(*place, reason)
                return self._answered(group, place[0], relay, trying)
            except AttemptFailed as failed:
                last = failed
            tried.append(place[0].id)
            allowed = retries_for(last.failure, policy, _own_retries(place[0], settings.num_retries))
            other = self._select(places, trying, tried).untried
            if not _goes_on(last, len(tried), allowed, other=other):
                raise last
            await self._pause(last, len(tried), began, other=other)

    async def _pause(self, last: AttemptFailed, number: int, began: float, *, other: bool) -> None:
        settings = self.config.settings
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
        deadline = self._clock.monotonic() + self.config.settings.queue_s
        while True:
            now = self._clock.monotonic()
            selection = self._select(places, trying, tried)
            if selection.open:
                chosen, reason = await self._first(selection, trying, now)
                return chosen, f"retry {len(tried)}, {reason}" if tried else reason
            wait = selection.wait_s()
            if not selection.limited or now + wait > deadline or now >= deadline:
                raise last or verdicts.nothing_open(group, selection)
            await self._places.wait(wait or deadline - now)

    async def _first(self, selection: Selection, trying: Trying, now: float) -> tuple[Place, str]:
        """Return the deployment that the strategy, or the hook, puts first."""
        if len(selection.open) == 1 and self._hook is None:
            return selection.open[0], f"{self.config.settings.strategy}: the only one open"
        settings, facts, wall_us = self.config.settings, trying.incoming.facts, self._clock.wall_us()
        candidates = [
            standing.candidate(deployment, facts, now, wall_us) for deployment, standing in selection.open
        ]
        ranked = rank(settings.strategy, candidates, self._draw, settings.strategy_args)
        if self._hook is not None:
            ranked = await self._hook.order(facts, ranked, now)
        deployment = ranked[0].candidate.deployment
        return (deployment, self._standings.of(deployment)), ranked[0].reason

    def _select(self, places: Sequence[Place], trying: Trying, tried: Sequence[str]) -> Selection:
        settings = self.config.settings
        return select(
            places,
            trying.incoming.facts,
            self._clock.monotonic(),
            self._clock.wall_us(),
            tried=tried,
            pre_call_checks=settings.pre_call_checks,
            tag_filtering=settings.tag_filtering,
        )

    def _answered(self, group: Resolved, deployment: Deployment, relay: Relay, trying: Trying) -> RouteAnswer:
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
