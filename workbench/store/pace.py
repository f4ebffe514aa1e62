"""Work in many short transactions, so that nobody who also writes waits long."""

from __future__ import annotations

import time

_STEP_S = 0.025
"""A transaction of background work lasts about this long."""
_REST_S = 0.005
"""Whoever waits asks every millisecond, and so gets in before the next transaction begins."""
_SHORTEST = 1e-4


class Pace:
    """How much the next transaction should do, by how long the last one took."""

    def __init__(self, size: int, most: int) -> None:
        self.size = size
        self._most = most
        self._began = 0.0, 0.0

    def begin(self) -> None:
        """The transaction begins: call it when the lock is held, since waiting for that is no work."""
        self._began = time.monotonic(), time.thread_time()

    @property
    def half_over(self) -> bool:
        """Half of a transaction's time is spent; its commit may take the rest."""
        # Asking for the processor time is dear on some machines, and it is never more than the other.
        return time.monotonic() - self._began[0] > _STEP_S / 2 and self._took() > _STEP_S / 2

    def end(self, pause_s: float = 0.0) -> None:
        """The transaction is over; rest, `pause_s` if that is longer."""
        self.size = max(1, min(self._most, int(self.size * min(2.0, _STEP_S / self._took()))))
        time.sleep(max(pause_s, _REST_S))

    def _took(self) -> float:
        wall, work = time.monotonic() - self._began[0], time.thread_time() - self._began[1]
        # Where many programs want the processor, smaller steps would only cost more; a slow disk counts.
        return max(work, wall / 2, _SHORTEST)
