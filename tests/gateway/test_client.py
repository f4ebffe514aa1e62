"""A request's body and its client's presence."""

import asyncio
from typing import Any

import pytest

from workbench.gateway import client
from workbench.gateway.client import ClientLeft, Newcomers, Presence, read_body
from workbench.gateway.problems import Problem


class Wire:
    """What a server's `receive` gives, in order; then it waits for ever."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages)
        self.left = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self.messages:
            return self.messages.pop(0)
        await self.left.wait()
        return {"type": "http.disconnect"}


def part(data: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": data, "more_body": more}


async def test_a_body_in_parts_is_put_together():
    """However the network cut it."""
    wire = Wire(part(b"ab"), part(b""), part(b"c", more=False))
    assert await read_body(wire.receive, 10, None) == b"abc"


@pytest.mark.parametrize("declared", [b"11", None])
async def test_a_body_over_the_limit_is_413(declared: bytes | None):
    """By its declared length, or by what came when none was declared."""
    wire = Wire(part(b"x" * 6), part(b"x" * 5, more=False))
    with pytest.raises(Problem) as caught:
        await read_body(wire.receive, 10, declared)
    assert caught.value.status == 413
    assert caught.value.details == {"limit_bytes": 10}


async def test_a_client_that_leaves_while_it_sends_is_no_exchange():
    """Half a request is nobody's request."""
    wire = Wire(part(b"ab"))
    wire.left.set()
    with pytest.raises(ClientLeft):
        await read_body(wire.receive, 10, None)


async def test_a_body_that_stops_coming_is_408(monkeypatch: pytest.MonkeyPatch):
    """A stalled sender does not hold a place for ever."""
    monkeypatch.setattr(client, "BODY_IDLE_S", 0.01)
    with pytest.raises(Problem) as caught:
        await read_body(Wire(part(b"ab")).receive, 10, None)
    assert caught.value.status == 408


async def test_a_client_that_goes_ends_the_block_and_only_that():
    """The work is cancelled; the code after the block goes on."""
    wire = Wire()
    presence = Presence(wire.receive, Newcomers())
    asyncio.get_running_loop().call_later(0.05, wire.left.set)
    async with presence:
        await asyncio.sleep(30)
    assert presence.gone
    await asyncio.sleep(0)


async def test_a_client_that_stays_is_not_noticed():
    """Nothing is cancelled, and the watcher ends with the block."""
    async with Presence(Wire().receive, Newcomers()) as presence:
        await asyncio.sleep(0.05)
    assert not presence.gone
    await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "client-presence"]


async def test_a_cancellation_from_elsewhere_passes_through():
    """Only the client's leaving is swallowed."""

    async def work() -> None:
        async with Presence(Wire().receive, Newcomers()):
            await asyncio.sleep(30)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
