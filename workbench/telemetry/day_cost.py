"""What was spent since midnight UTC."""

from __future__ import annotations

_DAY_US = 86_400_000_000


def day_start(at_us: int) -> int:
    """Return the moment (microseconds since 1970) at which the UTC day of `at_us` began."""
    return at_us - at_us % _DAY_US


class DayCost:
    """A sum in USD that begins anew at midnight UTC."""

    def __init__(self, at_us: int, usd: float = 0.0) -> None:
        """Begin with what was spent today already."""
        self._day = day_start(at_us)
        self._usd = usd

    def add(self, at_us: int, usd: float) -> None:
        """Count what an exchange cost."""
        self._usd = self.today(at_us) + usd

    def today(self, at_us: int) -> float:
        """Return the day's sum."""
        day = day_start(at_us)
        if day != self._day:
            self._day, self._usd = day, 0.0
        return self._usd
