"""Prometheus metrics of one router, in a registry of their own.

Counting happens on the event loop's thread only, in plain numbers; prometheus_client turns them into its
text when it is asked. Its own counters take a lock for every step, which costs a request more than its
key check, body check and limits together. Model names come from clients, so only models that a deployment
answered for become labels.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from workbench.domain.exchange import Attempt, Exchange

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LATENCY_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_TTFT_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

MAX_GROUPS = 1_000
"""Names that become labels; further ones are counted together: behind ``openai/*`` clients choose names."""

Readings = Callable[[], dict[str, float]]
"""Gives gauges (name without prefix -> value) when the metrics are read."""


class _Histogram:
    """Observations in seconds, by upper bound."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Return upper bound -> observations up to it, as Prometheus wants them."""
        out, below = [], 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            below += count
            out.append((bound, float(below)))
        return out


class _Group:
    """What one model group did at one endpoint."""

    __slots__ = ("cost", "ended", "input_tokens", "latency", "output_tokens", "ttft")

    def __init__(self) -> None:
        self.ended: Counter[tuple[int, str]] = Counter()
        self.latency = _Histogram(_LATENCY_S)
        self.ttft = _Histogram(_TTFT_S)
        self.input_tokens = 0
        self.output_tokens = 0
        self.cost = 0.0


class Metrics(Collector):
    """What the router counts. For the event loop's thread."""

    def __init__(self, readings: Readings | None = None) -> None:
        self.registry = CollectorRegistry()
        self._readings = readings
        self._groups: dict[tuple[str, str], _Group] = {}
        self._attempts: Counter[tuple[str, str, str]] = Counter()
        self._refused = 0
        self.registry.register(self)

    def refused(self) -> None:
        """Count a request without a good key."""
        self._refused += 1

    def ended(self, exchange: Exchange) -> None:
        """Count an exchange whose answer ended, one way or another."""
        group = self._group(exchange)
        group.ended[(exchange.status or 0, exchange.state)] += 1
        if exchange.latency_ms is not None:
            group.latency.observe(exchange.latency_ms / 1000)
        if exchange.ttft_ms is not None:
            group.ttft.observe(exchange.ttft_ms / 1000)

    def spent(self, exchange: Exchange) -> None:
        """Count an exchange's tokens and cost, once they are known."""
        group = self._group(exchange)
        group.input_tokens += exchange.input_tokens or 0
        group.output_tokens += exchange.output_tokens or 0
        group.cost += exchange.cost_usd or 0.0

    def attempted(self, attempt: Attempt) -> None:
        """Count one finished try at a deployment."""
        self._attempts[(attempt.deployment, attempt.provider, attempt.error_code or "ok")] += 1

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Metric]:
        """Yield the families; called by prometheus_client."""
        yield _counter("unauthorized", "Requests without a good key", [], [((), self._refused)])
        tries = [(labels, float(count)) for labels, count in self._attempts.items()]
        yield _counter("attempts", "Tries at deployments", ["deployment", "provider", "outcome"], tries)
        yield from self._families()
        for name, value in (self._readings() if self._readings else {}).items():
            yield GaugeMetricFamily(f"workbench_{name}", name.replace("_", " "), value=value)

    def _families(self) -> Iterator[Metric]:
        ended: list[tuple[Sequence[str], float]] = []
        tokens: defaultdict[Sequence[str], float] = defaultdict(float)
        cost: defaultdict[Sequence[str], float] = defaultdict(float)
        latency = _histogram("latency_seconds", "Request's head to last byte")
        ttft = _histogram("ttft_seconds", "Request's head to first byte")
        for (endpoint, model), group in self._groups.items():
            for (status, state), count in group.ended.items():
                ended.append(((endpoint, model, str(status), state), float(count)))
            latency.add_metric((endpoint, model), group.latency.buckets(), group.latency.total)
            ttft.add_metric((endpoint, model), group.ttft.buckets(), group.ttft.total)
            tokens[(model, "input")] += group.input_tokens
            tokens[(model, "output")] += group.output_tokens
            cost[(model,)] += group.cost
        yield _counter("requests", "Exchanges ended", ["endpoint", "model", "status", "state"], ended)
        yield latency
        yield ttft
        yield _counter("tokens", "Tokens", ["model", "direction"], tokens.items())
        yield _counter("cost_usd", "Cost in USD", ["model"], cost.items())

    def _group(self, exchange: Exchange) -> _Group:
        key = (exchange.endpoint, exchange.model if exchange.deployment is not None else "unknown")
        if len(self._groups) >= MAX_GROUPS and key not in self._groups:
            key = (exchange.endpoint, "other")
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group()
        return group


def _counter(
    name: str, text: str, labels: list[str], values: Iterable[tuple[Sequence[str], float]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(f"workbench_{name}", text, labels=labels)
    for given, value in values:
        family.add_metric(given, value)
    return family


def _histogram(name: str, text: str) -> HistogramMetricFamily:
    return HistogramMetricFamily(f"workbench_{name}", text, labels=["endpoint", "model"])
