"""Spans of ended exchanges for an OpenTelemetry collector, by OTLP/HTTP with JSON.

Off unless ``OTEL_EXPORTER_OTLP_ENDPOINT`` (or ``…_TRACES_ENDPOINT``) names a collector. Nothing of what was
said is sent: names, times, tokens and outcomes only.

Delivery: at most once. A span waits in a bounded queue for a thread of its own; a request never waits for a
collector. What a full queue or a collector that does not answer costs is counted in `dropped`.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from workbench.domain.exchange import Exchange

MAX_WAITING = 10_000
_BATCH = 500
_EVERY_S = 2.0
_TIMEOUT_S = 5.0
_REST_S = 30.0
"""How long a collector that failed is left alone."""
_VARIABLE = "OTEL_EXPORTER_OTLP_"

log = logging.getLogger("workbench.tracing")


def tracer_of(environ: Mapping[str, str]) -> Tracer | None:
    """Return the tracer that OpenTelemetry's variables ask for, None where they name no collector."""
    endpoint = environ.get(f"{_VARIABLE}TRACES_ENDPOINT")
    if not endpoint and (base := environ.get(f"{_VARIABLE}ENDPOINT")):
        endpoint = base.rstrip("/") + "/v1/traces"
    if not endpoint or environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    if not endpoint.startswith(("http://", "https://")):
        log.warning("tracing is off: %sENDPOINT is no http address", _VARIABLE)
        return None
    given = environ.get(f"{_VARIABLE}TRACES_HEADERS") or environ.get(f"{_VARIABLE}HEADERS") or ""
    return Tracer(endpoint, _headers(given))


def _headers(given: str) -> dict[str, str]:
    """Return the headers of a ``name=value,name=value`` list whose values are percent-encoded."""
    pairs = (part.partition("=") for part in given.split(",") if "=" in part)
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs}


class Tracer:
    """Sends spans from a thread of its own. `add` from the event loop, `close` off it."""

    def __init__(self, endpoint: str, headers: Mapping[str, str] | None = None) -> None:
        self.dropped = 0
        """Spans that no collector got."""
        self._endpoint = endpoint
        self._headers = {"Content-Type": "application/json", **(headers or {})}
        self._waiting: deque[Exchange] = deque()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="workbench-tracing", daemon=True)
        self._failing = False

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def add(self, exchange: Exchange) -> None:
        """Take an exchange that ended. Never waits."""
        if len(self._waiting) >= MAX_WAITING:
            self.dropped += 1
        else:
            self._waiting.append(exchange)

    def close(self) -> None:
        """Send what waits, in one try, and end the thread. Blocks for at most a few seconds."""
        self._closing.set()
        self._thread.join(2 * _TIMEOUT_S)

    def _run(self) -> None:
        rest_s = _EVERY_S
        while not self._closing.wait(rest_s):
            rest_s = _EVERY_S if self._send_all() else _REST_S
        self._send_all()
        self.dropped += len(self._waiting)

    def _send_all(self) -> bool:
        """Send all that waits, a batch at a time; False when the collector does not take it."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            if not self._send(batch):
                self.dropped += len(batch)
                return False
        return True

    def _send(self, batch: list[Exchange]) -> bool:
        from urllib.request import Request, urlopen

        from workbench.store.transfer.otel import write_otel
        from workbench.store.transfer.record import Record

        body = BytesIO()
        write_otel((Record(exchange=exchange) for exchange in batch), body)
        try:
            request = Request(self._endpoint, body.getvalue(), self._headers)  # noqa: S310 - http only, see tracer_of
            with urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310
                pass
        except (OSError, ValueError) as error:  # an HTTPError is an OSError
            if not self._failing:
                log.warning("the collector takes no spans: %s", error)
            self._failing = True
            return False
        if self._failing:
            log.info("the collector takes spans again", extra={"dropped": self.dropped})
        self._failing = False
        return True
