"""``workbench version``."""

from __future__ import annotations

import platform
import sys

import click

from workbench import __version__
from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.cli.output import emit


@click.command(epilog=examples("workbench version --json"))
@pass_context
def command(ctx: Context) -> None:
    """Print the version."""
    if ctx.json:
        emit(
            {
                "version": __version__,
                "python": platform.python_version(),
                "platform": sys.platform,
                "machine": platform.machine(),
            }
        )
    else:
        click.echo(f"workbench {__version__}")
