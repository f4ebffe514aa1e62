"""Sums over exchanges for the Stats screen: by model, by tenant, over time. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from workbench.domain.exchange import Exchange


class Total(msgspec.Struct):
    """What one model, tenant or slice of time amounts to."""

    name: str
    requests: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    latencies: list[float] = []

    def add(self, exchange: Exchange) -> None:
        """Count one exchange."""
        self.requests += 1
        self.failed += exchange.state == "failed" or (exchange.status or 0) >= 400
        self.input_tokens += exchange.input_tokens or 0
        self.output_tokens += exchange.output_tokens or 0
        self.cost_usd += exchange.cost_usd or 0.0
        if exchange.latency_ms is not None:
            self.latencies.append(exchange.latency_ms)

    def latency(self, share: float) -> float | None:
        """Return the latency that `share` of the requests stayed below, in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


class Totals(msgspec.Struct):
    """Everything the screen shows. `complete` is False when older exchanges were left out."""

    whole: Total
    models: list[Total]
    tenants: list[Total]
    slots: list[Total]
    from_us: int
    to_us: int
    complete: bool


def totals(exchanges: Iterable[Exchange], from_us: int, to_us: int, slots: int, *, complete: bool) -> Totals:
    """Sum exchanges up; `slots` is the number of equal slices of the time between the two moments."""
    whole = Total("all")
    models: dict[str, Total] = {}
    tenants: dict[str, Total] = {}
    times = [Total(str(number)) for number in range(slots)]
    span = max(1, to_us - from_us)
    for exchange in exchanges:
        slot = min(slots - 1, max(0, (exchange.started_at - from_us) * slots // span))
        for total in (
            whole,
            models.setdefault(exchange.model, Total(exchange.model)),
            tenants.setdefault(exchange.tenant, Total(exchange.tenant)),
            times[slot],
        ):
            total.add(exchange)
    return Totals(whole, _ranked(models), _ranked(tenants), times, from_us, to_us, complete)


def _ranked(found: dict[str, Total]) -> list[Total]:
    return sorted(found.values(), key=lambda total: (-total.requests, total.name))
