"""A real store with exchanges in it, without a router."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.replay.builders import CHAT, chat
from workbench.domain.exchange import Exchange, Headers, Write
from workbench.store.ingest import ExchangeWriter
from workbench.store.operations import Begin, Finish
from workbench.store.store import Store


class Recorded:
    """A store and the means to record into it."""

    def __init__(self, path: Path) -> None:
        self._writer = ExchangeWriter.open(path, instance="test")
        self.store = Store.open(path)
        self._count = 0

    def add(
        self,
        request: bytes | None = None,
        answer: bytes | None = None,
        *,
        headers: Headers | None = None,
        **fields: Any,
    ) -> Exchange:
        """Record one finished exchange and return it as the store has it."""
        self._count += 1
        sent = (
            request
            if request is not None
            else json.dumps(
                {"model": "m", "messages": [{"role": "user", "content": str(self._count)}]}
            ).encode()
        )
        got = answer if answer is not None else json.dumps(chat()).encode()
        exchange = Exchange(
            **{
                "id": f"ex_{self._count:018d}",
                "started_at": 1_000_000 * self._count,
                "endpoint": CHAT,
                "model": "m",
                "status": 200,
                "state": "complete",
                "request_bytes": len(sent),
                "response_bytes": len(got),
                "instance": "test",
                **fields,
            }
        )
        begin = Begin(exchange=exchange, headers=headers or [("Content-Type", "application/json")], body=sent)
        end = Finish(exchange=exchange, headers=[], body=got, writes=[Write(len(got), 10)])
        self._writer.apply([begin, end])
        return self.store.exchange(exchange.id)

    def close(self) -> None:
        self.store.close()
        self._writer.close(ended=True)


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recorded]:
    made = Recorded(tmp_path / "workbench.db")
    try:
        yield made
    finally:
        made.close()
