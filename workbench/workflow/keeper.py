"""``python -m workbench.workflow.keeper JSON``: hold a server, carry a loopback port to it, end it.

Prints the port and a newline when it listens. Ends with the server, on SIGTERM, when a cap is broken, and
with the process that started it unless told to outlive it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import shutil
import signal
import sys
from pathlib import Path

import msgspec

from workbench.workflow.inside import carry
from workbench.workflow.process import Caps, kill_tree, watch
from workbench.workflow.serving import Keep

_LOG_LIMIT = 4 * 1024 * 1024
_PR_SET_PDEATHSIG = 1


async def hold(order: Keep) -> int:
    """Run the server until something ends it; return the exit code to end with."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if order.socket is not None:
                target = await asyncio.open_unix_connection(order.socket)
            else:
                target = await asyncio.open_connection("127.0.0.1", order.port)
        except OSError:
            writer.close()
            return
        await carry(reader, writer, target)

    process = await asyncio.create_subprocess_exec(
        *order.argv,
        cwd=order.cwd,
        env=order.env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    stopped = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stopped.set)
    print(listener.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - the one line our starter waits for
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    caps = Caps(memory_mb=order.memory_mb)
    tasks = [
        asyncio.create_task(process.wait(), name="server"),
        asyncio.create_task(stopped.wait(), name="stopped"),
        asyncio.create_task(watch(process.pid, caps), name="watch"),
    ]
    log = asyncio.create_task(_log(process, Path(order.log)), name="log")
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    listener.close()
    await _end(process)
    for task in (*tasks, log):
        task.cancel()
    return 0


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask, then kill the whole tree. In a sandbox the pid namespace takes the rest along."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 1)
    kill_tree(process.pid)
    await process.wait()


async def _log(process: asyncio.subprocess.Process, path: Path) -> None:
    assert process.stdout is not None
    left = _LOG_LIMIT
    with path.open("wb") as file:
        while data := await process.stdout.read(8192):
            file.write(data[:left])
            file.flush()
            left -= len(data[:left])


def main() -> None:
    """Read the order and hold the server."""
    order = msgspec.json.decode(sys.argv[1], type=Keep)
    if sys.platform == "linux" and not order.outlive:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    try:
        sys.exit(asyncio.run(hold(order)))
    finally:
        shutil.rmtree(order.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
