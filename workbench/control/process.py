"""The router as a process: started detached, waited for, stopped.

One router a home: its own lock sees to that, so two starters at once end with one router and the same
address. What the process says before its log is open goes to ``logs/router-start.log``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from workbench.control.locate import (
    RouterAddress,
    RouterFile,
    address_of,
    alive,
    find_router,
    look,
    read_router_file,
)
from workbench.control.logtail import last_words
from workbench.control.ports import next_free
from workbench.domain.errors import ConfigError, RouterUnreachable, ToolUnavailable
from workbench.settings.home import Home
from workbench.settings.keys import merged_environment
from workbench.settings.load import load_settings
from workbench.settings.sections import RouterSettings

WAIT_S = 30.0
_POLL_S = 0.03
_QUIET_S = 1.5

Note = Callable[[str], None]


def _silence(_: str) -> None:
    """Say nothing."""


def obtain_router(
    home: Home, *, start: bool = True, wait_s: float = WAIT_S, on_note: Note = _silence
) -> RouterAddress:
    """Return the home's router, started on the configured or next free port if none answers.

    Raises RouterUnreachable when it is down and `start` is False, or when it does not become ready.
    """
    found = find_router(home)
    if found is not None:
        return found
    if not start:
        raise RouterUnreachable(f"no router runs in {home.root}", hint=start_command(home))
    return start_router(home, wait_s=wait_s, on_note=on_note)


async def ensure_router(
    home: Home, *, start: bool = True, wait_s: float = WAIT_S, on_note: Note = _silence
) -> RouterAddress:
    """Do as `obtain_router` does, without blocking the event loop; `on_note` is called from a thread."""
    return await asyncio.to_thread(obtain_router, home, start=start, wait_s=wait_s, on_note=on_note)


def start_command(home: Home) -> str:
    """Return the command that starts this home's router."""
    import shlex

    return f"workbench --home {shlex.quote(str(home.root))} router start"


def start_router(
    home: Home,
    port: int | None = None,
    wait_s: float = WAIT_S,
    *,
    host: str | None = None,
    on_note: Note = _silence,
) -> RouterAddress:
    """Start the router detached and return its address once it is ready; a running one is returned at once.

    `port` None: the configured one. Where it is taken the next free one is used and said. Raises
    RouterUnreachable with the end of what the process said, UsageError when no port is free, ToolUnavailable
    when the home can't be written.
    """
    try:
        return _start(home, port, wait_s, host, on_note)
    except OSError as error:
        raise ToolUnavailable(
            f"the home {home.root} can't be written: {error.strerror or error}",
            hint=f"workbench --home {home.root} doctor",
        ) from None


def _start(home: Home, port: int | None, wait_s: float, host: str | None, on_note: Note) -> RouterAddress:
    settings = load_settings(home, merged_environment(home), {"router.port": port, "router.host": host})
    deadline = time.monotonic() + wait_s
    with _one_starter(home, wait_s):
        found = find_router(home)
        if found is not None:
            return found
        chosen = next_free(settings.router.host, settings.router.port)
        if chosen != settings.router.port:
            on_note(f"port {settings.router.port} is taken by another program: the router takes {chosen}")
        process, words = _spawn(home, settings.router.host, chosen)
        return _await_ready(home, process, words, deadline, wait_s)


@contextlib.contextmanager
def _one_starter(home: Home, wait_s: float) -> Iterator[None]:
    """Let one starter of a home work at a time; the others find its router when their turn comes."""
    from filelock import FileLock, Timeout

    home.router_dir.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home.router_dir / "start.lock", timeout=wait_s):
            yield
    except Timeout:
        raise RouterUnreachable(
            f"another start of this router has not finished within {wait_s:g} s",
            hint="workbench router status",
        ) from None


def _spawn(home: Home, host: str, port: int) -> tuple[subprocess.Popen[bytes], Path]:
    home.logs.mkdir(parents=True, exist_ok=True)
    words = home.logs / "router-start.log"
    argv = [sys.executable, "-m", "workbench", "--home", str(home.root), "router", "serve"]
    argv += ["--host", host, "--port", str(port)]
    with words.open("wb") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=home.root,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "WORKBENCH_HOME": str(home.root)},
        )
    return process, words


def _await_ready(
    home: Home, process: subprocess.Popen[bytes], words: Path, deadline: float, wait_s: float
) -> RouterAddress:
    while time.monotonic() < deadline:
        seen = look(home, timeout_s=1.0)
        if seen.state == "ready" and seen.file is not None:
            return address_of(home, seen.file)
        if process.poll() is not None:
            return _after_exit(home, process.returncode, words, deadline)
        time.sleep(_POLL_S)
    process.terminate()
    raise RouterUnreachable(
        f"the router was not ready within {wait_s:g} s\n{last_words(words)}".rstrip(),
        hint=f"workbench --home {home.root} router serve   # shows what it does",
    )


def _after_exit(home: Home, code: int, words: Path, deadline: float) -> RouterAddress:
    """Take the router that somebody else is just starting (``router serve``), else say why ours ended."""
    while True:
        found = find_router(home)
        if found is not None:
            return found
        if time.monotonic() > deadline or not _is_claimed(home):
            break
        time.sleep(_POLL_S)
    raise RouterUnreachable(
        f"the router ended at once (exit {code})\n{last_words(words)}".rstrip(),
        hint=f"workbench --home {home.root} doctor",
    )


def _is_claimed(home: Home) -> bool:
    """Tell whether a router process holds the home's lock."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(home.router_lock, blocking=False):
            return False
    except Timeout:
        return True


def stop_router(
    home: Home, *, wait_s: float | None = None, force: bool = False, on_note: Note = _silence
) -> bool:
    """Stop the home's router and return whether one ran.

    It lets streams finish for the drain time; after `wait_s` (None: drain time and 5 s) it is told to end at
    once, and killed if it does not. `force` does not wait for streams. `on_note` is told when it takes long.
    """
    file = read_router_file(home)
    if file is None or not alive(file):
        _forget(home)
        return False
    wait_s = _drain_s(home) + 5 if wait_s is None else wait_s
    if not force:
        _signal(file, signal.SIGTERM)
        if _gone(file, min(_QUIET_S, wait_s)):
            _forget(home)
            return True
        on_note(f"waiting up to {wait_s:g} s for requests under way; --now does not")
        if _gone(file, wait_s - _QUIET_S):
            _forget(home)
            return True
    _end(file, already_told=not force)
    _forget(home)
    return True


def _drain_s(home: Home) -> float:
    """Return how long the router lets streams finish; a broken settings file must not keep it running."""
    try:
        return load_settings(home, merged_environment(home)).router.drain_s
    except ConfigError:
        return RouterSettings().drain_s


def _end(file: RouterFile, *, already_told: bool) -> None:
    """End the router at once: a second SIGTERM means that, then it is killed."""
    first = [] if already_told else [(signal.SIGTERM, 0.2)]
    for number, patience in (*first, (signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
        _signal(file, number)
        if _gone(file, patience):
            return


def _forget(home: Home) -> None:
    """Remove a dead router's file; one that stays is not believed anyway."""
    with contextlib.suppress(OSError):
        home.router_json.unlink(missing_ok=True)


def _signal(file: RouterFile, number: signal.Signals) -> None:
    try:
        os.kill(file.pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        raise RouterUnreachable(f"the router (pid {file.pid}) belongs to another user") from None


def _gone(file: RouterFile, patience_s: float) -> bool:
    end = time.monotonic() + patience_s
    while alive(file):
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_S)
    return True
