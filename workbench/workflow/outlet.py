"""The one way out of an install's sandbox: a CONNECT proxy on a unix socket that leads to the registry only.

Everything else is answered with 403 and noted. The bytes inside a tunnel are TLS between the installer and
the registry; nothing is read here.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Collection
from pathlib import Path

from workbench.workflow.inside import carry

SOCKET = "out"
_CONNECT = re.compile(rb"CONNECT ([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):(\d{1,5}) HTTP/1\.[01]\r\n")
_HEAD_LIMIT = 16 * 1024
_WAIT_S = 20.0


class Outlet:
    """An open outlet: `folder` holds its socket; `refused` lists what was asked for and not allowed."""

    def __init__(self, folder: Path, allowed: Collection[tuple[str, int]]) -> None:
        self.folder = folder
        self.refused: list[str] = []
        self._allowed = {(host.lower(), port) for host, port in allowed}

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            target = await self._target(reader, writer)
            if target is not None:
                await carry(reader, writer, target)
        finally:
            with contextlib.suppress(OSError, RuntimeError):
                writer.close()

    async def _target(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _WAIT_S)
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            return None
        match = _CONNECT.match(head)
        wanted = (match[1].decode().lower(), int(match[2])) if match else None
        if wanted is None or wanted not in self._allowed:
            self.refused.append(head.split(b"\r\n", 1)[0][:200].decode(errors="replace"))
            await _answer(writer, "403 Forbidden")
            return None
        try:
            target = await asyncio.wait_for(asyncio.open_connection(*wanted), _WAIT_S)
        except (TimeoutError, OSError):
            await _answer(writer, "502 Bad Gateway")
            return None
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        return target


async def _answer(writer: asyncio.StreamWriter, status: str) -> None:
    with contextlib.suppress(OSError):
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()


@contextlib.asynccontextmanager
async def open_outlet(allowed: Collection[tuple[str, int]]) -> AsyncIterator[Outlet]:
    """Open an outlet to `allowed` (host, port) pairs while the body runs."""
    folder = Path(tempfile.mkdtemp(prefix="wb-outlet-"))
    outlet = Outlet(folder, allowed)
    server = await asyncio.start_unix_server(outlet.connected, str(folder / SOCKET), limit=_HEAD_LIMIT)
    try:
        yield outlet
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)
