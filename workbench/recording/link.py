"""The router's end of the line to its recorder process: starts the process, sends commands, hears reports."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import workbench
from workbench.recording.protocol import REPORTS, Command, Frames, Report, frame

_MODULE = "workbench.recording.process"


class Link(asyncio.Protocol):
    """One process and the line to it; used on the event loop only."""

    def __init__(self, on_report: Callable[[Report], None], on_lost: Callable[[str], None]) -> None:
        """`on_lost` hears why, once, when the process is gone."""
        self._on_report = on_report
        self._on_lost = on_lost
        self._frames: Frames[Report] = Frames(REPORTS)
        self._process: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.Transport | None = None
        self._sent = False
        """Something has been sent in this round of the loop."""
        self._out: list[bytearray] = []
        self._gone = asyncio.Event()

    async def start(self, store: Path, *, instance: str, redact: bool) -> None:
        """Start the process. Raises OSError when the system has none left."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = _spawn(theirs.fileno(), store, instance, redact)
            except BaseException:
                ours.close()
                raise
        ours.setblocking(False)
        await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=ours)

    def send(self, command: Command) -> int:
        """Send a command; return its size in bytes. What can't arrive any more is for `on_lost` to tell."""
        data = frame(command)
        if self._transport is None:
            return len(data)
        if self._sent:
            self._out.append(data)
        else:
            self._sent = True
            asyncio.get_running_loop().call_soon(self._pass_on)
            self._transport.write(data)
        return len(data)

    def _pass_on(self) -> None:
        """Write what a round of the loop has brought after its first: one call of the system for all."""
        self._sent = False
        if self._out and self._transport is not None:
            self._transport.writelines(self._out)
        self._out.clear()

    def kill(self) -> None:
        """End a process that hangs; `on_lost` hears of it."""
        if self._process is not None:
            self._process.kill()

    async def ended(self, timeout_s: float) -> None:
        """Wait until the process is gone; end it by force after `timeout_s`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), timeout_s)
        process = self._process
        if process is None:
            return
        if not self._gone.is_set():
            process.kill()
        await asyncio.to_thread(process.wait)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the line."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by name

    def data_received(self, data: bytes) -> None:
        """Pass reports on."""
        for report in self._frames.feed(data):
            self._on_report(report)

    def connection_lost(self, error: Exception | None) -> None:
        """The process is gone, or goes: say so with how it ended, where that is known by now."""
        del error  # what the line says is less than how the process ended
        self._transport = None
        self._gone.set()
        code = self._process.poll() if self._process is not None else None
        how = "" if code is None else f" (by signal {-code})" if code < 0 else f" (exit {code})"
        self._on_lost(f"the recorder process ended{how}")


def _spawn(descriptor: int, store: Path, instance: str, redact: bool) -> subprocess.Popen[bytes]:
    # The process must find this very package, whatever folder the router was started in.
    path = os.pathsep.join(
        filter(None, (str(Path(workbench.__file__).parents[1]), os.environ.get("PYTHONPATH")))
    )
    argv = [sys.executable, "-P", "-m", _MODULE, str(descriptor), str(os.getpid()), instance]
    return subprocess.Popen(
        [*argv, str(int(redact)), str(store)],
        stdin=subprocess.DEVNULL,
        pass_fds=(descriptor,),
        env={**os.environ, "PYTHONPATH": path},
    )
