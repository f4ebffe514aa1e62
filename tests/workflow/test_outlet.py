"""The way out of an install's sandbox leads to the registry and nowhere else."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from workbench.workflow import inside
from workbench.workflow.outlet import SOCKET, open_outlet
from workbench.workflow.process import Caps, run
from workbench.workflow.sandbox import Bubblewrap, Toolbox


@pytest.fixture
async def registry() -> AsyncIterator[int]:
    """A server that answers whatever comes with its name; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"I am the registry")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def ask(folder: Path, request: bytes, then: bytes = b"") -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(folder / SOCKET))
    writer.write(request)
    head = await reader.read(200)
    if then and b" 200 " in head:
        writer.write(then)
        head += await reader.read()
    writer.close()
    return head


async def test_the_registry_is_reached(registry: int) -> None:
    """CONNECT to the allowed host and port opens a tunnel that carries bytes both ways."""
    async with open_outlet([("127.0.0.1", registry)]) as outlet:
        said = await ask(outlet.folder, f"CONNECT 127.0.0.1:{registry} HTTP/1.1\r\n\r\n".encode(), b"hello")
        assert said.startswith(b"HTTP/1.1 200 ")
        assert said.endswith(b"I am the registry")
        assert outlet.refused == []
    assert not outlet.folder.exists()


@pytest.mark.parametrize(
    "line",
    [
        "CONNECT 127.0.0.1:PORT0 HTTP/1.1",
        "CONNECT example.com:443 HTTP/1.1",
        "CONNECT 127.0.0.1.example.com:PORT HTTP/1.1",
        "CONNECT localhost:PORT HTTP/1.1",
        "GET http://127.0.0.1:PORT/ HTTP/1.1",
        "CONNECT 127.0.0.1:PORT",
        "nonsense",
    ],
)
async def test_everything_else_is_forbidden(registry: int, line: str) -> None:
    """Other hosts, ports, look-alikes, plain requests and nonsense get 403 and are noted."""
    line = line.replace("PORT0", "1").replace("PORT", str(registry))
    async with open_outlet([("127.0.0.1", registry)]) as outlet:
        assert (await ask(outlet.folder, f"{line}\r\n\r\n".encode())).startswith(b"HTTP/1.1 403 ")
        assert outlet.refused == [line]


@pytest.mark.sandbox
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
async def test_from_inside_only_the_registry_is_reached(registry: int, tmp_path: Path) -> None:
    """A program in the sandbox gets to the registry by the proxy's port, and to nothing without it."""
    (tmp_path / "attempt.py").write_text(f"""
import socket
def connect(line):
    with socket.create_connection(("127.0.0.1", 3128), 5) as proxy:
        proxy.sendall(line.encode() + b"\\r\\n\\r\\n")
        head = proxy.recv(100)
        if b" 200 " not in head:
            return head.split(b" ")[1].decode()
        proxy.sendall(b"hello")
        return proxy.recv(100).decode()
print(connect("CONNECT 127.0.0.1:{registry} HTTP/1.1"))
print(connect("CONNECT example.com:443 HTTP/1.1"))
try:
    socket.create_connection(("127.0.0.1", {registry}), 2)
    print("reached")
except OSError:
    print("refused")
""")
    carrier = Path(inside.__file__)
    tools = Toolbox(binds=(carrier, Path(sys.base_prefix)))
    async with open_outlet([("127.0.0.1", registry)]) as outlet:
        python = str(Path(sys.executable).resolve())
        command = [python, "-I", "-S", str(carrier), "out", str(outlet.folder / SOCKET), "3128"]
        launch = Bubblewrap(str(shutil.which("bwrap"))).wrap(
            [*command, python, "attempt.py"], app=tmp_path, tools=tools, env={}, shared=outlet.folder
        )
        outcome = await run(launch.argv, env=launch.env, cwd=launch.cwd, caps=Caps(timeout_s=30))
    assert outcome.output.decode().split("\n")[:3] == ["I am the registry", "403", "refused"]
