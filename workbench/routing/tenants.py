"""Who pays: what each tenant may ask for, how fast, and for how much. Decisions only.

Limits hold for the tenant, whichever key was used: the master key in a tenant's name is held to them too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from workbench.domain.exchange import Usage
from workbench.domain.times import iso
from workbench.routing.budget import Account, Budget
from workbench.routing.errors import RouteError
from workbench.routing.rolling import Rolling

DEFAULT = "default"
MAX_TENANTS = 10_000
"""Tenants whose counts are kept even though no limit needs them."""


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant of the policy file."""

    name: str
    models: tuple[str, ...] = ("*",)
    """Groups it may ask for; ``*`` stands for any text."""
    rpm: int | None = None
    tpm: int | None = None
    max_parallel: int | None = None
    budget: Budget = Budget()
    key_digests: tuple[str, ...] = ()
    """SHA-256 of its keys, in hex."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """All tenants. One that is not named is held to the default's limits, with counts of its own."""

    tenants: Mapping[str, Tenant] = {}

    def tenant(self, name: str) -> Tenant:
        """Return a tenant's rules."""
        found = self.tenants.get(name)
        if found is not None:
            return found
        default = self.tenants.get(DEFAULT)
        if default is None:
            return Tenant(name=name)
        return msgspec.structs.replace(default, name=name, key_digests=())

    def keys(self) -> dict[str, str]:
        """Return SHA-256 hex digest -> tenant, for those who check keys."""
        return {digest: tenant.name for tenant in self.tenants.values() for digest in tenant.key_digests}


class Reservation(msgspec.Struct, frozen=True):
    """What was set aside for one request."""

    tenant: str
    usd: float
    tokens: int


class _Counts:
    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.in_flight = 0
        self.requests = Rolling()
        self.tokens = Rolling()
        self.account = Account(tenant.budget)

    def idle(self) -> bool:
        """Tell whether nothing would change if this were forgotten: no limit needs it, no request runs."""
        tenant = self.tenant
        limits = (tenant.rpm, tenant.tpm, tenant.max_parallel, tenant.budget.usd, tenant.budget.tokens)
        return not self.in_flight and all(limit is None for limit in limits)


