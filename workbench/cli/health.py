"""``workbench health``."""

from __future__ import annotations

import click

from workbench.cli.checks import print_checks
from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit
from workbench.domain.errors import CheckFailed, RouterUnreachable


@click.command(epilog=examples("workbench health", "workbench health --quiet && echo fine"))
@pass_context
def command(ctx: Context) -> None:
    """Say whether router, recording and store work right now.

    Starts nothing. Exits 0 when all is well, 1 when a part is faulty, 6 when no router answers.
    """
    from workbench.control.health import check_health

    health = check_health(ctx.home)
    if ctx.json:
        emit(health.to_json())
    elif not ctx.quiet:
        print_checks(health.parts, color=ctx.colored)
    broken = [part for part in health.parts if part.status == "bad"]
    if not health.reachable:
        raise RouterUnreachable("no router answers", hint=broken[0].fix)
    if broken:
        raise CheckFailed(f"{broken[0].name}: {broken[0].detail}", hint=broken[0].fix)
