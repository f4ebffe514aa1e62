"""One router a home: the lock it holds, and ``.router/router.json``, which tells others where it listens."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec

from workbench.domain.errors import UsageError
from workbench.settings.home import Home


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """Where a router listens; ``.router/router.json`` is this as JSON."""

    pid: int
    pid_started: float
    """Start time of the process as psutil gives it; guards against a reused pid."""
    host: str
    port: int
    version: str
    instance: str
    started_at: str


@contextlib.contextmanager
def claimed(home: Home) -> Iterator[None]:
    """Hold the home's lock. Raises UsageError when another router holds it."""
    from filelock import FileLock, Timeout

    try:
        home.router_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(home.router_lock)
        lock.acquire(blocking=False)
    except Timeout:
        where = _other(home)
        raise UsageError(
            f"a router already serves {home.root}{where}", hint="workbench router status"
        ) from None
    except OSError as error:
        raise UsageError(
            f"can't write {home.router_dir}: {error}", hint="--home DIR names another folder"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _other(home: Home) -> str:
    try:
        other = msgspec.json.decode(home.router_json.read_bytes(), type=Listening)
    except (OSError, msgspec.DecodeError):
        return ""
    return f" (pid {other.pid}, http://{other.host}:{other.port})"


@contextlib.contextmanager
def published(home: Home, listening: Listening) -> Iterator[None]:
    """Keep ``router.json`` while the router serves; written whole or not at all."""
    temporary = home.router_json.with_suffix(".tmp")
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(listening)) + b"\n")
    temporary.replace(home.router_json)
    try:
        yield
    finally:
        home.router_json.unlink(missing_ok=True)
