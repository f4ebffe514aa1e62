"""How a command ends: errors as ``error:`` and ``hint:``, the exit codes of the design, reports of bugs."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from workbench import __version__
from workbench.cli.context import Context
from workbench.domain.errors import FilterError, WorkbenchError
from workbench.domain.text import printable

BUG = 70
CANCELLED = 130


def guarded(invoke: Callable[[], Any], state: Context, argv: list[str]) -> int:
    """Call `invoke` and return the exit code; every failure is said on stderr."""
    try:
        result = invoke()
        _flush()
    except WorkbenchError as error:
        return _ours(error, state)
    except click.exceptions.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, click.Abort):
        _say("cancelled", None, state)
        return CANCELLED
    except click.ClickException as error:
        return _usage(error, state)
    except OSError as error:
        if error.errno == errno.EPIPE:
            return _reader_left()
        return _bug(error, state, argv)
    except Exception as error:
        return _bug(error, state, argv)
    return result if isinstance(result, int) and not isinstance(result, bool) else 0


def _ours(error: WorkbenchError, state: Context) -> int:
    message = error.message
    if isinstance(error, FilterError):
        message += "\n" + error.pointer()
    _say(message, error.hint, state)
    return error.exit_code


def _usage(error: click.ClickException, state: Context) -> int:
    hint = None
    if isinstance(error, click.UsageError) and error.ctx is not None:
        hint = f"{error.ctx.command_path} --help"
    _say(error.format_message(), hint, state)
    return error.exit_code


def _say(message: str, hint: str | None, state: Context) -> None:
    plain = state.color is False or os.environ.get("NO_COLOR") or not sys.stderr.isatty()
    for label, text, color in (("error", message, "red"), ("hint", hint, "cyan")):
        if text:
            shown = f"{label}:" if plain else click.style(f"{label}:", fg=color, bold=True)
            click.echo(f"{shown} {printable(text)}", err=True, color=not plain)


def _flush() -> None:
    sys.stdout.flush()


def _reader_left() -> int:
    """End in peace when the reader of a pipe has what it wanted (``| head``)."""
    # Python flushes stdout at exit and would complain again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _bug(error: BaseException, state: Context, argv: list[str]) -> int:
    report = _write_report(error, state, argv)
    where = f"; the report is {report}" if report else ""
    _say(f"a bug in workbench: {type(error).__name__}: {error}{where}", None, state)
    if report is None:
        import traceback

        traceback.print_exception(error)
    return BUG


def _write_report(error: BaseException, state: Context, argv: list[str]) -> Path | None:
    """Write what a maintainer needs, readable by the user only; no environment, no bodies."""
    import traceback

    text = "\n".join(
        [
            f"workbench {__version__}, Python {sys.version.split()[0]}, {sys.platform}",
            f"command: workbench {' '.join(argv[:1])}  ({len(argv)} arguments)",
            "",
            *traceback.format_exception(error),
        ]
    )
    name = time.strftime(f"crash-%Y%m%d-%H%M%S-{os.getpid()}.txt")
    for folder in _report_folders(state):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / name
            path.touch(mode=0o600, exist_ok=False)
            path.write_text(text, encoding="utf-8")
        except OSError:
            continue
        return path
    return None


def _report_folders(state: Context) -> list[Path]:
    import tempfile

    folders = [Path(tempfile.gettempdir())]
    try:
        home = state.bare_home
    except Exception:
        return folders
    return [home.logs, *folders] if home.root.is_dir() else folders
