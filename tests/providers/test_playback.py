"""Playback: the recorded bytes, write by write, with the recorded pauses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.domain.exchange import Exchange, State, Write
from workbench.domain.ids import EXCHANGE, new_id
from workbench.providers.playback import EXCHANGE_HEADER, SPEED_HEADER, PlaybackProvider
from workbench.providers.provider import Call, Deployment, ProviderFailure
from workbench.providers.registry import make_providers
from workbench.routing.config import RouterConfig
from workbench.routing.errors import RouteError, StreamBroken
from workbench.routing.router import Router
from workbench.routing.values import RouteRequest
from workbench.store.ingest import ExchangeWriter
from workbench.store.operations import Begin, Finish
from workbench.store.store import Reader

PIECES = [b"data: {}\n\n", b": keep-alive\n\n", b"data: [DONE]\n\n"]


class Tape:
    """A store with recordings."""

    def __init__(self, path: Path) -> None:
        self._writer = ExchangeWriter.open(path, instance="test")
        self.reader = Reader.open(path)

    def record(self, *, state: State = "complete", status: int | None = 200) -> str:
        at = time.time_ns() // 1000
        exchange = Exchange(
            id=new_id(EXCHANGE, at),
            started_at=at,
            endpoint="/v1/chat/completions",
            model="gone",
            status=status,
            state=state,
            stream=True,
        )
        finish = Finish(
            exchange=exchange,
            headers=[("content-type", "text/event-stream"), ("x-workbench-exchange", exchange.id)],
            body=b"".join(PIECES),
            writes=[Write(len(piece), 40_000 * number) for number, piece in enumerate(PIECES)],
            begin=Begin(exchange=exchange, headers=[], body=b"{}"),
        )
        self._writer.apply([finish])
        return exchange.id

    def close(self) -> None:
        self.reader.close()
        self._writer.close(ended=True)


@pytest.fixture
def tape(tmp_path: Path) -> Iterator[Tape]:
    """Open a store to record into and to play from."""
    made = Tape(tmp_path / "db")
    yield made
    made.close()


def _call(exchange_id: str, speed: str = "original") -> Call:
    return Call(
        endpoint="/v1/chat/completions",
        body=b"{}",
        headers=[(EXCHANGE_HEADER, exchange_id), (SPEED_HEADER, speed)],
        deployment=Deployment(id="playback", group="m", provider="playback", model="m"),
        stream=True,
        exchange_id="ex_new",
    )


async def test_writes_come_as_they_came(tape: Tape) -> None:
    """The same pieces, not before their time."""
    given = await PlaybackProvider(tape.reader).send(_call(tape.record()))
    began = asyncio.get_running_loop().time()
    pieces, times = [], []
    async for piece in given.chunks:
        pieces.append(piece)
        times.append(asyncio.get_running_loop().time() - began)
    assert pieces == PIECES
    assert times[1] >= 0.039
    assert times[2] >= 0.079


async def test_a_router_plays_back_without_any_deployment(tape: Tape) -> None:
    """The end is announced before it is given; the group need not exist any more."""
    router = Router(RouterConfig(), make_providers(tape.reader))
    request = RouteRequest(
        exchange_id="ex_new",
        endpoint="/v1/chat/completions",
        body=b"{}",
        model="gone",
        playback=tape.record(),
        playback_speed="fast",
    )
    given = await router.send(request, lambda *_: None)
    seen = [(chunk, given.ending) async for chunk in given.chunks]
    await router.aclose()
    assert seen == [(PIECES[0], False), (PIECES[1], False), (PIECES[2], True)]
    assert (given.status, given.stream, given.provider) == (200, True, "playback")
    assert [name for name, _ in given.headers] == ["content-type", "x-workbench-playback"]


async def test_a_broken_recording_breaks_off_again(tape: Tape) -> None:
    """What was interrupted is not played back as a success."""
    router = Router(RouterConfig(), make_providers(tape.reader))
    request = RouteRequest(
        exchange_id="ex_new",
        endpoint="/v1/chat/completions",
        body=b"{}",
        playback=tape.record(state="interrupted"),
        playback_speed="fast",
    )
    given = await router.send(request, lambda *_: None)
    for piece in PIECES:
        assert await anext(given.chunks) == piece
        assert not given.ending
    with pytest.raises(StreamBroken):
        await anext(given.chunks)
    await router.aclose()


async def test_what_can_not_be_played_is_said(tape: Tape) -> None:
    """An unknown exchange, one without an answer, a router without a store."""
    provider = PlaybackProvider(tape.reader)
    for wrong in ("ex_0000000000", tape.record(status=None, state="running")):
        with pytest.raises(ProviderFailure):
            await provider.send(_call(wrong))
    with pytest.raises(ProviderFailure):
        await PlaybackProvider(None).send(_call("ex_1"))
    router = Router(RouterConfig(), make_providers(None))
    with pytest.raises(RouteError) as caught:
        await router.send(
            RouteRequest(exchange_id="ex_new", endpoint="/v1/chat/completions", body=b"{}", playback="ex_1"),
            lambda *_: None,
        )
    await router.aclose()
    assert (caught.value.status, caught.value.code) == (404, "playback_unavailable")
