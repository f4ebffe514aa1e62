"""Time as an argument: decisions take readings, the router takes a Clock."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Readings and waiting."""

    def monotonic(self) -> float:
        """Return seconds that only go forward."""
        ...

    def wall_us(self) -> int:
        """Return microseconds since 1970 UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The real one."""

    def monotonic(self) -> float:
        """Return `time.monotonic`."""
        return time.monotonic()

    def wall_us(self) -> int:
        """Return microseconds since 1970 UTC."""
        return time.time_ns() // 1000

    async def sleep(self, seconds: float) -> None:
        """Wait on the running loop."""
        await asyncio.sleep(seconds)
