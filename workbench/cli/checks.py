"""Checks for people: one line each, faults with the command that mends them."""

from __future__ import annotations

from collections.abc import Sequence

import click

from workbench.cli.context import Context
from workbench.cli.output import emit, style
from workbench.control.check import Check
from workbench.domain.errors import CheckFailed
from workbench.domain.text import one_line

_WORDS = {"ok": ("ok", "ok"), "warn": ("warn", "warn"), "bad": ("FAULT", "bad")}


def print_checks(checks: Sequence[Check], *, color: bool) -> None:
    """Print the checks on stdout; no information is in the colour alone."""
    width = max((len(check.name) for check in checks), default=0)
    for check in checks:
        word, kind = _WORDS[check.status]
        state = style(word.ljust(5), kind, color=color)
        click.echo(f"{state}  {check.name.ljust(width)}  {one_line(check.detail, 600)}")
        if check.fix:
            click.echo(f"{'':7}{'':{width}}  {style('mend: ' + check.fix, 'head', color=color)}")


def conclude(ctx: Context, checks: Sequence[Check]) -> None:
    """Give the checks as data or for people. Raises CheckFailed when one is a fault."""
    if ctx.json:
        emit([check.to_json() for check in checks])
    else:
        print_checks(checks, color=ctx.colored)
    count = sum(check.status == "bad" for check in checks)
    if count:
        raise CheckFailed(f"{count} {'fault' if count == 1 else 'faults'}")
