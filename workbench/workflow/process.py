"""Run a program that is not trusted to end: time, memory, process and output caps, whole-tree kill.

The promise: when `run` returns or is cancelled, nothing of the started tree lives on. In a sandbox the pid
namespace sees to it; outside one, `launch.py` adopts orphans so that they stay in the tree.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import psutil

from workbench.domain.errors import ToolUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

_CHUNK = 16 * 1024
_WATCH_S = 0.1
_FREEZE_S = 1.0
_STILL = (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
_GLANCES = 5
"""Looks at the machine's own count of tasks between two looks at the tree: a fork bomb doubles quickly."""
_FOLDER_EVERY = 10
"""The app's folder is measured at every tenth look at the tree: walking it costs more."""


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """What a command may use before its whole tree is killed."""

    timeout_s: float = 60
    memory_mb: int = 1024
    """Sum of the tree's resident memory. Not an address-space limit: Node reserves far more than it uses."""
    processes: int = 256
    output_kb: int = 1024
    """Kept of the output: the first quarter and the last three; the rest is read and dropped."""
    folder: Path | None = None
    folder_mb: int = 2048
    """Cap on the size of `folder`."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended. `killed` is the reason when we ended it, `exit_code` is then None."""

    exit_code: int | None
    duration_ms: float
    output: bytes
    dropped: int = 0
    """Bytes of output that were not kept."""
    killed: str = ""

    @property
    def passed(self) -> bool:
        """The command itself said 0."""
        return self.exit_code == 0


class Tail:
    """Keeps the beginning and the end of a stream of bytes."""

    def __init__(self, limit: int) -> None:
        self._head_limit, self._tail_limit = limit // 4, limit - limit // 4
        self._head, self._tail = bytearray(), bytearray()
        self.dropped = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        room = self._head_limit - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if (over := len(self._tail) - self._tail_limit) > 0:
            del self._tail[:over]
            self.dropped += over

    def value(self) -> bytes:
        """Return what was kept, with one line where bytes are missing."""
        gap = b"\n[... %d bytes left out ...]\n" % self.dropped if self.dropped else b""
        return bytes(self._head) + gap + bytes(self._tail)


async def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    caps: Caps,
    on_output: Callable[[bytes], Awaitable[None]] | None = None,
) -> Outcome:
    """Run `argv` in its own session with exactly `env`; stdout and stderr come together.

    Raises ToolUnavailable when the program can't be started. Cancelling kills the tree.
    """
    began = time.monotonic()
    process = await _start(argv, env, cwd)
    kept = Tail(caps.output_kb * 1024)
    killed = ""
    reader = asyncio.create_task(_read(process, kept, on_output), name="gate-output")
    watcher = asyncio.create_task(watch(process.pid, caps), name="gate-watch")
    try:
        ended = asyncio.create_task(process.wait(), name="gate-wait")
        await asyncio.wait({ended, watcher}, timeout=caps.timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            killed = watcher.result() if watcher.done() else f"timeout after {caps.timeout_s:g} s"
    finally:
        watcher.cancel()
        kill_tree(process.pid)
        await process.wait()
        await _finish(reader)
    return Outcome(
        exit_code=None if killed else process.returncode,
        duration_ms=(time.monotonic() - began) * 1000,
        output=kept.value(),
        dropped=kept.dropped,
        killed=killed,
    )


async def _start(argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> asyncio.subprocess.Process:
    """Start the command. A cancellation meanwhile waits for the start, so that there is something to kill."""
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=cwd,
            env=dict(env),
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except OSError as error:
        raise ToolUnavailable(f"can't start {argv[0]}: {error}") from None
    except asyncio.CancelledError:
        process = await starting
        kill_tree(process.pid)
        await process.wait()
        raise


async def _read(
    process: asyncio.subprocess.Process, kept: Tail, on_output: Callable[[bytes], Awaitable[None]] | None
) -> None:
    assert process.stdout is not None
    while data := await process.stdout.read(_CHUNK):
        kept.feed(data)
        if on_output is not None and not kept.dropped:
            await on_output(data)


async def _finish(reader: asyncio.Task[None]) -> None:
    """Let the reader drain what the dead tree left in the pipe; a leaked descriptor can't hold us."""
    done, _ = await asyncio.wait({reader}, timeout=2)
    if not done:
        reader.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reader


async def watch(pid: int, caps: Caps) -> str:
    """Return the reason when the tree breaks a cap; runs until then."""
    looks = 0
    entities = _entities()
    while True:
        for _ in range(_GLANCES):
            await asyncio.sleep(_WATCH_S / _GLANCES)
            if _entities() > entities + caps.processes:
                break
        looks += 1
        if reason := _over(pid, caps):
            return reason
        if caps.folder is not None and looks % _FOLDER_EVERY == 0:
            size = await asyncio.to_thread(folder_bytes, caps.folder, caps.folder_mb << 20)
            if size > caps.folder_mb << 20:
                return f"the app's folder grew over {caps.folder_mb} MB"


def _over(pid: int, caps: Caps) -> str:
    members = tree(pid)
    if len(members) > caps.processes:
        return f"more than {caps.processes} processes"
    total = 0
    for member in members:
        with contextlib.suppress(psutil.Error):
            total += member.memory_info().rss
    return f"memory over {caps.memory_mb} MB" if total > caps.memory_mb << 20 else ""


def _entities() -> int:
    """Return how many tasks the whole machine has, in microseconds of work; 0 where it does not say."""
    try:
        return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])
    except (OSError, ValueError, IndexError):
        return 0


def tree(pid: int) -> list[psutil.Process]:
    """Return the process and all that descend from it; empty when it is gone."""
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.Error:
        return []


def kill_tree(pid: int, *, rounds: int = 50) -> None:
    """Kill everything below `pid`, then `pid`.

    It is stopped first, so that it starts nothing more: a bwrap that dies between making its child and
    letting it go leaves one that waits for ever. The first process of a pid namespace takes all others in it
    along, at once; else children come first, while they still can be found by their ancestor.
    """
    _freeze(pid)
    for root in _namespace_roots(pid):
        with contextlib.suppress(OSError):
            os.kill(root, signal.SIGKILL)
    for _ in range(rounds):
        members = [member for member in tree(pid)[1:] if _alive(member)]
        if not members:
            break
        for member in members:
            with contextlib.suppress(psutil.Error):
                member.kill()
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _freeze(pid: int) -> None:
    """Stop a process and wait until it stands still; nothing happens when it is gone."""
    with contextlib.suppress(OSError, psutil.Error):
        os.kill(pid, signal.SIGSTOP)
        process = psutil.Process(pid)
        deadline = time.monotonic() + _FREEZE_S
        while process.status() not in _STILL and time.monotonic() < deadline:
            time.sleep(0.001)


def _namespace_roots(pid: int) -> list[int]:
    """Return the children of `pid` (and of its children) that began a pid namespace of their own."""
    found: list[int] = []
    level = [pid]
    for _ in range(2):
        level = [child for parent in level for child in _children(parent)]
        found += [child for child in level if _namespace(child) not in {None, _namespace(pid)}]
    return found


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _namespace(pid: int) -> str | None:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return None


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def folder_bytes(folder: Path, stop_at: int | None = None) -> int:
    """Return the allocated bytes below `folder`, not following links; ends early above `stop_at`."""
    total = 0
    stack = [os.fspath(folder)]
    while stack:
        with contextlib.suppress(OSError), os.scandir(stack.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        if stop_at is not None and total > stop_at:
            break
    return total
