"""The router: limits > cache > strategy > breaker > attempt > retry > fallback, one concern a layer.

`Router.send` asks the tenant's limits and the cache, `Dispatch` follows fallbacks, retries and chooses, and
`Trying.attempt` makes one try.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.providers.provider import COUNT_TOKENS, Provider
from workbench.routing import answers
from workbench.routing.attempt import Trying
from workbench.routing.cache import AnswerCache, Cached
from workbench.routing.catalog import Resolved
from workbench.routing.clock import Clock, SystemClock
from workbench.routing.config import RouterConfig
from workbench.routing.dispatch import Dispatch, Places
from workbench.routing.hook import PolicyHook, load_hook
from workbench.routing.prepare import Incoming
from workbench.routing.pricing import estimate_usd
from workbench.routing.probes import Probes
from workbench.routing.profiles import with_profile
from workbench.routing.standing import Standings
from workbench.routing.tenants import Ledger, Reservation
from workbench.routing.values import AttemptSink, GroupInfo, Origin, RouteAnswer, RouteRequest

__all__ = ["AttemptSink", "GroupInfo", "RouteAnswer", "RouteRequest", "Router"]

log = logging.getLogger("workbench.routing")

_UNSAID_OUTPUT = 4096
"""Tokens of output set aside for a request that names no limit."""


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
        self._standings = Standings()
        self._places = Places()
        self._ledger = Ledger(config.policy)
        self._cache = AnswerCache(config.cache)
        self._hook: PolicyHook | None = None
        self._probes = Probes(providers, self._standings)
        self._profile: str | None = None
        self._take(config)

    @property
    def config(self) -> RouterConfig:
        """The configuration in force, the profile's settings included."""
        return self._dispatch.config

    @property
    def standings(self) -> Standings:
        """How each deployment stands."""
        return self._standings

    @property
    def ledger(self) -> Ledger:
        """What tenants have used."""
        return self._ledger

    async def send(self, request: RouteRequest, attempts: AttemptSink) -> RouteAnswer:
        """Return an answer whose first bytes are there. Raises RouteError."""
        if request.playback is not None:
            return await answers.playback(self._providers, request)
        dispatch = self._dispatch
        resolved = dispatch.resolve(request.model)
        incoming = Incoming(request, resolved.asked)
        if request.endpoint == COUNT_TOKENS and not _counts(resolved):
            return answers.counted_here(incoming, resolved)
        held = self._admit(incoming, resolved)
        try:
            trying = Trying(incoming, self._providers, self._clock, attempts, self._places.release)
            answer = await self._through_cache(dispatch, resolved, trying)
        except BaseException:
            self._settle(held, None)
            raise
        answer.on_end = lambda: self._settle(held, answer)
        return answer

    def groups(self) -> list[GroupInfo]:
        """Return the model groups, built-in ones last."""
        return self._dispatch.catalog.groups()

    def status(self) -> dict[str, Any]:
        """Return profile, strategy, tenants and every group's deployments, for ``/internal/status``."""
        now, wall_us = self._clock.monotonic(), self._clock.wall_us()
        catalog, config = self._dispatch.catalog, self.config
        groups = [
            {
                "name": group,
                "deployments": [
                    self._standings.of(deployment).to_json(now, wall_us)
                    for deployment in catalog.deployments(group)
                ],
            }
            for group in catalog.group_names()
        ]
        return {
            "profile": config.profile,
            "strategy": config.settings.strategy,
            "groups": groups,
            "tenants": self._ledger.to_json(now, wall_us),
            "budgets": self._standings.spending().to_json(wall_us),
            "policy_hook": self._hook and {"name": self._hook.name, "problem": self._hook.problem},
            "notices": [notice.text() for notice in config.notices],
        }

    async def reload(self, config: RouterConfig) -> None:
        """Take a new configuration; requests under way finish on the old one. Raises ConfigError."""
        self._take(config)

    async def set_profile(self, name: str) -> dict[str, Any]:
        """Put a profile in force until the configuration is loaded again. Raises ConfigError."""
        before, self._profile = self._profile, name
        try:
            self._take(self._loaded)
        except BaseException:
            self._profile = before
            raise
        return {"profile": name, "strategy": self.config.settings.strategy}

    async def probe(self) -> dict[str, str]:
        """Ask every upstream whether it is there; return deployment id -> ``ok`` or what is wrong."""
        return await self._probes.run()

    async def aclose(self) -> None:
        """Stop background work and close providers."""
        await self._probes.stop()
        if self._hook is not None:
            self._hook.close()
        for provider in self._providers.values():
            await provider.aclose()

    def _take(self, config: RouterConfig) -> None:
        made = with_profile(config, self._profile or config.profile, config.own_profiles)
        hook = self._hook_of(made)
        if self._hook is not None and hook is not self._hook:
            self._hook.close()
        self._hook = hook
        self._loaded = config
        self._standings.take(made.deployments, made.settings)
        self._ledger.take(made.policy)
        if self._cache.settings != made.cache:
            self._cache = AnswerCache(made.cache)
        self._dispatch = Dispatch(made, self._standings, self._places, self._clock, hook)
        self._probes.take(made)
        if self._on_change is not None:
            self._on_change()

    def _hook_of(self, config: RouterConfig) -> PolicyHook | None:
        name = config.settings.policy_hook
        if name is None:
            return None
        folder = config.files[0].parent if config.files else Path()
        return load_hook(name, folder, config.settings.policy_hook_timeout_s)

    def _admit(self, incoming: Incoming, resolved: Resolved) -> Reservation:
        """Ask the tenant's limits; set the estimated cost aside. Raises RouteError 403 or 429."""
        facts = incoming.facts
        output = facts.max_tokens or _UNSAID_OUTPUT
        first = next((entry for entry in resolved.deployments if entry.enabled), None)
        cost = estimate_usd(first.price, facts.input_tokens, output) if first is not None else None
        return self._ledger.admit(
            facts.tenant,
            resolved.asked,
            cost or 0.0,
            facts.input_tokens + output,
            self._clock.monotonic(),
            self._clock.wall_us(),
            group=resolved.group,
        )

    def _settle(self, held: Reservation, answer: RouteAnswer | None) -> None:
        usage = answer.usage if answer is not None and answer.cache != "hit" else None
        cost = answer.cost_usd if answer is not None else None
        self._ledger.settle(held, usage, cost, self._clock.monotonic(), self._clock.wall_us())

    async def _through_cache(self, dispatch: Dispatch, resolved: Resolved, trying: Trying) -> RouteAnswer:
        """Give the kept answer of the same request, or a fresh one that is kept when it is whole."""
        key = self._cache.key(trying.incoming.request)
        if key is None:
            return await dispatch.through_groups(resolved, trying)
        kept = self._cache.get(key, self._clock.monotonic())
        if kept is not None:
            return answers.from_cache(kept)
        answer = await dispatch.through_groups(resolved, trying)
        answer.cache = "miss"
        if answer.status == 200:
            answer.chunks = self._keeping(key, answer, answer.chunks)
        return answer

    async def _keeping(
        self, key: bytes, answer: RouteAnswer, chunks: AsyncIterator[bytes]
    ) -> AsyncIterator[bytes]:
        parts: list[bytes] = []
        async for chunk in chunks:
            parts.append(chunk)
            yield chunk
        if answer.upstream_error is None:
            kept = Cached(
                origin=Origin(
                    group=answer.group,
                    deployment=answer.deployment,
                    provider=answer.provider,
                    model=answer.model,
                    attempts=0,
                ),
                headers=answer.headers,
                stream=answer.stream,
                chunks=tuple(parts),
                usage=answer.usage,
                finish_reason=answer.finish_reason,
                stored_at=self._clock.monotonic(),
            )
            self._cache.put(key, kept)


def _counts(group: Resolved) -> bool:
    return any(COUNT_TOKENS in deployment.endpoints for deployment in group.deployments if deployment.enabled)
