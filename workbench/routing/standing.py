"""How each deployment stands: breaker, limits, health. Survives a reload where nothing changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workbench.domain.times import iso
from workbench.providers.provider import Deployment
from workbench.routing.breaker import Breaker, BreakerRules
from workbench.routing.budget import Account
from workbench.routing.config import RoutingSettings
from workbench.routing.health import Health
from workbench.routing.limits import Limits
from workbench.routing.prepare import Facts
from workbench.routing.pricing import estimate_usd
from workbench.routing.retry import Failure
from workbench.routing.spending import Spending
from workbench.routing.strategy import Candidate


class Standing:
    """One deployment and everything counted about it."""

    def __init__(self, deployment: Deployment, settings: RoutingSettings, *, alone: bool) -> None:
        self.deployment = deployment
        self.health = Health()
        self.limits = Limits(deployment)
        self.breaker = Breaker(_rules(deployment, settings))
        self.alone = alone
        """The only one of its group: a rate limit does not open its breaker, nobody else could help."""
        self.refuses_usage_option = False
        """The upstream has rejected ``stream_options``; it is not sent there again."""
        self.lacks: frozenset[str] = frozenset()
        """Endpoints that the upstream turned out not to have; they are translated from then on."""
        self.spent_usd = 0.0
        self.accounts: tuple[Account, ...] = ()
        """Budgets it draws on: its own and its provider's."""
        self._settings = settings

    def candidate(self, deployment: Deployment, facts: Facts, now: float, wall_us: int) -> Candidate:
        """Return what a strategy may know; `deployment` has the upstream's name filled in."""
        return Candidate(
            deployment=deployment,
            in_flight=self.limits.in_flight,
            latency_ms=self.health.mean_first_byte_ms(now),
            error_rate=self.breaker.error_rate(now),
            rpm_used=self.limits.rpm_used(now),
            tpm_used=self.limits.tpm_used(now),
            cost=estimate_usd(deployment.price, facts.input_tokens, facts.max_tokens),
            budget_left=min((left for left in self._lefts(wall_us)), default=None),
        )

    def failed(self, failure: Failure, now: float, at_us: int) -> bool:
        """Count a failure; True when it opened the breaker."""
        self.health.failed(failure.message, at_us)
        if not failure.counts:
            self.breaker.abandon()
            return False
        allowed = self._settings.allowed_fails_policy.get(failure.kind)
        at_once = failure.opens_breaker and not (self.alone and failure.kind == "RateLimitError")
        return self.breaker.fail(
            now,
            failure.message,
            at_once=at_once and allowed is None,
            cooldown_s=self._cooldown(failure),
            allowed=allowed,
        )

    def to_json(self, now: float, wall_us: int) -> dict[str, Any]:
        """Return the deployment for ``/internal/status``; no key, no header, no parameter."""
        deployment = self.deployment
        wait = self.breaker.opens_in(now)
        return {
            "id": deployment.id,
            "provider": deployment.provider,
            "model": deployment.model,
            "api_base": _without_user(deployment.api_base),
            "enabled": deployment.enabled,
            "disabled_reason": deployment.disabled_reason,
            "state": self.breaker.state(now) if deployment.enabled else "disabled",
            "breaker_reason": self.breaker.why,
            "cooldown_until": iso(wall_us + int(wait * 1e6)) if wait else None,
            "in_flight": self.limits.in_flight,
            "rpm_used": self.limits.rpm_used(now),
            "tpm_used": self.limits.tpm_used(now),
            "error_rate": round(self.breaker.error_rate(now), 3),
            "cost_usd": round(self.spent_usd, 6),
            "order": deployment.order,
            **self.health.to_json(),
        }

    def _lefts(self, wall_us: int) -> list[float]:
        return [left for account in self.accounts if (left := account.left(wall_us)) is not None]

    def same(self, settings: RoutingSettings) -> bool:
        """Tell whether these settings are the ones it was made with."""
        return self._settings == settings

    def _cooldown(self, failure: Failure) -> float:
        if self.deployment.cooldown_s is not None:
            return self.deployment.cooldown_s
        if failure.retry_after_s:
            return failure.retry_after_s
        return self._settings.cooldown_s


def _without_user(address: str | None) -> str | None:
    """Return an address without the name and password it may hold."""
    scheme, mark, rest = (address or "").partition("://")
    host = rest.partition("/")[0]
    return (
        f"{scheme}://{rest.removeprefix(host.rpartition('@')[0] + '@')}" if mark and "@" in host else address
    )


def _rules(deployment: Deployment, settings: RoutingSettings) -> BreakerRules:
    builtin = deployment.adapter in ("demo", "echo")
    return BreakerRules(
        consecutive=settings.allowed_fails if deployment.allowed_fails is None else deployment.allowed_fails,
        rate=settings.failure_rate,
        window_s=settings.failure_window_s,
        min_requests=settings.failure_min_requests,
        cooldown_s=settings.cooldown_s if deployment.cooldown_s is None else deployment.cooldown_s,
        enabled=not (settings.disable_cooldowns or builtin),
    )


class Standings:
    """All deployments' standings, by id."""

    def __init__(self) -> None:
        self._by_id: dict[str, Standing] = {}
        self._spending = Spending()

    def take(self, deployments: Iterable[Deployment], settings: RoutingSettings) -> None:
        """Take a configuration's deployments; those that did not change keep their counts."""
        listed = list(deployments)
        self._spending.take(listed, settings)
        sizes: dict[str, int] = {}
        for deployment in listed:
            sizes[deployment.group] = sizes.get(deployment.group, 0) + deployment.enabled
        fresh: dict[str, Standing] = {}
        for deployment in listed:
            alone = sizes[deployment.group] <= 1
            old = self._by_id.get(deployment.id)
            if old is not None and old.deployment == deployment and old.alone == alone and old.same(settings):
                fresh[deployment.id] = old
            else:
                fresh[deployment.id] = Standing(deployment, settings, alone=alone)
                if old is not None:
                    fresh[deployment.id].health = old.health
        for standing in fresh.values():
            standing.accounts = self._spending.accounts_of(standing.deployment)
        self._by_id = fresh

    def of(self, deployment: Deployment) -> Standing:
        """Return a deployment's standing."""
        return self._by_id[deployment.id]

    def spending(self) -> Spending:
        """Return the budgets of providers and deployments."""
        return self._spending

    def all(self) -> list[Standing]:
        """Return every standing."""
        return list(self._by_id.values())
