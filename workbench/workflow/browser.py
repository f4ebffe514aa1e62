"""A page in headless Chromium: its console errors and a picture, over the DevTools pipe.

The pipe (file descriptors 3 and 4, JSON ended by NUL) needs no port and no library. The browser gets a
profile of its own that is thrown away, and resolves no name but the loopback's, so a page can't call home.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from workbench.domain.errors import ToolUnavailable
from workbench.workflow.process import kill_tree

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--no-first-run",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
    "--window-size=1280,900",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_PLUG = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3]]
for fd, end in zip((3, 4), ends):
    os.dup2(end, fd)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""The DevTools pipe is fixed to descriptors 3 and 4; this puts our ends there."""
_LOAD_S = 30.0
_SETTLE_S = 0.5
"""After the load event: effects run and late errors show."""


def find_browser() -> str:
    """Return the path of Chromium or Chrome. Raises ToolUnavailable."""
    for name in _NAMES:
        if path := shutil.which(name):
            return path
    raise ToolUnavailable("no Chromium found", hint="apt install chromium   # or leave out --browser")


async def open_in_browser(url: str, screenshot: Path) -> list[str]:
    """Open `url`, save a PNG to `screenshot`, and return the console's errors and uncaught exceptions."""
    program = find_browser()
    profile = tempfile.mkdtemp(prefix="wb-browser-")
    to_browser, ours_out = os.pipe()
    ours_in, from_browser = os.pipe()
    flags = [*_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else []), f"--user-data-dir={profile}"]
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-c", _PLUG, str(to_browser), str(from_browser)),
            program,
            *flags,
            "about:blank",
            pass_fds=(to_browser, from_browser),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_browser)
        os.close(from_browser)
        try:
            async with asyncio.timeout(_LOAD_S * 2):
                return await _visit(await _Pipe.open(ours_in, ours_out), url, screenshot)
        except (TimeoutError, EOFError, BrokenPipeError):
            return ["the browser did not load the page"]
        finally:
            kill_tree(process.pid)
            await process.wait()
    finally:
        shutil.rmtree(profile, ignore_errors=True)


class _Pipe:
    """DevTools messages: calls with their results, and events by name."""

    def __init__(self, reader: asyncio.StreamReader, out: int) -> None:
        self._reader, self._out = reader, out
        self._number = 0
        self.events: list[dict[str, Any]] = []

    @classmethod
    async def open(cls, source: int, out: int) -> _Pipe:
        reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
        protocol = asyncio.StreamReaderProtocol(reader)
        file = os.fdopen(source, "rb", 0)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, file)
        return cls(reader, out)

    async def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Call and return the result; events that come meanwhile are kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._out, msgspec.json.encode(message) + b"\0")
        while True:
            answer = await self._next()
            if answer.get("id") == self._number:
                result = answer.get("result", {})
                return result if isinstance(result, dict) else {}
            self.events.append(answer)

    async def wait_for(self, method: str, limit_s: float) -> None:
        """Wait until an event of this name has come; a page that never gets there is judged as it is."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while not any(event.get("method") == method for event in self.events):
                    self.events.append(await self._next())

    async def settle(self, seconds: float) -> None:
        """Take events for a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    self.events.append(await self._next())

    async def _next(self) -> dict[str, Any]:
        line = await self._reader.readuntil(b"\0")
        message: dict[str, Any] = msgspec.json.decode(line[:-1])
        return message


async def _visit(pipe: _Pipe, url: str, screenshot: Path) -> list[str]:
    target = await pipe.call("Target.createTarget", url="about:blank")
    attached = await pipe.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
    session = attached["sessionId"]
    for domain in ("Page", "Runtime", "Log"):
        await pipe.call(f"{domain}.enable", session)
    pipe.events.clear()
    await pipe.call("Page.navigate", session, url=url)
    await pipe.wait_for("Page.loadEventFired", _LOAD_S)
    await pipe.settle(_SETTLE_S)
    shot = await pipe.call("Page.captureScreenshot", session, format="png")
    if "data" in shot:
        await asyncio.to_thread(screenshot.write_bytes, base64.b64decode(shot["data"]))
    return [text for event in pipe.events if (text := _error_text(event))]


def _error_text(event: dict[str, Any]) -> str:
    """Return what an event says went wrong, or an empty text. A missing favicon is nobody's fault."""
    params = event.get("params", {})
    match event.get("method"):
        case "Runtime.exceptionThrown":
            details = params.get("exceptionDetails", {})
            said = details.get("exception", {}).get("description") or details.get("text", "")
            return f"uncaught: {str(said).splitlines()[0] if said else 'exception'}"
        case "Runtime.consoleAPICalled" if params.get("type") in {"error", "assert"}:
            words = [str(arg.get("value", arg.get("description", ""))) for arg in params.get("args", [])]
            return f"console.error: {' '.join(words)[:300]}"
        case "Log.entryAdded" if params.get("entry", {}).get("level") == "error":
            entry = params["entry"]
            if str(entry.get("url", "")).endswith("/favicon.ico"):
                return ""
            return f"{entry.get('source', 'log')}: {entry.get('text', '')} {entry.get('url', '')}".strip()[
                :300
            ]
    return ""
