"""Streamed text as events: pieces are gathered so that a run's log holds lines, not single tokens."""

from __future__ import annotations

import time
from collections.abc import Callable

FLUSH_S = 0.1
FLUSH_CHARS = 400


class Gather:
    """Takes pieces of text and hands them on at most ten times a second, or when much has come."""

    def __init__(self, emit: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._emit, self._clock = emit, clock
        self._pieces: list[str] = []
        self._chars = 0
        self._last = clock()

    def __call__(self, text: str) -> None:
        """Take the next piece."""
        self._pieces.append(text)
        self._chars += len(text)
        if self._chars >= FLUSH_CHARS or self._clock() - self._last >= FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Hand on what is there."""
        if self._pieces:
            self._emit("".join(self._pieces))
            self._pieces.clear()
            self._chars = 0
        self._last = self._clock()
