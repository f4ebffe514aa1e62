"""The router process: the one place where its objects are wired together.

`serve` is what ``workbench router serve`` runs; `RouterRuntime` is the same without socket, lock and signals.
One router a home: a file lock is held as long as the process lives, and ``.router/router.json`` tells others
where it listens.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec

from workbench import __version__
from workbench.domain.errors import ConfigError, StoreUnavailable, UsageError, WorkbenchError
from workbench.domain.exchange import Exchange
from workbench.domain.times import iso
from workbench.gateway.app import ASGIApp, create_app
from workbench.gateway.auth import Keys
from workbench.gateway.gateway import Gateway
from workbench.gateway.server import Server, bind
from workbench.gateway.tail import Tail
from workbench.providers.registry import make_providers
from workbench.recording.recorder import Recorder
from workbench.routing.config import RouterConfig, load_config
from workbench.routing.router import Router
from workbench.settings import KEY_NAME, Home, Settings, merged_environment, resolve_key
from workbench.store.store import Reader
from workbench.telemetry.logs import close_log, open_log
from workbench.telemetry.metrics import Metrics

log = logging.getLogger("workbench.runtime")

CONFIG_POLL_S = 1.0
SWITCH_S = 0.0005
"""How long the recorder's thread may hold the interpreter while the event loop waits for it."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


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


class RouterRuntime:
    """Router, recorder and gateway of one home, as an async context manager."""

    gateway: Gateway
    app: ASGIApp

    def __init__(self, home: Home, settings: Settings, environ: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.settings = settings
        self.instance = secrets.token_hex(8)
        self._environ = environ
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> RouterRuntime:
        """Wire everything and start the recorder. Raises ConfigError for an unusable config or key."""
        environ = merged_environment(self.home, self._environ)
        config = load_config(self.home, environ)
        key = _master_key(self.home, config, environ)
        async with AsyncExitStack() as stack:
            await self._wire(stack, config, key)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop background work, close the upstreams, then write what the recorder still has."""
        await self._stack.aclose()

    async def reload(self) -> dict[str, Any]:
        """Read the configuration again. Raises ConfigError and keeps the old one when it can't be used."""
        config = load_config(self.home, merged_environment(self.home, self._environ))
        await self.gateway.router.reload(config)
        log.info("configuration reloaded", extra={"deployments": len(config.deployments)})
        return {"reloaded": True, "notices": [notice.text() for notice in config.notices]}

    async def _wire(self, stack: AsyncExitStack, config: RouterConfig, key: str) -> None:
        tail = Tail()
        metrics = Metrics(lambda: _readings(self.gateway))

        def on_event(name: str, exchange: Exchange) -> None:
            if name == "finished":
                metrics.spent(exchange)
            tail.publish(name, exchange)

        recorder = Recorder(
            self.home.store, self.settings.recording, instance=self.instance, on_event=on_event
        )
        await recorder.start()
        stack.push_async_callback(recorder.close)
        reader = _reader(self.home)
        if reader is not None:
            stack.callback(reader.close)
        router = Router(config, make_providers(reader))
        stack.push_async_callback(router.aclose)
        self.gateway = Gateway(
            router=router,
            recorder=recorder,
            keys=Keys(key),
            metrics=metrics,
            tail=tail,
            instance=self.instance,
            version=__version__,
            max_body_bytes=int(self.settings.router.max_body_mb * 1e6),
            default_model=self.settings.router.default_model,
            reload=self.reload,
        )
        self.app = create_app(self.gateway)
        for notice in config.notices:
            log.warning("configuration: %s", notice.text())
        self._in_background(stack, self._follow_config(), "config-watch")

    def _in_background(self, stack: AsyncExitStack, work: Any, name: str) -> None:
        task = asyncio.create_task(work, name=name)

        async def end() -> None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        stack.push_async_callback(end)

    async def _follow_config(self) -> None:
        """Reload when one of the configuration's files changes; a bad file is said once and not taken."""
        seen = _stamps(self.gateway.router.config.files)
        while True:
            await asyncio.sleep(CONFIG_POLL_S)
            now = _stamps(self.gateway.router.config.files)
            if now == seen:
                continue
            seen = now
            try:
                await self.reload()
            except (WorkbenchError, OSError) as error:
                log.error("the changed configuration is not taken: %s", error)
            else:
                seen = _stamps(self.gateway.router.config.files)


def run(
    home: Home,
    settings: Settings,
    host: str | None = None,
    port: int | None = None,
    *,
    on_ready: Callable[[Listening], None] | None = None,
) -> None:
    """Run `serve` on uvloop where it is installed."""
    try:
        from uvloop import new_event_loop
    except ImportError:  # Windows has none
        from asyncio import new_event_loop
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve(home, settings, host, port, on_ready=on_ready))


