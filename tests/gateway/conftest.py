"""The gateway's application over real rooms: router, recorder and store of a scratch home, no socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gateway.builders import KEY, Door, OpenDoor
from workbench.runtime import RouterRuntime
from workbench.settings.home import Home
from workbench.settings.sections import RecordingSettings, RouterSettings, Settings


@pytest.fixture
def open_door(tmp_path: Path) -> OpenDoor:
    """Start a gateway with settings; gives a Door."""

    @asynccontextmanager
    async def start(config: str = "", required: bool = False, **router: Any) -> AsyncIterator[Door]:
        home = Home(tmp_path / "home")
        home.config.parent.mkdir(parents=True, exist_ok=True)
        home.config.write_text(f"general_settings:\n  master_key: {KEY}\n{config}")
        settings = Settings(
            router=RouterSettings(**router),
            recording=RecordingSettings(required=required, ack_deadline_s=1.0, flush_interval_s=0.1),
        )
        async with RouterRuntime(home, settings, {}) as runtime:
            transport = httpx.ASGITransport(runtime.app)  # type: ignore[arg-type]
            headers = {"Authorization": f"Bearer {KEY}"}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://router", headers=headers
            ) as client:
                yield Door(runtime, client)

    return start


@pytest.fixture
async def door(open_door: OpenDoor) -> AsyncIterator[Door]:
    """A gateway with default settings."""
    async with open_door() as made:
        yield made
