"""``workbench security-check``."""

from __future__ import annotations

import click

from workbench.cli.checks import conclude
from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples


@click.command(epilog=examples("workbench security-check", "workbench security-check --json"))
@pass_context
def command(ctx: Context) -> None:
    """Look for weak keys, open files, exposed addresses and secrets in the repository.

    Changes nothing, and shows no secret. Exits 1 when something must be mended; warnings alone exit 0.
    """
    from workbench.control.security_check import check_security

    conclude(ctx, check_security(ctx.home))
