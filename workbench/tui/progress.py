"""How far something long has come: done, rate, time left."""

from __future__ import annotations

import time
from collections.abc import Callable

from workbench.tui import format as fmt


class Progress:
    """Counts steps of a known total; as text ``3 of 10, 1.5 a second, 5 s left``."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self.done = 0
        self._clock = clock
        self._began = clock()

    def step(self, by: int = 1) -> None:
        """Count what is done."""
        self.done += by

    def reach(self, done: int, total: int) -> None:
        """Say how many of how many are done."""
        self.done, self.total = done, total

    @property
    def rate(self) -> float:
        """Steps a second so far."""
        return self.done / max(1e-6, self._clock() - self._began)

    @property
    def left_s(self) -> float | None:
        """Seconds until the end at this rate; None before the first step."""
        return (self.total - self.done) / self.rate if self.done else None

    def __str__(self) -> str:
        """Return what a status line shows."""
        text = f"{self.done:,} of {self.total:,}"
        if self.left_s is None or self.total <= 1:
            return text
        rate = f"{self.rate:,.0f}" if self.rate >= 10 else f"{self.rate:.1f}"
        return f"{text}, {rate} a second, {fmt.duration(self.left_s * 1000)} left"
