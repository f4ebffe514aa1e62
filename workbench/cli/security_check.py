"""``workbench security-check``."""

from __future__ import annotations

import click

from workbench.cli.checks import print_checks
from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit
from workbench.control.check import worst
from workbench.domain.errors import CheckFailed


@click.command(epilog=examples("workbench security-check", "workbench security-check --json"))
@pass_context
def command(ctx: Context) -> None:
    """Look for weak keys, open files, exposed addresses and secrets in the repository.

    Changes nothing, and shows no secret. Exits 1 when something must be mended; warnings alone exit 0.
    """
    from workbench.control.security_check import check_security

    checks = check_security(ctx.home)
    if ctx.json:
        emit([check.to_json() for check in checks])
    else:
        print_checks(checks, color=ctx.colored)
    if worst(checks) == "bad":
        count = sum(check.status == "bad" for check in checks)
        raise CheckFailed(f"{count} {'fault' if count == 1 else 'faults'}")
