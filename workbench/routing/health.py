"""How one deployment has been doing: counts, latencies, the limits its headers tell. No clock of its own."""

from __future__ import annotations

from collections import deque
from typing import Any

from workbench.domain.exchange import Headers
from workbench.routing.retry import parse_reset

_KEPT = 128
_RECENT = 10
"""LiteLLM's latency list: the mean is over the latest ten."""
_MAX_AGE_S = 3600.0

_LIMITS = (
    # (name, remaining, reset)
    ("requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("requests", "anthropic-ratelimit-requests-remaining", ""),
    ("tokens", "anthropic-ratelimit-tokens-remaining", ""),
    ("requests", "x-ratelimit-remaining", ""),
)


class Health:
    """Figures of one deployment since the router started."""

    def __init__(self) -> None:
        self.requests = 0
        self.failures = 0
        self.last_error: str | None = None
        self.last_error_at_us: int | None = None
        self.probe: str | None = None
        """Result of the latest background probe: ``ok`` or its error."""
        self.remaining: dict[str, float] = {}
        """What the upstream's headers said is left: requests, tokens."""
        self.empty_until: float | None = None
        """Until when the upstream said nothing is left."""
        self._latencies: deque[tuple[float, float]] = deque(maxlen=_KEPT)
        self._first_bytes: deque[tuple[float, float]] = deque(maxlen=_KEPT)

    def first_byte(self, now: float, ms: float) -> None:
        """Note the time to an answer's first byte."""
        self._first_bytes.append((now, ms))

    def finished(self, now: float, ms: float) -> None:
        """Note the time of a whole answer."""
        self._latencies.append((now, ms))

    def failed(self, error: str, at_us: int) -> None:
        """Note a failure."""
        self.failures += 1
        self.last_error = error
        self.last_error_at_us = at_us

    def mean_first_byte_ms(self, now: float) -> float | None:
        """Return the mean over the latest answers of the last hour; None when there is none."""
        recent = [ms for at, ms in list(self._first_bytes)[-_RECENT:] if now - at <= _MAX_AGE_S]
        return sum(recent) / len(recent) if recent else None

    def read_limits(self, headers: Headers, now: float) -> None:
        """Read what the upstream says is left of its rate limits."""
        if not any("ratelimit" in name.lower() for name, _ in headers):
            return
        named = {name.lower(): value for name, value in headers}
        for limit, remaining, reset in _LIMITS:
            left = parse_reset(named[remaining]) if remaining in named else None
            if left is None:
                continue
            self.remaining[limit] = left
            wait = parse_reset(named[reset]) if reset in named else None
            if left <= 0 and wait is not None and wait < _MAX_AGE_S:
                self.empty_until = now + wait

    def to_json(self) -> dict[str, Any]:
        """Return the figures for ``/internal/status``."""
        latencies = sorted(ms for _, ms in self._latencies)
        first_bytes = sorted(ms for _, ms in self._first_bytes)
        return {
            "requests": self.requests,
            "failures": self.failures,
            "latency_p50_ms": percentile(latencies, 0.5),
            "latency_p95_ms": percentile(latencies, 0.95),
            "ttft_p50_ms": percentile(first_bytes, 0.5),
            "last_error": self.last_error,
            "remaining": self.remaining,
            "probe": self.probe,
        }


def percentile(ordered: list[float], share: float) -> float | None:
    """Return the value below which `share` of the ordered values lie, rounded to 0.1; None of none."""
    if not ordered:
        return None
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)], 1)
