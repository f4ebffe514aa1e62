"""Money and tokens over a period, with reservations. Takes clock readings, never reads one.

A request's estimated cost is reserved before it is sent and replaced by the real one when it ends, so that
requests at the same time can't together pass a budget that each alone would keep. Where an estimate is too
low, at most the requests under way overrun it; the last free place is never given twice.
"""

from __future__ import annotations

import math

import msgspec

_US = 1_000_000


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What may be spent in a period. Periods begin at multiples of their length: 1d is a UTC day."""

    usd: float | None = None
    tokens: int | None = None
    period_s: float | None = None
    """None: for ever."""


class Account:
    """What was spent and is reserved in the current period."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.usd = 0.0
        self.tokens = 0
        self._reserved_usd = 0.0
        self._reserved_tokens = 0
        self._open = 0
        self._period = -1

    def starts_at(self, wall_us: int) -> int:
        """Return when the period of this moment began (microseconds since 1970)."""
        if self.budget.period_s is None:
            return 0
        return int(self._number(wall_us) * self.budget.period_s * _US)

    def restore(self, wall_us: int, usd: float, tokens: int) -> None:
        """Take over what was spent in this period before this process began."""
        self._turn(wall_us)
        self.usd = max(self.usd, usd)
        self.tokens = max(self.tokens, tokens)

    def refuses(self, wall_us: int, usd: float, tokens: int) -> tuple[str, float, float] | None:
        """Return (what, limit, used) of the budget that this much more would pass; None when it fits.

        With nothing under way a request is let through as long as anything is left: what it will really
        cost is not known.
        """
        self._turn(wall_us)
        for name, limit, spent, reserved, more in (
            ("budget_usd", self.budget.usd, self.usd, self._reserved_usd, usd),
            ("budget_tokens", self.budget.tokens, self.tokens, self._reserved_tokens, tokens),
        ):
            if limit is None:
                continue
            if spent >= limit or (self._open and spent + reserved + more > limit):
                return name, limit, spent + reserved
        return None

    def reserve(self, usd: float, tokens: int) -> None:
        """Set this much aside for a request that begins."""
        self._open += 1
        self._reserved_usd += usd
        self._reserved_tokens += tokens

    def settle(self, wall_us: int, reserved: tuple[float, int], usd: float, tokens: int) -> None:
        """Give the reservation back and count what it really was."""
        self._turn(wall_us)
        self._open -= 1
        self._reserved_usd = max(self._reserved_usd - reserved[0], 0.0) if self._open else 0.0
        self._reserved_tokens = max(self._reserved_tokens - reserved[1], 0) if self._open else 0
        self.usd += usd
        self.tokens += tokens

    def resets_in(self, wall_us: int) -> float | None:
        """Return the seconds until the next period; None: never."""
        if self.budget.period_s is None:
            return None
        return (self._number(wall_us) + 1) * self.budget.period_s - wall_us / _US

    def left(self, wall_us: int) -> float | None:
        """Return the share of the money that is left, 0 to 1; None without a limit."""
        self._turn(wall_us)
        if self.budget.usd is None:
            return None
        return max(1 - (self.usd + self._reserved_usd) / self.budget.usd, 0.0) if self.budget.usd else 0.0

    def _number(self, wall_us: int) -> int:
        return math.floor(wall_us / _US / (self.budget.period_s or math.inf))

    def _turn(self, wall_us: int) -> None:
        number = self._number(wall_us)
        if number != self._period:
            if self._period >= 0:
                self.usd, self.tokens = 0.0, 0
            self._period = number
