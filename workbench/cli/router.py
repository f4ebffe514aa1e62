"""``workbench router``: serve, start, stop and inspect the home's router."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, facts, say, table
from workbench.domain.errors import CheckFailed, RouterUnreachable

if TYPE_CHECKING:
    from workbench.control.locate import RouterAddress, Sighting

_PORT = click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.")
_HOST = click.option("--host", help="Address to listen on; 127.0.0.1 unless the settings say otherwise.")


@click.group(
    epilog=examples(
        "workbench router start               in the background; prints the address",
        "workbench router serve --port 4100   in this terminal; Ctrl-C stops it",
        "workbench router logs -f",
    )
)
def command() -> None:
    """Serve, start, stop and inspect the router.

    One router serves one home. It answers OpenAI and Anthropic clients at http://127.0.0.1:4000/v1 with the
    key in the home's .env, and records every exchange.
    """


@command.command("serve", epilog=examples("workbench router serve --port 4100"))
@_HOST
@_PORT
@pass_context
def serve_(ctx: Context, host: str | None, port: int | None) -> None:
    """Serve in the foreground until Ctrl-C; a second one ends at once.

    Exits 2 when the port is taken or another router serves this home.
    """
    from workbench.control.claim import Listening
    from workbench.runtime import LOOPBACK, run
    from workbench.settings.keys import merged_environment
    from workbench.settings.load import load_settings

    overrides = {"router.host": host, "router.port": port}
    settings = load_settings(ctx.home, merged_environment(ctx.home), overrides)

    def on_ready(listening: Listening) -> None:
        ctx.note(f"listening on http://{listening.host}:{listening.port}  (key: {ctx.home.env_file})")
        if listening.host not in LOOPBACK:
            ctx.note(f"warning: {listening.host} is not loopback; whoever reaches this machine can try keys")

    run(ctx.home, settings, settings.router.host, settings.router.port, on_ready=on_ready)


@command.command("start", epilog=examples("workbench router start", "workbench router start --port 4100"))
@_HOST
@_PORT
@click.option("--wait", "wait_s", default=30.0, show_default=True, help="Seconds to wait until it is ready.")
@pass_context
def start_(ctx: Context, host: str | None, port: int | None, wait_s: float) -> None:
    """Start the router in the background and wait until it is ready.

    A taken port gives the next free one. A router that runs already is left as it is.
    """
    from workbench.control.locate import find_router
    from workbench.control.process import start_router

    running = find_router(ctx.home)
    address = running or start_router(ctx.home, port, wait_s, host=host, on_note=ctx.note)
    _show_address(ctx, address, started=running is None)


@command.command("stop", epilog=examples("workbench router stop", "workbench router stop --now"))
@click.option("--now", is_flag=True, help="Don't wait for streams to finish.")
@pass_context
def stop_(ctx: Context, now: bool) -> None:
    """Stop the router; streams under way may finish within the drain time."""
    from workbench.control.process import stop_router

    stopped = stop_router(ctx.home, force=now, on_note=ctx.note)
    if ctx.json:
        emit({"stopped": stopped})
    else:
        ctx.note("the router has stopped" if stopped else f"no router runs in {ctx.home.root}")


@command.command("restart", epilog=examples("workbench router restart"))
@click.option("--now", is_flag=True, help="Don't wait for streams to finish.")
@pass_context
def restart_(ctx: Context, now: bool) -> None:
    """Stop the router if it runs, and start it on the same port."""
    from workbench.control.locate import read_router_file
    from workbench.control.process import start_router, stop_router

    before = read_router_file(ctx.home)
    stop_router(ctx.home, force=now, on_note=ctx.note)
    address = start_router(
        ctx.home,
        before.port if before else None,
        host=before.host if before else None,
        on_note=ctx.note,
    )
    _show_address(ctx, address, started=True)


@command.command("status", epilog=examples("workbench router status", "workbench router status --json"))
@pass_context
def status_(ctx: Context) -> None:
    """Show address, recorder and every deployment. Exits 6 when no router answers."""
    from workbench.control.locate import address_of, look

    seen = look(ctx.home)
    if seen.state != "ready" or seen.file is None:
        raise _down(ctx, seen)
    address = address_of(ctx.home, seen.file)
    status = ctx.run(_status(address))
    if ctx.json:
        emit(
            {"state": "ready", "base_url": address.base_url, "pid": address.pid, "port": address.port}
            | status
        )
        return
    _show_status(ctx, address, status)


@command.command("health", epilog=examples("workbench router health", "workbench router health --probe"))
@click.option("--probe", is_flag=True, help="Also ask every upstream whether it is there; costs nothing.")
@pass_context
def health_(ctx: Context, probe: bool) -> None:
    """Show what the router says of itself, and of each deployment.

    Exits 1 when it is degraded, 6 when it does not answer.
    """
    from workbench.control.locate import address_of, look

    seen = look(ctx.home)
    if seen.state != "ready" or seen.file is None:
        raise _down(ctx, seen)
    health = ctx.run(_health(address_of(ctx.home, seen.file)))
    health["deployments"] = {
        deployment["id"]: _standing(deployment) for deployment in health.get("deployments", [])
    }
    if probe:
        health["deployments"] |= ctx.run(_probe(ctx))
    if ctx.json:
        emit(health)
    else:
        facts(_flat(health), color=ctx.colored)
    if seen.health.get("status") != "ok":
        raise CheckFailed("the router is degraded", hint="workbench router logs -n 20")


async def _health(address: RouterAddress) -> dict[str, Any]:
    from workbench.client import RouterClient

    async with RouterClient(address.base_url, address.key) as client:
        return await client.health()


def _standing(deployment: dict[str, Any]) -> str:
    """Return one deployment's state in a few words."""
    if not deployment.get("enabled", True):
        return f"off: {deployment.get('disabled_reason')}"
    if deployment.get("state") == "closed":
        return "ok"
    return f"breaker {deployment.get('state')}: {deployment.get('breaker_reason') or 'failures'}"


