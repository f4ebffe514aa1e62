"""Calls of the router that a key causes. Each blocks its thread until the router has answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from workbench.tui.messages import RouterStatus

if TYPE_CHECKING:
    from workbench.client import RouterClient

T = TypeVar("T")
PROFILES = ("reliability", "balanced", "cost")


def call(status: RouterStatus, work: Callable[[RouterClient], Awaitable[T]]) -> T:
    """Run `work` with a client of the router. Raises RouterUnreachable."""
    from workbench.client import RouterClient
    from workbench.domain.errors import RouterUnreachable

    if not status.up:
        raise RouterUnreachable("no router runs", hint="press 4, then s, to start it")

    async def run() -> T:
        async with RouterClient(status.base_url, status.key) as client:
            return await work(client)

    return asyncio.run(run())


def reload_router(status: RouterStatus) -> dict[str, object]:
    """Make the router read its configuration again."""
    return call(status, lambda client: client.reload())


def ask_demo(status: RouterStatus) -> None:
    """Ask the built-in demo model something, so that there is a first exchange to look at."""
    messages = [{"role": "user", "content": "Hello! What can I do with this workbench?"}]
    call(status, lambda client: client.chat_text("demo", messages))


def next_profile(status: RouterStatus) -> str:
    """Switch to the profile after the one in force and return its name."""
    at = PROFILES.index(status.profile) if status.profile in PROFILES else -1
    wanted = PROFILES[(at + 1) % len(PROFILES)]
    call(status, lambda client: client.profile(wanted))
    return wanted
