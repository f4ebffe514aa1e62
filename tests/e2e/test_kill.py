"""What a client saw complete survives ``kill -9``; what it did not is shown as interrupted."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from typing import Any

import pytest

from tests.e2e.conftest import RouterProcess
from workbench.domain.errors import UnknownId
from workbench.store.store import Reader

WORKERS = 8


class Load:
    """Threads that ask plainly and in streams, and keep what they saw complete, until the router is gone."""

    def __init__(self, router: RouterProcess) -> None:
        self.complete: dict[str, tuple[bytes, bytes]] = {}
        self.begun: set[str] = set()
        self._router = router
        self._key = router.key
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(n,)) for n in range(WORKERS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _work(self, worker: int) -> None:
        number = 0
        connection = http.client.HTTPConnection("127.0.0.1", self._router.port, timeout=20)
        while not self._stop.is_set():
            number += 1
            body = {
                "model": random.choice(["demo", "echo"]),
                "messages": [{"role": "user", "content": f"worker {worker} number {number}"}],
                "stream": random.random() < 0.7,
            }
            try:
                self._ask(connection, json.dumps(body).encode())
            except (OSError, http.client.HTTPException):
                return
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, body: bytes) -> None:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/chat/completions", body, headers)
        answer = connection.getresponse()
        exchange = answer.getheader("x-workbench-exchange") or ""
        self.begun.add(exchange)
        got = answer.read()  # raises when the body was cut
        if answer.status == 200 and (b'"stream": true' not in body or got.endswith(b"data: [DONE]\n\n")):
            self.complete[exchange] = (body, got)


def one_round(router: RouterProcess, rest_s: float) -> dict[str, Any]:
    """Kill the router under load, start it again, and compare what clients saw with what the store has."""
    with Load(router) as load:
        time.sleep(rest_s)
        router.kill()
    router.start()
    found: dict[str, Any] = {"complete": len(load.complete), "missing": [], "other": [], "running": []}
    with Reader.open(router.home / "artifacts" / "workbench.db") as reader:
        for exchange, (sent, got) in load.complete.items():
            if reader.body(exchange, "request") != sent or reader.body(exchange, "response") != got:
                found["other"].append(exchange)
            if reader.exchange(exchange).state != "complete":
                found["missing"].append(exchange)
        for exchange in load.begun - load.complete.keys() - {""}:
            if _state(reader, exchange) not in ("complete", "interrupted", None):
                found["other"].append(exchange)
        found["running"] = [item.id for item in reader.exchanges("is:running", limit=200).items]
    return found


def _state(reader: Reader, exchange: str) -> str | None:
    """Return the exchange's state; None when the router died before it was written down."""
    try:
        return reader.exchange(exchange).state
    except UnknownId:
        return None


def kill_rounds(router: RouterProcess, rounds: int) -> None:
    seen = 0
    for _ in range(rounds):
        found = one_round(router, random.uniform(0.3, 1.0))
        assert (found["missing"], found["other"], found["running"]) == ([], [], [])
        seen += found["complete"]
    assert seen > rounds
    router.cli.run("store", "verify")


def test_nothing_a_client_saw_complete_is_lost_when_the_router_is_killed(router: RouterProcess) -> None:
    """Three times under load: every such exchange is there, byte for byte, and nothing is left running."""
    kill_rounds(router, 3)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_twenty_kills_lose_nothing(router: RouterProcess) -> None:
    """The same twenty times."""
    kill_rounds(router, 20)
