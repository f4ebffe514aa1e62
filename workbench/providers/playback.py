"""Playback: an exchange's recorded answer, write by write, with the original pauses; no upstream is asked.

The exchange is named by its id, or found by what is asked: see `playback_match`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from workbench.domain.errors import WorkbenchError
from workbench.domain.exchange import Exchange, Headers, Write
from workbench.domain.ids import EXCHANGE, looks_like
from workbench.providers.playback_match import Matcher
from workbench.providers.provider import Answer, Call, ProviderFailure

if TYPE_CHECKING:
    from workbench.store.reader import Reader

EXCHANGE_HEADER = "x-workbench-playback"
SPEED_HEADER = "x-workbench-playback-speed"


class PlaybackProvider:
    """Answers from the store; the call's headers name the exchange and the speed (original or fast)."""

    name = "playback"

    def __init__(self, reader: Reader | None) -> None:
        self._reader = reader
        self._matcher = Matcher(reader) if reader is not None else None

    async def send(self, call: Call) -> Answer:
        """Return the recorded answer. Raises ProviderFailure when there is none."""
        headers = dict(call.headers)
        if self._reader is None or self._matcher is None:
            raise ProviderFailure("unsupported", "this router has no store to play back from")
        named = headers.get(EXCHANGE_HEADER, "")
        try:
            if not looks_like(EXCHANGE, named):
                named = await asyncio.to_thread(self._matcher.find, named, call.endpoint, call.body)
            recorded = await asyncio.to_thread(_read, self._reader, named)
        except WorkbenchError as error:
            raise ProviderFailure("unsupported", error.message) from None
        return RecordedAnswer(*recorded, fast=headers.get(SPEED_HEADER) == "fast")

    async def aclose(self) -> None:
        """The reader is not ours to close."""


class RecordedAnswer(Answer):
    """A recorded answer. `at_end` turns True just before the chunk that ended the original."""

    __slots__ = ("at_end", "original")

    def __init__(
        self, exchange: Exchange, headers: Headers, body: bytes, writes: list[Write], *, fast: bool
    ) -> None:
        if exchange.status is None:
            raise ProviderFailure("unsupported", f"{exchange.id} has no answer to play back")
        self.at_end = False
        self.original = exchange
        chunks = self._play(exchange, body, writes, fast=fast)
        super().__init__(status=exchange.status, headers=headers, chunks=chunks)

    async def _play(
        self, exchange: Exchange, body: bytes, writes: list[Write], *, fast: bool
    ) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        position = 0
        for number, write in enumerate(writes, 1):
            if not fast:
                await asyncio.sleep(max(began + write.at_us / 1e6 - loop.time(), 0))
            piece = body[position : position + write.length]
            position += write.length
            self.at_end = number == len(writes) and exchange.state == "complete"
            yield piece
        if exchange.state != "complete":
            raise ProviderFailure("reset", f"the recording of {exchange.id} ends here ({exchange.state})")


def _read(reader: Reader, exchange_id: str) -> tuple[Exchange, Headers, bytes, list[Write]]:
    exchange = reader.exchange(exchange_id)
    return (
        exchange,
        reader.headers(exchange.id, "response"),
        reader.body(exchange.id, "response"),
        reader.writes(exchange.id),
    )
