"""The router: limits > cache > strategy > breaker > attempt > retry > fallback, one concern a layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workbench.providers.provider import Provider
from workbench.routing.clock import Clock, SystemClock
from workbench.routing.config import RouterConfig
from workbench.routing.values import AttemptSink, GroupInfo, RouteAnswer, RouteRequest

__all__ = ["AttemptSink", "GroupInfo", "RouteAnswer", "RouteRequest", "Router"]


class Router:
    """Sends requests to deployments. One per process, on one event loop."""

    def __init__(
        self,
        config: RouterConfig,
        providers: Mapping[str, Provider],
        *,
        clock: Clock | None = None,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        self._config = config
        self._providers = providers
        self._clock = clock or SystemClock()
        self._on_change = on_change

    @property
    def config(self) -> RouterConfig:
        """The configuration in force."""
        return self._config

    async def send(self, request: RouteRequest, attempts: AttemptSink) -> RouteAnswer:
        """Return an answer whose first bytes are there. Raises RouteError."""
        raise NotImplementedError

    def groups(self) -> list[GroupInfo]:
        """Return the model groups, built-in ones last."""
        raise NotImplementedError

    def status(self) -> dict[str, Any]:
        """Return profile, strategy and every group's deployments with health, for ``/internal/status``."""
        raise NotImplementedError

    async def reload(self, config: RouterConfig) -> None:
        """Take a new configuration; requests under way finish on the old one."""
        self._config = config

    async def aclose(self) -> None:
        """Stop background work and close providers."""
        for provider in self._providers.values():
            await provider.aclose()