class Ledger:
    """Counts of all tenants. `admit` and `settle` never wait, so no two requests can pass between them."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._counts: dict[str, _Counts] = {}
        self._most = MAX_TENANTS

    def take(self, policy: Policy) -> None:
        """Take a changed policy; what was counted stays counted."""
        self._policy = policy
        for name, counts in self._counts.items():
            counts.tenant = policy.tenant(name)
            counts.account.budget = counts.tenant.budget

    def admit(
        self,
        name: str,
        model: str,
        usd: float,
        tokens: int,
        now: float,
        wall_us: int,
        *,
        group: str | None = None,
    ) -> Reservation:
        """Let a request through and set its estimated cost aside. Raises RouteError 403 or 429.

        `model` is the name that was asked for; where that is an alias, being allowed its `group` is enough.
        """
        counts = self._of(name)
        tenant = counts.tenant
        if not allows(tenant.models, model) and not (group and allows(tenant.models, group)):
            message = f"the tenant {name!r} may not use {model!r}"
            raise RouteError(403, "model_not_allowed", message, param="model", details={"tenant": name})
        self._check_rate(counts, tokens, now)
        self._check_budget(counts, usd, tokens, wall_us)
        counts.in_flight += 1
        counts.requests.add(now, 1)
        counts.tokens.add(now, tokens)
        counts.account.reserve(usd, tokens)
        return Reservation(name, usd, tokens)

    def settle(
        self, held: Reservation, usage: Usage | None, usd: float | None, now: float, wall_us: int
    ) -> None:
        """The request ended: count what it really was (nothing, if no upstream answered)."""
        counts = self._of(held.tenant)
        used = (usage.input_tokens or 0) + (usage.output_tokens or 0) if usage is not None else 0
        counts.in_flight -= 1
        counts.tokens.add(now, used - held.tokens)
        counts.account.settle(wall_us, (held.usd, held.tokens), usd or 0.0, used)

    def restore(self, name: str, wall_us: int, usd: float, tokens: int) -> None:
        """Take over what a tenant spent in its period before this process began."""
        self._of(name).account.restore(wall_us, usd, tokens)

    def periods(self, wall_us: int) -> dict[str, int]:
        """Return when the current period of each tenant with a budget began (microseconds)."""
        return {
            name: self._of(name).account.starts_at(wall_us)
            for name, tenant in self._policy.tenants.items()
            if tenant.budget.usd is not None or tenant.budget.tokens is not None
        }

    def to_json(self, now: float, wall_us: int) -> list[dict[str, Any]]:
        """Return every tenant's limits and counts for ``/internal/status``."""
        names = dict.fromkeys([*self._policy.tenants, *self._counts])
        return [self._row(self._of(name), now, wall_us) for name in names]

    def _row(self, counts: _Counts, now: float, wall_us: int) -> dict[str, Any]:
        tenant, account = counts.tenant, counts.account
        wait = account.resets_in(wall_us)
        return {
            "name": tenant.name,
            "models": list(tenant.models),
            "keys": len(tenant.key_digests),
            "in_flight": counts.in_flight,
            "rpm_limit": tenant.rpm,
            "rpm_used": counts.requests.total(now),
            "tpm_limit": tenant.tpm,
            "tpm_used": counts.tokens.total(now),
            "budget_usd": tenant.budget.usd,
            "budget_tokens": tenant.budget.tokens,
            "spent_usd": round(account.usd, 6),
            "spent_tokens": account.tokens,
            "resets_at": None if wait is None else iso(wall_us + int(wait * 1e6)),
        }

    def _of(self, name: str) -> _Counts:
        counts = self._counts.get(name)
        if counts is None:
            if len(self._counts) >= self._most:
                self._forget_idle()
            counts = self._counts[name] = _Counts(self._policy.tenant(name))
        return counts

    def _forget_idle(self) -> None:
        """Drop the names that the operator made up in ``X-Tenant-ID`` and that no rule is about."""
        self._counts = {name: counts for name, counts in self._counts.items() if not counts.idle()}
        self._most = max(MAX_TENANTS, 2 * len(self._counts))

    def _check_rate(self, counts: _Counts, tokens: int, now: float) -> None:
        tenant = counts.tenant
        if tenant.max_parallel is not None and counts.in_flight >= tenant.max_parallel:
            raise _refusal(tenant.name, "max_parallel", tenant.max_parallel, counts.in_flight, 1.0)
        for name, limit, window, more in (
            ("rpm", tenant.rpm, counts.requests, 1),
            ("tpm", tenant.tpm, counts.tokens, tokens),
        ):
            if limit is not None and (wait := window.frees_in(now, more, limit)) > 0:
                raise _refusal(tenant.name, name, limit, window.total(now), wait)

    def _check_budget(self, counts: _Counts, usd: float, tokens: int, wall_us: int) -> None:
        refused = counts.account.refuses(wall_us, usd, tokens)
        if refused is None:
            return
        name, limit, used = refused
        wait = counts.account.resets_in(wall_us)
        raise _refusal(counts.tenant.name, name, limit, used, math.inf if wait is None else wait)


def allows(patterns: Iterable[str], model: str) -> bool:
    """Tell whether one of the patterns covers a model group."""
    return any(fnmatchcase(model, pattern) for pattern in patterns)


def _refusal(tenant: str, name: str, limit: float, used: float, wait_s: float) -> RouteError:
    budget = name.startswith("budget")
    wait = None if math.isinf(wait_s) else max(math.ceil(wait_s), 1)
    details = {"tenant": tenant, "limit": name, "max": limit, "used": round(used, 6), "reset_s": wait}
    return RouteError(
        429,
        "budget_exceeded" if budget else "rate_limit",
        f"the tenant {tenant!r} has reached its limit {name} ({used:g} of {limit:g})",
        retryable=not budget and wait is not None,
        retry_after_s=wait,
        details=details,
    )
