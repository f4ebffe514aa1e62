"""The router with a recorder that forgets everything: the difference is what recording costs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from workbench import runtime
from workbench.domain.exchange import Exchange
from workbench.recording.state import RecorderState
from workbench.settings.home import Home
from workbench.settings.load import load_settings


class Forgotten:
    """Has the methods of a Recording and does nothing."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.response_headers: list[tuple[str, str]] = []

    def attempt(self, *_: Any, **__: Any) -> None: ...

    def write(self, data: bytes) -> None: ...

    async def commit(self) -> bool:
        return True

    def end(self) -> None: ...

    async def durable(self) -> bool:
        return True

    def abort(self, *_: Any) -> None: ...


class NoRecorder:
    """Has the methods of a Recorder."""

    state = RecorderState(status="ok")

    def __init__(self, *_: Any, **__: Any) -> None: ...

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    def open(self, exchange: Exchange, *_: Any) -> Forgotten:
        return Forgotten(exchange)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    runtime.Recorder = NoRecorder  # type: ignore[assignment,misc]
    home = Home(options.home)
    runtime.run(home, load_settings(home, {}), "127.0.0.1", options.port)
