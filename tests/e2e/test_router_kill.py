"""``kill -9`` under load: what a client saw complete is in the store, whatever happened to the router."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from dataclasses import dataclass, field

import pytest

from tests.e2e.conftest import MockUpstream, RouterProcess
from workbench.settings.home import Home
from workbench.store.store import Reader

CLIENTS = 8


@dataclass
class Seen:
    """What the clients know, by exchange id: complete answers' bytes, and answers that broke off."""

    complete: dict[str, bytes] = field(default_factory=dict)
    broken: dict[str, bytes] = field(default_factory=dict)


class Load:
    """Clients that ask one question after the other until they are told to stop."""

    def __init__(self, router: RouterProcess) -> None:
        self.seen = Seen()
        self._router = router
        self._key = router.key
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _work(self, number: int) -> None:
        dice = random.Random(number)
        while not self._over.is_set():
            stream = dice.random() < 0.6
            mock = {"chunks": dice.randint(1, 30), "chunk_delay_ms": dice.choice([0, 0, 2, 10])}
            message = {"role": "user", "content": "word " * dice.randint(1, 200)}
            body = {"model": "mock", "messages": [message], "stream": stream, "x_mock": mock}
            self._ask(json.dumps(body), stream=stream)

    def _ask(self, body: str, *, stream: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._router.port, timeout=30)
        exchange_id, data = None, b""
        try:
            connection.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {self._key}"})
            answer = connection.getresponse()
            exchange_id = answer.headers["x-workbench-exchange"]
            while piece := answer.read1():
                data += piece
            whole = data.endswith(b"data: [DONE]\n\n") if stream else answer.length in (0, None)
        except (OSError, http.client.HTTPException):
            # Half a chunked body is an exception, yet the terminal event may have come before it.
            whole = stream and data.endswith(b"data: [DONE]\n\n")
        finally:
            connection.close()
        if exchange_id is not None:
            (self.seen.complete if whole else self.seen.broken)[exchange_id] = data


def kill_and_look(router: RouterProcess, seconds: float) -> Seen:
    """Load the router, kill it, start it again, and compare the store with what the clients saw."""
    with Load(router) as load:
        time.sleep(seconds)
        router.kill()
    router.start()
    with Reader.open(Home(router.home).store) as store:
        for exchange_id, data in load.seen.complete.items():
            exchange = store.exchange(exchange_id)
            assert (exchange.state, exchange.status) == ("complete", 200), exchange_id
            assert store.body(exchange_id, "response") == data
        states = {item.id: item.state for item in store.exchanges(limit=500).items}
        # One that had begun a moment before may have no row yet; all others say what they are.
        assert {states.get(exchange_id) for exchange_id in load.seen.broken} <= {
            "interrupted",
            "complete",
            None,
        }
        assert "running" not in states.values()
    return load.seen


@pytest.mark.parametrize("times", [3, pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
def test_nothing_a_client_saw_complete_is_missing_after_kill_9(
    mock_router: RouterProcess, upstream: MockUpstream, times: int
):
    """Killed under load again and again: complete ones byte for byte, cut ones shown as interrupted."""
    dice = random.Random(times)
    complete = broken = 0
    for _ in range(times):
        seen = kill_and_look(mock_router, dice.uniform(0.6, 1.6))
        complete += len(seen.complete)
        broken += len(seen.broken)
    assert complete > times * CLIENTS
    assert broken > 0
    status, _, _ = mock_router.post(
        "/v1/chat/completions", {"model": "mock", "messages": [{"role": "user", "content": "still there?"}]}
    )
    assert status == 200
