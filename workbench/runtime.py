"""The router process: the one place where its objects are wired together.

`serve` is what ``workbench router serve`` runs. `RouterRuntime` is the same without a socket and signals.
One router a home: a file lock is held as long as the process lives, and ``.router/router.json`` tells others
where it listens.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from workbench import __version__
from workbench.domain.errors import ConfigError
from workbench.gateway.app import create_app
from workbench.gateway.auth import Keys
from workbench.gateway.gateway import Gateway
from workbench.gateway.tail import Tail
from workbench.providers.registry import make_providers
from workbench.recording.recorder import Recorder
from workbench.router_files import bind, claim_home, publish
from workbench.routing.config import RouterConfig, load_config
from workbench.routing.router import Router
from workbench.settings import Home, Settings, merged_environment, resolve_key
from workbench.telemetry.logs import close_log, open_log
from workbench.telemetry.metrics import Metrics

if TYPE_CHECKING:
    import socket

    import uvicorn

    from workbench.domain.exchange import Exchange
    from workbench.gateway.app import ASGIApp

log = logging.getLogger("workbench.runtime")


class RouterRuntime:
    """Router, recorder and gateway of one home, as an async context manager."""

    def __init__(self, home: Home, settings: Settings, environ: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.settings = settings
        self.environ = merged_environment(home, environ)
        self.instance = secrets.token_hex(8)
        self.gateway: Gateway
        self.app: ASGIApp
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> RouterRuntime:
        """Wire everything and start the recorder. Raises ConfigError."""
        config = load_config(self.home, self.environ)
        key = self._key(config)
        try:
            await self._wire(config, key)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