async def serve(
    home: Home,
    settings: Settings,
    host: str | None = None,
    port: int | None = None,
    *,
    on_ready: Callable[[Listening], None] | None = None,
) -> None:
    """Serve the home's router until SIGTERM or SIGINT, then drain; a second signal ends at once.

    `on_ready` is called once connections are accepted and ``router.json`` is written. Raises UsageError when
    the port is taken or another router serves this home, ConfigError when the configuration can't be used.
    """
    host = host or settings.router.host
    port = settings.router.port if port is None else port
    with _claimed(home), _logging(home):
        listener = bind(host, port)
        with contextlib.closing(listener):
            async with RouterRuntime(home, settings) as runtime:
                await _serve(runtime, listener, host, on_ready)


async def _serve(
    runtime: RouterRuntime, listener: Any, host: str, on_ready: Callable[[Listening], None] | None
) -> None:
    server = Server(runtime.app, listener)
    signals = _Signals()
    await server.begin()
    listening = _listening(runtime, host, listener.getsockname()[1])
    _tidy_memory()
    with _published(runtime.home, listening), signals:
        log.info("listening", extra=msgspec.structs.asdict(listening))
        if host not in LOOPBACK:
            log.warning("%s is not loopback: anybody who reaches this machine can try keys", host)
        if on_ready is not None:
            on_ready(listening)
        await signals.first.wait()
        await _stop(runtime, server, signals)


async def _stop(runtime: RouterRuntime, server: Server, signals: _Signals) -> None:
    """Refuse new requests, let those under way finish, at most `drain_s` seconds or until a second signal."""
    log.info("draining", extra={"in_flight": runtime.gateway.in_flight})
    drained = asyncio.create_task(runtime.gateway.drain(runtime.settings.router.drain_s), name="drain")
    at_once = asyncio.create_task(signals.second.wait(), name="second-signal")
    await asyncio.wait({drained, at_once}, return_when=asyncio.FIRST_COMPLETED)
    at_once.cancel()
    finished = drained.done() and drained.result()
    drained.cancel()
    await server.end(force=not finished)
    log.info("stopped", extra={"finished_all": finished})


class _Signals:
    """SIGTERM and SIGINT as two events."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._came)

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.remove_signal_handler(number)

    def _came(self) -> None:
        (self.second if self.first.is_set() else self.first).set()


def _master_key(home: Home, config: RouterConfig, environ: Mapping[str, str]) -> str:
    key = resolve_key(home, config.master_key.reveal() if config.master_key else None, environ)
    if key is None:
        raise ConfigError(
            f"no master key: {KEY_NAME} is not set",
            file=str(home.env_file),
            hint="workbench init   # writes a random one",
        )
    return key


def _reader(home: Home) -> Reader | None:
    """Return what playback reads from; None while the store can't be opened."""
    try:
        return Reader.open(home.store)
    except StoreUnavailable as error:
        log.warning("playback is off: %s", error)
        return None


def _readings(gateway: Gateway) -> dict[str, float]:
    """Return what is measured when the metrics are read."""
    state = gateway.recorder.state
    return {
        "in_flight": gateway.in_flight,
        "uptime_seconds": gateway.uptime_s,
        "recorder_up": float(state.status == "ok"),
        "recorder_queued": state.queued,
        "recorder_committed": state.committed,
        "recorder_unrecorded": state.unrecorded,
    }


def _stamps(files: tuple[Path, ...]) -> list[tuple[int, int] | None]:
    stamps: list[tuple[int, int] | None] = []
    for path in files:
        try:
            info = path.stat()
        except OSError:
            stamps.append(None)
        else:
            stamps.append((info.st_mtime_ns, info.st_size))
    return stamps


@contextlib.contextmanager
def _claimed(home: Home) -> Iterator[None]:
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
def _logging(home: Home) -> Iterator[None]:
    handler = open_log(home.logs / "router.log")
    try:
        yield
    finally:
        close_log(handler)


def _listening(runtime: RouterRuntime, host: str, port: int) -> Listening:
    import psutil

    process = psutil.Process()
    return Listening(
        pid=process.pid,
        pid_started=process.create_time(),
        host=host,
        port=port,
        version=__version__,
        instance=runtime.instance,
        started_at=iso(time.time_ns() // 1000) or "",
    )


@contextlib.contextmanager
def _published(home: Home, listening: Listening) -> Iterator[None]:
    """Keep ``router.json`` while the router serves; written whole or not at all."""
    temporary = home.router_json.with_suffix(".tmp")
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(listening)) + b"\n")
    temporary.replace(home.router_json)
    try:
        yield
    finally:
        home.router_json.unlink(missing_ok=True)


def _tidy_memory() -> None:
    """Keep what start-up made out of every later collection, which would stall requests for tens of ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    sys.setswitchinterval(SWITCH_S)
