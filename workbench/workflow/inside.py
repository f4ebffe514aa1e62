"""Run inside the sandbox beside a program: carry a port of its own network to or from a unix socket.

``inside.py in SOCKET PORT ARGV...`` lets those who have the socket reach the program's loopback port (a
server); ``inside.py out SOCKET PORT ARGV...`` lets the program reach the socket by that port (an installer
and its proxy). Standard library only, since it runs with ``python -I -S``. It ends with the program's exit
code. The sandbox has a network of its own, so the socket is the only way in or out.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

_CHUNK = 64 * 1024


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes one way until the end."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()


async def carry(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    target: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Carry bytes both ways, then close both."""
    await asyncio.gather(pump(reader, target[1]), pump(target[0], writer))
    for end in (writer, target[1]):
        end.close()


async def main(argv: list[str]) -> int:
    """Serve while the program runs; return its exit code."""
    way, path, port, *command = argv

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if way == "in":
                target = await asyncio.open_connection("127.0.0.1", int(port))
            else:
                target = await asyncio.open_unix_connection(path)
        except OSError:
            writer.close()
            return
        await carry(reader, writer, target)

    if way == "in":
        server = await asyncio.start_unix_server(connected, path)
    else:
        server = await asyncio.start_server(connected, "127.0.0.1", int(port))
    process = await asyncio.create_subprocess_exec(*command)
    code = await process.wait()
    server.close()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