async def _probe(ctx: Context) -> Any:
    async with ctx.client() as client:
        return (await client.probe()).get("deployments", {})


@command.command("logs", epilog=examples("workbench router logs -n 100", "workbench router logs -f --json"))
@click.option("--lines", "-n", default=50, show_default=True, type=click.IntRange(0), help="Lines to show.")
@click.option("--follow", "-f", "following", is_flag=True, help="Show new lines as they come; Ctrl-C ends.")
@pass_context
def logs_(ctx: Context, lines: int, following: bool) -> None:
    """Show the end of the router's log; with --json its lines as they are."""
    from workbench.control.logtail import follow, readable, size_of, tail

    path = ctx.home.logs / "router.log"
    shown = str if ctx.json else readable
    end = size_of(path)
    for line in tail(path, lines, end=end):
        say(shown(line))
    sys.stdout.flush()
    if following:
        for line in follow(path, start=end, poll=_wait):
            say(shown(line))
            sys.stdout.flush()
    elif not path.exists():
        ctx.note(f"no log yet: {path}")


@command.command("reload", epilog=examples("workbench router reload"))
@pass_context
def reload_(ctx: Context) -> None:
    """Make the router read its configuration again; a bad one is not taken, and the reason is said."""
    answer = ctx.run(_reload(ctx.router(start=False)))
    if ctx.json:
        emit(answer)
        return
    for notice in answer.get("notices", []):
        ctx.note(f"notice: {notice}")
    ctx.note("the configuration is loaded")


def _wait() -> bool:
    time.sleep(0.2)
    return True


async def _status(address: RouterAddress) -> dict[str, Any]:
    from workbench.client import RouterClient

    async with RouterClient(address.base_url, address.key) as client:
        return await client.status()


async def _reload(address: RouterAddress) -> dict[str, Any]:
    from workbench.client import RouterClient

    async with RouterClient(address.base_url, address.key) as client:
        return await client.reload()


def _down(ctx: Context, seen: Sighting) -> RouterUnreachable:
    from workbench.control.process import start_command

    if ctx.json:
        emit({"state": seen.state, "detail": seen.detail})
    hint = "workbench router restart --now" if seen.state == "silent" else start_command(ctx.home)
    return RouterUnreachable(f"the router is {seen.state}: {seen.detail}", hint=hint)


def _show_address(ctx: Context, address: RouterAddress, *, started: bool) -> None:
    if ctx.json:
        emit(
            {
                "started": started,
                "base_url": address.base_url,
                "pid": address.pid,
                "port": address.port,
                "instance": address.instance,
                "version": address.version,
            }
        )
        return
    say(f"{address.base_url}/v1")
    ctx.note(f"{'started' if started else 'runs already'} (pid {address.pid}); key: {ctx.home.env_file}")


def _show_status(ctx: Context, address: RouterAddress, status: dict[str, Any]) -> None:
    recorder = status.get("recorder") or {}
    facts(
        [
            ("router", f"{address.base_url}/v1"),
            ("pid", address.pid),
            ("version", status.get("version")),
            ("uptime", _duration(status.get("uptime_s"))),
            ("recording", _recording(recorder)),
            ("in flight", status.get("in_flight")),
            ("strategy", status.get("strategy")),
            ("profile", status.get("profile")),
            ("cost today", f"${status.get('cost_today_usd') or 0:.4f}"),
        ],
        color=ctx.colored,
    )
    click.echo()
    columns = ("GROUP", "DEPLOYMENT", "MODEL", "STATE", "REQUESTS", "FAILURES", "P50 MS", "WHY")
    rows = [
        _deployment_row(group, item) for group in status.get("groups", []) for item in group["deployments"]
    ]
    table(
        columns,
        rows,
        right=columns[4:7],
        color=ctx.colored,
        flexible="WHY",
        optional=("MODEL", "P50 MS", "DEPLOYMENT"),
    )


def _deployment_row(group: dict[str, Any], item: dict[str, Any]) -> tuple[Any, ...]:
    latency = item.get("latency_p50_ms")
    return (
        group.get("name"),
        item.get("id"),
        item.get("model"),
        _state(item),
        item.get("requests"),
        item.get("failures"),
        None if latency is None else f"{latency:.0f}",
        item.get("disabled_reason") or item.get("last_error") or "",
    )


def _state(item: dict[str, Any]) -> str:
    """Return the breaker's state for people, who read "closed" as "shut"."""
    if not item.get("enabled", True):
        return "disabled"
    return {"closed": "ok", "open": "cooling down", "half_open": "probing"}.get(str(item.get("state")), "?")


def _recording(recorder: dict[str, Any]) -> str:
    text = str(recorder.get("status", "unknown"))
    if recorder.get("error"):
        text += f": {recorder['error']}"
    if recorder.get("unrecorded"):
        text += f" ({recorder['unrecorded']} exchanges were not recorded)"
    if recorder.get("trouble"):
        text += f"; the last trouble: {recorder['trouble']}"
    return text


def _duration(seconds: Any) -> str | None:
    if not isinstance(seconds, int | float):
        return None
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02d}m" if hours else f"{minutes}m {rest:02d}s" if minutes else f"{rest}s"


def _flat(data: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in data.items():
        rows += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(prefix + name, value)]
    return rows
