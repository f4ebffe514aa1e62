"""A sum over the last minute (or other span) in constant memory: one bucket a sixtieth of the span."""

from __future__ import annotations

_BUCKETS = 60


class Rolling:
    """Amounts added at clock readings; what is older than `span_s` is forgotten, a bucket at a time."""

    __slots__ = ("_buckets", "_latest", "_sum", "_width", "span_s")

    def __init__(self, span_s: float = 60.0) -> None:
        self.span_s = span_s
        self._width = span_s / _BUCKETS
        self._buckets: dict[int, float] = {}
        self._latest = 0
        self._sum = 0.0

    def add(self, now: float, amount: float) -> None:
        """Count `amount` (may be negative, to correct an estimate)."""
        slot = int(now / self._width)
        if slot != self._latest:
            self._forget(now)
        self._buckets[slot] = self._buckets.get(slot, 0.0) + amount
        self._sum += amount

    def total(self, now: float) -> int:
        """Return what was counted in the span before `now`, never below 0."""
        self._forget(now)
        return max(round(self._sum), 0)

    def frees_in(self, now: float, amount: float, limit: float) -> float:
        """Return the seconds until `amount` more fits under `limit`; 0 when it fits now, inf when never."""
        if amount > limit:
            return float("inf")
        over = self.total(now) + amount - limit
        if over <= 0:
            return 0.0
        for slot in sorted(self._buckets):
            over -= self._buckets[slot]
            if over <= 0:
                return max((slot + _BUCKETS + 1) * self._width - now, 0.0)
        return self.span_s

    def _forget(self, now: float) -> None:
        slot = int(now / self._width)
        if slot == self._latest:
            return
        self._latest = slot
        for old in [key for key in self._buckets if key <= slot - _BUCKETS - 1]:
            self._sum -= self._buckets.pop(old)
        if not self._buckets:
            self._sum = 0.0
