"""Starting and stopping an app's server, inside the sandbox, reachable on a loopback port outside.

Three processes: the app's server in the sandbox, beside it `inside.py` which carries a unix socket to the
server's port, and outside `keeper` which carries a loopback port to that socket and ends everything when
it is told to, or when we die (unless the server is to be kept).
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import sys
import tempfile
from pathlib import Path

import msgspec

from workbench.domain.errors import ToolUnavailable
from workbench.workflow.gates import Runner
from workbench.workflow.process import kill_tree
from workbench.workflow.recipe import Serve
from workbench.workflow.sandbox import Toolbox

INNER_PORT = 8000
"""The port in the sandbox's own network, where nothing else can have it."""
_START_S = 15.0
_STOP_S = 5.0


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """What `keeper` is told, as JSON on its command line."""

    argv: list[str]
    env: dict[str, str]
    cwd: str
    log: str
    socket: str | None
    """Unix socket that leads to the server; None: `port` on loopback."""
    port: int
    memory_mb: int
    outlive: bool
    """Stay when the process that started it is gone."""
    folder: str
    """Removed at the end: the socket's folder."""


class Server:
    """A served app."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, log: Path) -> None:
        self._process, self.port, self._log = process, port, log
        self.url = f"http://127.0.0.1:{port}"

    @property
    def pid(self) -> int:
        """The keeper's pid: ending it ends all."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """The server has not ended."""
        return self._process.returncode is None

    def log_tail(self, limit: int = 600) -> str:
        """Return the end of the server's log."""
        with contextlib.suppress(OSError):
            return self._log.read_text(encoding="utf-8", errors="replace")[-limit:].strip()
        return ""

    async def stop(self) -> None:
        """End the server and everything it started."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), _STOP_S)
            except TimeoutError:
                kill_tree(self._process.pid)
                await self._process.wait()


async def serve(recipe: Serve, runner: Runner, *, log: Path, keep: bool) -> Server:
    """Start the app's server; whether it answers is the caller's to see. Raises ToolUnavailable."""
    shared = Path(tempfile.mkdtemp(prefix="wb-serve-"))
    order = _order(recipe, runner, shared, log, keep=keep)
    keeper = [sys.executable, "-I", "-m", "workbench.workflow.keeper", msgspec.json.encode(order).decode()]
    process = await asyncio.create_subprocess_exec(
        *keeper,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _START_S)
        return Server(process, int(line), log)
    except BaseException as error:
        kill_tree(process.pid)
        await process.wait()
        shutil.rmtree(shared, ignore_errors=True)
        if isinstance(error, TimeoutError | ValueError):
            raise ToolUnavailable("the server's keeper did not start") from None
        raise


def _order(recipe: Serve, runner: Runner, shared: Path, log: Path, *, keep: bool) -> Keep:
    isolated = runner.backend.isolated
    port = INNER_PORT if isolated else _free_port()
    app = runner.backend.app_path or str(runner.app)
    argv = [part.replace("{port}", str(port)).replace("{app}", app) for part in recipe.argv]
    tools = runner.tools
    path = shared / "s"
    if isolated:
        carrier = Path(__file__).with_name("inside.py")
        python = Path(sys.executable).resolve()
        argv = [str(python), "-I", "-S", str(carrier), "in", str(path), str(port), *argv]
        tools = msgspec.structs.replace(tools, binds=_with_python(tools, carrier))
    env = {"PORT": str(port), "HOST": "127.0.0.1", **recipe.env}
    launch = runner.backend.wrap(argv, app=runner.app, tools=tools, env=env, shared=shared)
    return Keep(
        argv=launch.argv,
        env=launch.env,
        cwd=str(launch.cwd),
        log=str(log),
        socket=str(path) if isolated else None,
        port=port,
        memory_mb=recipe.memory_mb,
        outlive=keep,
        folder=str(shared),
    )


def _with_python(tools: Toolbox, carrier: Path) -> tuple[Path, ...]:
    base = Path(sys.base_prefix)
    needed = (carrier,) if base.is_relative_to("/usr") else (carrier, base)
    return tuple(dict.fromkeys((*tools.binds, *needed)))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Tell whether nothing listens on the loopback port."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
