"""Budgets after a restart: what the current periods have cost so far is read from the records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from workbench.routing.router import Router
from workbench.store.reader import Reader
from workbench.store.spending import Spent, spent_since


def restore_budgets(router: Router, reader: Reader, wall_us: int) -> None:
    """Tell the router what tenants, providers and deployments with a budget have spent in their periods.

    Reads the store, so call it before requests are served or in no hurry. Raises StoreUnavailable.
    """
    tenants = router.ledger.periods(wall_us)
    spending = router.standings.spending()
    accounts = spending.periods(wall_us)
    known: dict[int, list[Spent]] = {
        since: spent_since(reader, since) for since in {*tenants.values(), *accounts.values()}
    }
    for name, since in tenants.items():
        usd, tokens = _sums(row for row in known[since] if row.tenant == name)
        router.ledger.restore(name, wall_us, usd, tokens)
    for name, since in accounts.items():
        by_account: dict[str, list[Spent]] = defaultdict(list)
        for row in known[since]:
            by_account[f"provider:{row.provider}"].append(row)
            by_account[f"deployment:{row.deployment}"].append(row)
        usd, tokens = _sums(by_account[name])
        spending.restore(name, wall_us, usd, tokens)


def _sums(rows: Iterable[Spent]) -> tuple[float, int]:
    listed = list(rows)
    return sum(row.usd for row in listed), sum(row.tokens for row in listed)
