"""Budgets of providers (``provider_budget_config``) and of deployments (``max_budget``), as accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from workbench.providers.provider import Deployment
from workbench.routing.budget import Account, Budget
from workbench.routing.config import RoutingSettings
from workbench.routing.policy_file import period_s


class Spending:
    """The accounts of one router; a reload keeps what was counted."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}

    def take(self, deployments: Iterable[Deployment], settings: RoutingSettings) -> None:
        """Take a configuration's budgets."""
        budgets = {f"provider:{name}": _provider(given) for name, given in settings.provider_budgets.items()}
        for deployment in deployments:
            if deployment.max_budget_usd is not None:
                budget = Budget(usd=deployment.max_budget_usd, period_s=period_s(deployment.budget_duration))
                budgets[f"deployment:{deployment.id}"] = budget
        kept = {name: account for name, account in self._accounts.items() if name in budgets}
        for name, budget in budgets.items():
            kept.setdefault(name, Account(budget)).budget = budget
        self._accounts = kept

    def accounts_of(self, deployment: Deployment) -> tuple[Account, ...]:
        """Return the accounts a deployment draws on."""
        names = (f"provider:{deployment.provider}", f"deployment:{deployment.id}")
        return tuple(self._accounts[name] for name in names if name in self._accounts)

    def periods(self, wall_us: int) -> dict[str, int]:
        """Return when each account's current period began (microseconds)."""
        return {name: account.starts_at(wall_us) for name, account in self._accounts.items()}

    def restore(self, name: str, wall_us: int, usd: float, tokens: int) -> None:
        """Take over what an account spent in its period before this process began."""
        self._accounts[name].restore(wall_us, usd, tokens)

    def to_json(self, wall_us: int) -> list[dict[str, Any]]:
        """Return the accounts for ``/internal/status``."""
        return [
            {
                "name": name,
                "budget_usd": account.budget.usd,
                "left": account.left(wall_us),
                "spent_usd": account.usd,
            }
            for name, account in self._accounts.items()
        ]


def _provider(given: Mapping[str, Any]) -> Budget:
    limit = given.get("budget_limit", given.get("max_budget"))
    period = given.get("time_period", given.get("budget_duration"))
    return Budget(usd=None if limit is None else float(limit), period_s=period_s(period))
