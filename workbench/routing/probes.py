"""Background probes: ask each upstream for its list of models, which costs nothing, and note what it says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from workbench.providers.provider import Provider, ProviderFailure
from workbench.routing.config import RouterConfig
from workbench.routing.standing import Standing, Standings

log = logging.getLogger("workbench.routing")

_AT_ONCE = 8


class Probes:
    """Probes every enabled deployment, at an interval where the config asks for it."""

    def __init__(self, providers: Mapping[str, Provider], standings: Standings) -> None:
        self._providers = providers
        self._standings = standings
        self._interval_s: float | None = None
        self._task: asyncio.Task[None] | None = None

    def take(self, config: RouterConfig) -> None:
        """Follow a configuration: begin, go on or stop. Call it on the running loop."""
        self._interval_s = config.health_check_interval_s if config.background_health_checks else None
        if self._interval_s is not None and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._go_on(), name="health-probes")

    async def run(self) -> dict[str, str]:
        """Probe all now; return deployment id -> ``ok`` or what is wrong."""
        gate = asyncio.Semaphore(_AT_ONCE)
        standings = [standing for standing in self._standings.all() if standing.deployment.enabled]
        results = await asyncio.gather(*(self._probe(standing, gate) for standing in standings))
        return {
            standing.deployment.id: result
            for standing, result in zip(standings, results, strict=True)
            if result
        }

    async def stop(self) -> None:
        """End the background work."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _go_on(self) -> None:
        while self._interval_s is not None:
            try:
                await self.run()
            except Exception:
                log.exception("a round of health probes failed")
            await asyncio.sleep(self._interval_s)
        self._task = None

    async def _probe(self, standing: Standing, gate: asyncio.Semaphore) -> str:
        """Return ``ok``, what is wrong, or an empty text for a provider that can't be probed."""
        deployment = standing.deployment
        probe: Any = getattr(self._providers.get(deployment.adapter), "probe", None)
        if probe is None:
            return ""
        async with gate:
            try:
                await probe(deployment)
                result = "ok"
            except ProviderFailure as failure:
                result = failure.message
        standing.health.probe = result
        return result
