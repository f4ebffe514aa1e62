"""The breaker of one deployment: closed, open, half-open. Takes clock readings, never reads one.

It opens on a run of failures, on too many failures in a window, or at once on what time alone mends
(a rate limit, bad credentials). When the cooldown is over one request is let through as a probe: it
closes the breaker or opens it again.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from workbench.routing.rolling import Rolling

State = Literal["closed", "open", "half_open"]


class BreakerRules(msgspec.Struct, frozen=True, kw_only=True):
    """When a breaker opens and for how long (seconds)."""

    consecutive: int = 3
    """Failures in a row that are still allowed."""
    rate: float = 0.5
    window_s: float = 60.0
    min_requests: int = 5
    cooldown_s: float = 5.0
    enabled: bool = True


class Breaker:
    """State and counts of one deployment."""

    def __init__(self, rules: BreakerRules) -> None:
        self.rules = rules
        self.open_until: float | None = None
        self.why: str | None = None
        self._probing = False
        self._run = 0
        self._all = Rolling(rules.window_s)
        self._failed = Rolling(rules.window_s)

    def state(self, now: float) -> State:
        """Return the state at `now`."""
        if self.open_until is None:
            return "closed"
        return "open" if now < self.open_until else "half_open"

    def allows(self, now: float) -> bool:
        """Tell whether a request may go through at `now`."""
        state = self.state(now)
        return state == "closed" or (state == "half_open" and not self._probing)

    def opens_in(self, now: float) -> float:
        """Return the seconds until a request may go through."""
        if self.open_until is None:
            return 0.0
        return max(self.open_until - now, 0.0)

    def begin(self, now: float) -> bool:
        """Note that a request goes through; True when it is the half-open probe."""
        if self.state(now) != "half_open":
            return False
        self._probing = True
        return True

    def succeed(self, now: float) -> None:
        """The deployment answered."""
        self._all.add(now, 1)
        self._run = 0
        self._probing = False
        self.open_until = None
        self.why = None

    def fail(
        self,
        now: float,
        why: str,
        *,
        at_once: bool = False,
        cooldown_s: float | None = None,
        allowed: int | None = None,
    ) -> bool:
        """The deployment failed; True when that opened the breaker.

        `at_once` needs no second failure; `allowed` is this kind's own number of failures in a row, in the
        place of all other rules.
        """
        self._all.add(now, 1)
        self._failed.add(now, 1)
        self._run += 1
        probe, self._probing = self._probing, False
        too_many = self._run > allowed if allowed is not None else self._too_many(now)
        if not self.rules.enabled or not (at_once or probe or too_many):
            return False
        self.open_until = now + (self.rules.cooldown_s if cooldown_s is None else cooldown_s)
        self.why = why
        return True

    def abandon(self) -> None:
        """The request ended without saying anything about the deployment (the client left)."""
        self._probing = False

    def error_rate(self, now: float) -> float:
        """Return the share of failures in the window."""
        total = self._all.total(now)
        return self._failed.total(now) / total if total else 0.0

    def _too_many(self, now: float) -> bool:
        if self._run > self.rules.consecutive:
            return True
        total = self._all.total(now)
        return total >= self.rules.min_requests and self._failed.total(now) / total > self.rules.rate
