"""The router process: the one place where its objects are wired together.

`serve` is what ``workbench router serve`` runs; `RouterRuntime` is the same without socket, lock and signals.
One router a home: a file lock is held as long as the process lives, and ``.router/router.json`` tells others
where it listens.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import logging
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec

from workbench import __version__
from workbench.control.claim import Listening, claimed, published
from workbench.domain.errors import ConfigError, StoreUnavailable, WorkbenchError
from workbench.domain.exchange import Exchange
from workbench.domain.times import iso
from workbench.gateway.app import ASGIApp, create_app
from workbench.gateway.auth import Keys
from workbench.gateway.gateway import Gateway
from workbench.gateway.server import Server, bind
from workbench.gateway.tail import Tail
from workbench.providers.registry import make_providers
from workbench.recording.faults import described
from workbench.recording.recorder import Recorder
from workbench.routing.config import RouterConfig, load_config
from workbench.routing.restore import restore_budgets
from workbench.routing.router import Router
from workbench.settings.home import Home
from workbench.settings.keys import KEY_NAME, merged_environment, resolve_key
from workbench.settings.sections import Settings
from workbench.settings.units import seconds
from workbench.store.pruning import PruneResult, prune
from workbench.store.retention import PrunePolicy
from workbench.store.spending import spent_since
from workbench.store.store import Reader, Store
from workbench.telemetry.day_cost import DayCost, day_start
from workbench.telemetry.logs import close_log, open_log
from workbench.telemetry.metrics import Metrics
from workbench.telemetry.tracing import Tracer, tracer_of

log = logging.getLogger("workbench.runtime")

CONFIG_POLL_S = 1.0
PRUNE_PAUSE_S = 0.05
"""Slept after each batch of pruning, so that recording never waits long for the store."""
SWITCH_S = 0.0005
"""How long a thread (pruning, reading for playback) may hold the interpreter while the event loop waits."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


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
            await self._wire(stack, config, key, tracer_of(environ))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop background work, close the upstreams, then write what the recorder still has."""
        await self._stack.aclose()

    async def reload(self) -> dict[str, Any]:
        """Read the configuration again. Raises ConfigError and keeps the old one when it can't be used."""
        config = load_config(self.home, merged_environment(self.home, self._environ))
        await self.gateway.router.reload(config)
        self.gateway.keys.replace_tenants(config.policy.keys())
        log.info("configuration reloaded", extra={"deployments": len(config.deployments)})
        return {"reloaded": True, "notices": [notice.text() for notice in config.notices]}

    async def _wire(
        self, stack: AsyncExitStack, config: RouterConfig, key: str, tracer: Tracer | None
    ) -> None:
        tail = Tail()
        cost = DayCost(time.time_ns() // 1000)
        metrics = Metrics(lambda: _readings(self.gateway, tracer))
        if tracer is not None:
            tracer.start()
            stack.push_async_callback(asyncio.to_thread, tracer.close)

        def on_event(name: str, exchange: Exchange) -> None:
            if name == "finished":
                metrics.spent(exchange)
                cost.add(exchange.started_at, exchange.cost_usd or 0.0)
                if tracer is not None:
                    tracer.add(exchange)
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
        if reader is not None:
            cost = _restore_spending(router, reader)
        self.gateway = Gateway(
            router=router,
            recorder=recorder,
            keys=Keys(key, config.policy.keys()),
            cost=cost,
            metrics=metrics,
            tail=tail,
            instance=self.instance,
            version=__version__,
            max_body_bytes=int(self.settings.router.max_body_mb * 1e6),
            default_model=self.settings.router.default_model,
            reload=self.reload,
            set_profile=router.set_profile,
        )
        self.app = create_app(self.gateway)
        for notice in config.notices:
            log.warning("configuration: %s", notice.text())
        self._in_background(stack, self._follow_config(), "config-watch")
        every_s = seconds(self.settings.retention.interval)
        if every_s:
            stopped = threading.Event()
            self._in_background(stack, self._prune(every_s, stopped), "retention")
            stack.callback(stopped.set)

    def _in_background(self, stack: AsyncExitStack, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)

        async def end() -> None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        stack.push_async_callback(end)

    async def _prune(self, every_s: float, stopped: threading.Event) -> None:
        """Apply the retention settings now and then, in a thread, a little at a time."""
        policy = PrunePolicy.of(self.settings.retention)
        while True:
            await asyncio.sleep(every_s)
            try:
                result = await asyncio.to_thread(_prune_once, self.home, policy, stopped)
            except Exception as error:  # a bug in it must not end it for good
                known = isinstance(error, WorkbenchError | OSError)
                self.gateway.retention_error = str(error) if known else described(error)
                log.warning("retention could not be applied: %s", error, exc_info=not known)
            else:
                self.gateway.retention_error = None
                if result.exchanges or result.runs or result.bodies or result.files:
                    log.info("retention applied", extra=result.to_json())

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
            except Exception as error:
                known = isinstance(error, WorkbenchError | OSError)
                log.error("the changed configuration is not taken: %s", error, exc_info=not known)
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
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve(home, settings, host, port, on_ready=on_ready))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # Windows has none
        return asyncio.new_event_loop
    return uvloop.new_event_loop


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
    with claimed(home), _logging(home):
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
    with published(runtime.home, listening), signals:
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


def _restore_spending(router: Router, reader: Reader) -> DayCost:
    """Let budgets go on where the last process left them; return what was spent today."""
    now = time.time_ns() // 1000
    try:
        restore_budgets(router, reader, now)
        return DayCost(now, sum(spent.usd for spent in spent_since(reader, day_start(now))))
    except StoreUnavailable as error:
        log.warning("budgets begin anew: what was spent can't be read: %s", error)
        return DayCost(now)


def _readings(gateway: Gateway, tracer: Tracer | None) -> dict[str, float]:
    """Return what is measured when the metrics are read."""
    state = gateway.recorder.state
    spans = {"spans_dropped": float(tracer.dropped)} if tracer is not None else {}
    return spans | {
        "in_flight": gateway.in_flight,
        "uptime_seconds": gateway.uptime_s,
        "recorder_up": float(state.status == "ok"),
        "recorder_queued": state.queued,
        "recorder_committed": state.committed,
        "recorder_unrecorded": state.unrecorded,
        "recorder_refused": state.refused,
    }


def _prune_once(home: Home, policy: PrunePolicy, stopped: threading.Event) -> PruneResult:
    with Store.open(home.store) as store:
        return prune(store, store.plan_prune(policy, home), stop=stopped.is_set, pause_s=PRUNE_PAUSE_S)


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
def _logging(home: Home) -> Iterator[None]:
    """Log to ``logs/router.log``; a crash of the interpreter itself leaves its stacks in ``router.crash``."""
    handler = open_log(home.logs / "router.log")
    try:
        with contextlib.ExitStack() as stack:
            if handler is not None:
                crash = home.logs / "router.crash"
                faulthandler.enable(stack.enter_context(crash.open("a")))
                stack.callback(_forget_empty, crash)
                stack.callback(faulthandler.disable)
            yield
    finally:
        close_log(handler)


def _forget_empty(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.stat().st_size == 0:
            path.unlink()


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


def _tidy_memory() -> None:
    """Keep what start-up made out of every later collection, which would stall requests for tens of ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    sys.setswitchinterval(SWITCH_S)
