"""Prometheus metrics of one router, in a registry of their own.

Label children are looked up once and kept, because the lookup costs more than the count. Model names
come from clients, so only models that a deployment answered for become labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from workbench.domain.exchange import Attempt, Exchange

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LATENCY = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_TTFT = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

Readings = Callable[[], dict[str, float]]
"""Gives gauges (name without prefix -> value) when the metrics are read."""


class _OnRead(Collector):
    """Gauges that are asked for, not kept up to date."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    def collect(self) -> Iterable[Metric]:
        for name, value in self._readings().items():
            yield GaugeMetricFamily(f"workbench_{name}", name.replace("_", " "), value=value)


class _Labels:
    """The children of one model group at one endpoint."""

    __slots__ = ("by_status", "cost", "input_tokens", "latency", "output_tokens", "ttft")

    def __init__(self, metrics: Metrics, endpoint: str, model: str) -> None:
        self.by_status: dict[tuple[int, str], Counter] = {}
        self.latency = metrics.latency.labels(endpoint, model)
        self.ttft = metrics.ttft.labels(endpoint, model)
        self.input_tokens = metrics.tokens.labels(model, "input")
        self.output_tokens = metrics.tokens.labels(model, "output")
        self.cost = metrics.cost.labels(model)


class Metrics:
    """What the router counts. Every method is for the event loop's thread or the recorder's."""

    def __init__(self, readings: Readings | None = None) -> None:
        self.registry = CollectorRegistry()
        made = self.registry
        self.requests = Counter(
            "workbench_requests", "Exchanges ended", ["endpoint", "model", "status", "state"], registry=made
        )
        self.unauthorized = Counter("workbench_unauthorized", "Requests without a good key", registry=made)
        self.latency = Histogram(
            "workbench_latency_seconds",
            "Request's head to last byte",
            ["endpoint", "model"],
            buckets=_LATENCY,
            registry=made,
        )
        self.ttft = Histogram(
            "workbench_ttft_seconds",
            "Request's head to first byte",
            ["endpoint", "model"],
            buckets=_TTFT,
            registry=made,
        )
        self.tokens = Counter("workbench_tokens", "Tokens", ["model", "direction"], registry=made)
        self.cost = Counter("workbench_cost_usd", "Cost in USD", ["model"], registry=made)
        self.attempts = Counter(
            "workbench_attempts", "Tries at deployments", ["deployment", "provider", "outcome"], registry=made
        )
        self._labels: dict[tuple[str, str], _Labels] = {}
        self._outcomes: dict[tuple[str, str, str], Counter] = {}
        if readings is not None:
            self.registry.register(_OnRead(readings))

    def ended(self, exchange: Exchange) -> None:
        """Count an exchange whose answer ended, one way or another."""
        labels = self._children(exchange)
        status = (exchange.status or 0, exchange.state)
        counter = labels.by_status.get(status)
        if counter is None:
            counter = self.requests.labels(exchange.endpoint, _model(exchange), str(status[0]), status[1])
            labels.by_status[status] = counter
        counter.inc()
        if exchange.latency_ms is not None:
            labels.latency.observe(exchange.latency_ms / 1000)
        if exchange.ttft_ms is not None:
            labels.ttft.observe(exchange.ttft_ms / 1000)

    def spent(self, exchange: Exchange) -> None:
        """Count an exchange's tokens and cost, once they are known."""
        labels = self._children(exchange)
        if exchange.input_tokens:
            labels.input_tokens.inc(exchange.input_tokens)
        if exchange.output_tokens:
            labels.output_tokens.inc(exchange.output_tokens)
        if exchange.cost_usd:
            labels.cost.inc(exchange.cost_usd)

    def attempted(self, attempt: Attempt) -> None:
        """Count one finished try at a deployment."""
        outcome = "ok" if attempt.error_code is None else attempt.error_code
        key = (attempt.deployment, attempt.provider, outcome)
        counter = self._outcomes.get(key)
        if counter is None:
            counter = self._outcomes[key] = self.attempts.labels(*key)
        counter.inc()

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self.registry)

    def _children(self, exchange: Exchange) -> _Labels:
        key = (exchange.endpoint, _model(exchange))
        labels = self._labels.get(key)
        if labels is None:
            labels = self._labels[key] = _Labels(self, *key)
        return labels


def _model(exchange: Exchange) -> str:
    return exchange.model if exchange.deployment is not None else "unknown"
