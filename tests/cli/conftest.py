"""Running commands in this process, against a scratch home."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from workbench.cli.main import run
from workbench.control.home import ensure_home
from workbench.control.process import start_router, stop_router
from workbench.domain.exchange import Attempt, Exchange, Headers
from workbench.domain.ids import new_id
from workbench.recording.recorder import Recorder
from workbench.settings.home import Home
from workbench.settings.sections import RecordingSettings

REQUEST = b'{"model":"demo","messages":[{"role":"user","content":"Where is the Tagus?"}]}'
ANSWER = (
    b'{"id":"c1","model":"demo","choices":[{"index":0,"message":{"role":"assistant","content":"In Lisbon."},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}'
)


@dataclass
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Workbench = Callable[..., Said]


@pytest.fixture
def home_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that does not exist yet."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def workbench(home_dir: Path, capfd: pytest.CaptureFixture[str]) -> Workbench:
    """Call as ``workbench("exchanges", "list")``; the scratch home is used."""

    def call(*argv: str, home: Path | None = home_dir) -> Said:
        capfd.readouterr()
        code = run([*(["--home", str(home)] if home else []), *argv])
        out, err = capfd.readouterr()
        return Said(code, out, err)

    return call


@pytest.fixture
def record(home_dir: Path) -> Callable[..., str]:
    """Record an exchange in the scratch home, as the router does; returns its id."""

    def write(
        request: bytes = REQUEST,
        response: bytes = ANSWER,
        *,
        headers: Headers | None = None,
        attempt: Attempt | None = None,
        **fields: Any,
    ) -> str:
        ensure_home(Home(home_dir))
        at = fields.pop("started_at", None) or int(time.time() * 1e6)
        values = {
            "endpoint": "/v1/chat/completions",
            "model": "demo",
            "status": 200,
            "provider": "demo",
        } | fields
        exchange = Exchange(id=new_id("ex_", at), started_at=at, instance="test", **values)
        given = [("content-type", "application/json")] if headers is None else headers
        asyncio.run(_record(Home(home_dir), exchange, given, request, response, attempt))
        return exchange.id

    return write


async def _record(
    home: Home, exchange: Exchange, headers: Headers, request: bytes, response: bytes, attempt: Attempt | None
) -> None:
    recorder = Recorder(home.store, RecordingSettings(), instance="test")
    await recorder.start()
    recording = recorder.open(exchange, headers, request)
    if attempt is not None:
        recording.attempt(attempt)
    recording.write(response)
    assert await recording.commit()
    await recorder.close()


@pytest.fixture
def live(workbench: Workbench, home_dir: Path) -> Iterator[Workbench]:
    """The same as `workbench`, with a running router on a free port that ends with the test."""
    home = Home(home_dir)
    ensure_home(home)
    start_router(home, port=0)
    yield workbench
    stop_router(home, force=True)
