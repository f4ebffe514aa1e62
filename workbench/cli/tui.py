"""``workbench`` without a command: the terminal app."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from typing import TYPE_CHECKING

import click

from workbench.cli.context import Context, pass_context
from workbench.cli.options import examples
from workbench.domain.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from workbench.settings.home import Home
    from workbench.settings.sections import TuiSettings
    from workbench.tui.app import WorkbenchApp


@click.command(epilog=examples("workbench", "workbench tui --home ~/llm"))
@click.option("--theme", metavar="NAME", help="Use this theme.")
@pass_context
def command(ctx: Context, theme: str | None = None) -> int:
    """Open the terminal app."""
    # Textual draws on stderr and reads stdin: without both it would hang. `serve` needs neither.
    served = "web_driver" in os.environ.get("TEXTUAL_DRIVER", "")
    if not served and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "the terminal app needs a terminal",
            hint="workbench exchanges list   # without a terminal; workbench --help lists the rest",
        )
    # Until the app has started nearly everything that is made stays: collecting costs the first frame 30 ms.
    # The app turns it on again.
    gc.disable()
    # Read when Textual is imported; see `workbench.tui.terminal_driver`.
    os.environ.setdefault("ESCDELAY", escape_delay_ms(os.environ))
    app = _app(ctx, theme)
    app.run(mouse=app.mouse)
    _farewell(ctx, app)
    return app.return_code or 0


def _app(ctx: Context, theme: str | None) -> WorkbenchApp:
    from workbench.tui.app import WorkbenchApp
    from workbench.tui.source import Source

    if ctx.color is False:
        os.environ["NO_COLOR"] = "1"
    return WorkbenchApp(
        Source(ctx.bare_home), theme=theme, start_router=not ctx.no_start, settings=_settings(ctx.bare_home)
    )


def _settings(home: Home) -> TuiSettings:
    """Return the app's own settings; a file that can't be read is the Settings screen's to say.

    Reading YAML costs the first frame 10 to 30 ms: only those wait for it who have set something.
    """
    from workbench.settings.load import load_settings
    from workbench.settings.sections import TuiSettings

    if _has_set_something(home.settings_file) or os.environ.get("WORKBENCH_THEME"):
        with contextlib.suppress(ConfigError):
            return load_settings(home, os.environ).tui
    return TuiSettings()


def _has_set_something(settings_file: Path) -> bool:
    """Whether a settings file speaks of the app anywhere but in its comments."""
    try:
        lines = settings_file.read_bytes().splitlines()
    except OSError:
        return False
    return any(b"tui" in line for line in lines if not line.lstrip().startswith(b"#"))


def escape_delay_ms(environ: Mapping[str, str]) -> str:
    """Return how long a lone ESC may still become a sequence.

    A network may cut a sequence in two. A terminal here writes it whole, and so does tmux, wherever it is
    looked at from.
    """
    cut = any(name in environ for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"))
    return "25" if cut and "TMUX" not in environ else "10"


def _farewell(ctx: Context, app: WorkbenchApp) -> None:
    """Say that the router goes on, and how to stop it."""
    if app.status.up:
        ctx.note(f"The router still runs at {app.status.base_url}/v1; clients depend on it.")
        ctx.note(f"stop it with: {stop_command(ctx)}")


def stop_command(ctx: Context) -> str:
    """Return the command that stops this home's router, as short as it works from here."""
    import shlex

    if ctx.home_flag is None:
        return "workbench router stop"
    return f"workbench --home {shlex.quote(str(ctx.home_flag))} router stop"
