"""What all parts of the gateway share: one object, made once, with explicit dependencies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.gateway.client import Newcomers

if TYPE_CHECKING:
    from workbench.gateway.auth import Keys
    from workbench.gateway.tail import Tail
    from workbench.recording.recorder import Recorder
    from workbench.routing.router import Router
    from workbench.telemetry.day_cost import DayCost
    from workbench.telemetry.metrics import Metrics

DRAIN_RETRY_S = 5.0
"""What a stopping router gives as ``Retry-After``; a restart takes less."""


@dataclass(kw_only=True, eq=False)
class Gateway:
    """The gateway's dependencies and its small state: what is under way, and whether it drains."""

    router: Router
    recorder: Recorder
    keys: Keys
    metrics: Metrics
    tail: Tail
    cost: DayCost
    instance: str
    version: str
    max_body_bytes: int
    default_model: str | None = None
    reload: Callable[[], Awaitable[dict[str, Any]]] | None = None
    set_profile: Callable[[str], Awaitable[dict[str, Any]]] | None = None
    in_flight: int = 0
    draining: bool = False
    retention_error: str | None = None
    """Why retention could not be applied the last time."""
    newcomers: Newcomers = field(default_factory=Newcomers)
    started: float = field(default_factory=time.monotonic)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._idle.set()

    @property
    def uptime_s(self) -> float:
        """Seconds since the gateway was made."""
        return time.monotonic() - self.started

    def enter(self) -> None:
        """Count an exchange that begins."""
        self.in_flight += 1
        self._idle.clear()

    def leave(self) -> None:
        """Count an exchange that ended."""
        self.in_flight -= 1
        if not self.in_flight:
            self._idle.set()

    async def drain(self, timeout_s: float) -> bool:
        """Refuse new exchanges and wait for those under way; False when some still ran after `timeout_s`."""
        self.draining = True
        self.tail.close()
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        except TimeoutError:
            return False
        return True
