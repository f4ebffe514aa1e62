"""The global flags, which work before and after the subcommand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli.context import Context


def _set(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Put a given flag into the command's Context; one that was not given leaves an outer one alone."""
    if value is None or value is False:
        return
    state = ctx.ensure_object(Context)
    if param.name == "home_flag":
        state.home_flag = Path(value)
    elif param.name == "no_color":
        state.color = False
        ctx.color = False
    else:
        setattr(state, str(param.name), True)


def global_params() -> list[click.Option]:
    """Return fresh options for one command."""
    common: dict[str, Any] = {"expose_value": False, "callback": _set, "is_eager": True}
    return [
        click.Option(
            ["--home", "home_flag"],
            type=click.Path(file_okay=False),
            metavar="DIR",
            help="Use this home; it is created if missing.",
            **common,
        ),
        click.Option(["--json"], is_flag=True, help="Print data as JSON.", **common),
        click.Option(["--quiet", "-q"], is_flag=True, help="Print only data and errors.", **common),
        click.Option(["--no-color"], is_flag=True, help="Print without colour, as NO_COLOR does.", **common),
        click.Option(["--no-start"], is_flag=True, help="Don't start the router; exit 6 instead.", **common),
    ]


def add_global_options(command: click.Command) -> click.Command:
    """Give a command, and all commands below it, the global flags. What it has already is kept."""
    taken = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    for option in global_params():
        free = [name for name in option.opts if name not in taken]
        if free and option.opts[0] in free:
            option.opts = free
            command.params.append(option)
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            add_global_options(inner)
    return command


def examples(*lines: str) -> str:
    """Return an epilog that shows commands as they are typed."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
