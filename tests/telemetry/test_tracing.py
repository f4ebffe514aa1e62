"""Spans reach a collector; one that is away, slow or broken costs no request anything, and is counted."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.gateway.builders import OpenDoor
from tests.gateway.conftest import open_door  # noqa: F401 - a fixture
from workbench.domain.exchange import Exchange
from workbench.telemetry import tracing
from workbench.telemetry.tracing import Tracer, tracer_of


class Collector:
    """A collector that keeps what it is sent, or answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        seen = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                names = {name.lower(): value for name, value in self.headers.items()}
                seen.requests.append((self.path, names, json.loads(body)))
                self.send_response(seen.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def spans(self) -> list[dict[str, Any]]:
        return [
            span for *_, body in self.requests for span in body["resourceSpans"][0]["scopeSpans"][0]["spans"]
        ]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_EVERY_S", 0.02)
    monkeypatch.setattr(tracing, "_REST_S", 0.05)


def exchange(number: int = 1, **changes: Any) -> Exchange:
    values = {
        "id": f"ex_{number}",
        "started_at": 1_000_000,
        "endpoint": "/v1/chat/completions",
        "model": "gpt",
    }
    return Exchange(**{**values, "status": 200, "state": "complete", "latency_ms": 5.0, **changes})


def eventually(condition: Callable[[], Any]) -> Any:
    until = time.monotonic() + 30
    while not (found := condition()) and time.monotonic() < until:
        time.sleep(0.01)
    return found


async def test_every_exchange_of_a_router_becomes_a_span(
    open_door: OpenDoor,  # noqa: F811
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With tokens and outcome, without a word of what was said; the last are sent when the router ends."""
    monkeypatch.setattr(
        "workbench.runtime.tracer_of",
        lambda _: Tracer(collector.url + "/v1/traces", {"authorization": "Bearer of the collector"}),
    )
    async with open_door() as door:
        await door.chat(text="a secret plan")
        await door.chat(model="nope")
        assert "workbench_spans_dropped 0.0" in (await door.client.get("/internal/metrics")).text
    names = {span["name"]: span for span in collector.spans()}
    assert names.keys() == {"chat echo", "chat nope"}
    attributes = {entry["key"]: entry["value"] for entry in names["chat echo"]["attributes"]}
    assert attributes["gen_ai.provider.name"] == {"stringValue": "echo"}
    assert int(attributes["gen_ai.usage.output_tokens"]["intValue"]) > 0
    assert names["chat nope"]["status"]["code"] == 2
    path, headers, _ = collector.requests[0]
    assert (path, headers["authorization"]) == ("/v1/traces", "Bearer of the collector")
    assert "secret plan" not in str(collector.requests)


def test_a_collector_that_comes_back_gets_what_waited_since(collector: Collector) -> None:
    """A refused batch is lost and counted; later spans arrive."""
    collector.status = 503
    tracer = Tracer(collector.url)
    tracer.start()
    tracer.add(exchange(1))
    assert eventually(lambda: tracer.dropped == 1)
    collector.status = 200
    tracer.add(exchange(2, model="later"))
    assert eventually(lambda: [span for span in collector.spans() if span["name"] == "chat later"])
    tracer.close()
    assert tracer.dropped == 1


def test_a_collector_that_is_away_costs_neither_memory_nor_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue is bounded, what does not fit is counted, and closing does not wait for ever."""
    monkeypatch.setattr(tracing, "MAX_WAITING", 100)
    monkeypatch.setattr(tracing, "_REST_S", 60.0)
    tracer = Tracer("http://127.0.0.1:9/v1/traces")
    tracer.start()
    tracer.add(exchange())
    assert eventually(lambda: tracer.dropped == 1)
    began = time.monotonic()
    for number in range(10_000):
        tracer.add(exchange(number))
    assert tracer.dropped == 1 + 9_900
    tracer.close()
    assert time.monotonic() - began < 20
    assert tracer.dropped == 1 + 10_000


@pytest.mark.parametrize(
    ("environ", "endpoint"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/"}, "http://c:4318/v1/traces"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://d/x"},
            "https://d/x",
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "true"}, None),
    ],
)
def test_the_usual_variables_switch_it_on(environ: dict[str, str], endpoint: str | None) -> None:
    """OpenTelemetry's own names; without them nothing is sent anywhere."""
    tracer = tracer_of(environ)
    assert (tracer and tracer._endpoint) == endpoint


def test_headers_are_taken_from_the_environment() -> None:
    """A list of names and values, percent-encoded."""
    tracer = tracer_of(
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b, x-team=t"}
    )
    assert tracer is not None
    assert (tracer._headers["x-key"], tracer._headers["x-team"]) == ("a b", "t")
