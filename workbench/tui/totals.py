"""Sums over a span of time for the Stats screen: by model, tenant, day and slice. Values in, values out."""

from __future__ import annotations

import time
from collections.abc import Iterable

import msgspec

from workbench.store.usage import Used


class Total(msgspec.Struct):
    """What one model, tenant, day or slice of time amounts to."""

    name: str
    requests: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    latencies: dict[float, int] = {}
    """Latency in milliseconds -> how many requests took about that long."""

    def add(self, used: Used) -> None:
        """Count what one row of the store's sums holds."""
        self.requests += used.requests
        self.failed += used.failed
        self.input_tokens += used.input_tokens
        self.output_tokens += used.output_tokens
        self.cost_usd += used.cost_usd
        if used.latency_ms is not None:
            self.latencies[used.latency_ms] = self.latencies.get(used.latency_ms, 0) + used.requests

    @property
    def tokens(self) -> int:
        """Tokens both ways."""
        return self.input_tokens + self.output_tokens

    def latency(self, share: float) -> float | None:
        """Return the latency that `share` of the requests stayed below, in milliseconds."""
        left = int(sum(self.latencies.values()) * share)
        for latency, requests in sorted(self.latencies.items()):
            left -= requests
            if left < 0:
                return latency
        return max(self.latencies, default=None)


class Totals(msgspec.Struct):
    """Everything the screen shows; days newest first, the others by requests."""

    whole: Total
    models: list[Total]
    tenants: list[Total]
    days: list[Total]
    slots: list[Total]
    span: Span


class Span(msgspec.Struct, frozen=True):
    """A span of time in equal slices, so laid that days (in local time) are whole slices."""

    from_us: int
    to_us: int
    slots: int

    @property
    def slot_us(self) -> int:
        """Length of a slice."""
        return (self.to_us - self.from_us) // self.slots

    @classmethod
    def until(cls, now_us: int, seconds: int, slots: int) -> Span:
        """Return the span of about that length which holds `now_us` in its last slice."""
        slot_s = seconds // slots
        now = now_us // 1_000_000
        today = time.localtime(now)
        midnight = int(time.mktime((today.tm_year, today.tm_mon, today.tm_mday, 0, 0, 0, 0, 0, -1)))
        end = midnight + ((now - midnight) // slot_s + 1) * slot_s
        return cls((end - slot_s * slots) * 1_000_000, end * 1_000_000, slots)


def totals(rows: Iterable[Used], span: Span) -> Totals:
    """Sum the store's rows up."""
    whole = Total("all")
    models: dict[str, Total] = {}
    tenants: dict[str, Total] = {}
    days: dict[str, Total] = {}
    slots = [Total(str(number)) for number in range(span.slots)]
    names = [_day(span.from_us + number * span.slot_us) for number in range(span.slots)]
    for used in rows:
        slot = min(span.slots - 1, max(0, used.slot))
        for total in (
            whole,
            models.setdefault(used.model, Total(used.model)),
            tenants.setdefault(used.tenant, Total(used.tenant)),
            days.setdefault(names[slot], Total(names[slot])),
            slots[slot],
        ):
            total.add(used)
    newest_first = sorted(days.values(), key=lambda total: total.name, reverse=True)
    return Totals(whole, _ranked(models), _ranked(tenants), newest_first, slots, span)


def _ranked(found: dict[str, Total]) -> list[Total]:
    return sorted(found.values(), key=lambda total: (-total.requests, total.name))


def _day(at_us: int) -> str:
    return time.strftime("%Y-%m-%d %a", time.localtime(at_us / 1e6))
