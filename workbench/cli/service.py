"""``workbench service``: the router as a service of the user's account."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
import msgspec

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit, facts
from workbench.domain.errors import CheckFailed

if TYPE_CHECKING:
    from workbench.control.service import ServiceManager


@click.group(epilog=examples("workbench service install", "workbench service status"))
def command() -> None:
    """Run the router as a service of your account (systemd on Linux, launchd on macOS).

    It starts when you sign in and again when it fails. No administrator's rights are needed.
    """


@command.command("install", epilog=examples("workbench service install", "workbench service install --print"))
@click.option("--print", "only_print", is_flag=True, help="Print the unit's file; change nothing.")
@pass_context
def install_(ctx: Context, only_print: bool) -> None:
    """Write the unit, enable and start it; a router that runs already is stopped first."""
    service = _service(ctx)
    if only_print:
        sys.stdout.buffer.write(service.text())
        return
    from workbench.control.process import stop_router

    stop_router(ctx.home)
    service.install()
    _show(ctx, service)


@command.command("uninstall", epilog=examples("workbench service uninstall"))
@pass_context
def uninstall_(ctx: Context) -> None:
    """Stop and disable the service, and remove its unit."""
    service = _service(ctx)
    service.uninstall()
    _show(ctx, service)


@command.command("start", epilog=examples("workbench service start"))
@pass_context
def start_(ctx: Context) -> None:
    """Start the installed service now."""
    service = _service(ctx)
    service.start()
    _show(ctx, service)


@command.command("stop", epilog=examples("workbench service stop"))
@pass_context
def stop_(ctx: Context) -> None:
    """Stop the service until the next sign-in or start."""
    service = _service(ctx)
    service.stop()
    _show(ctx, service)


@command.command("restart", epilog=examples("workbench service restart"))
@pass_context
def restart_(ctx: Context) -> None:
    """Stop and start the service."""
    service = _service(ctx)
    service.stop()
    service.start()
    _show(ctx, service)


@command.command("status", epilog=examples("workbench service status --json"))
@pass_context
def status_(ctx: Context) -> None:
    """Show how the service stands. Exits 1 when it is installed and not active."""
    service = _service(ctx)
    _show(ctx, service)
    state = service.state()
    if state.installed and not state.active:
        raise CheckFailed("the service is not active", hint="workbench service start")


def _service(ctx: Context) -> ServiceManager:
    from workbench.control.service import service_of

    return service_of(ctx.home)


def _show(ctx: Context, service: ServiceManager) -> None:
    state = msgspec.structs.asdict(service.state())
    if ctx.json:
        emit(state)
    else:
        facts(state.items(), color=ctx.colored)
