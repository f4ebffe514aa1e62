"""Other programs over the app: the editor and the pager. The app is suspended while one has the terminal."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from workbench.domain.exchange import Exchange, Side

if TYPE_CHECKING:
    from workbench.tui.screens.base import Place


def editor() -> list[str]:
    """Return the user's editor."""
    return shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")


def pager() -> list[str]:
    """Return the user's pager; `less` with escapes shown, not obeyed."""
    return shlex.split(os.environ.get("PAGER") or "less -U")


def run_over(place: Place, argv: Sequence[str]) -> bool:
    """Give the terminal to a program until it ends; say so when that can't be."""
    try:
        with place.app.suspend():
            subprocess.run(argv, check=False)
    except SuspendNotSupported:
        place.app.notify("No other program can be opened here (browser or test).", severity="warning")
        return False
    except OSError as error:
        place.app.notify(f"{argv[0]}: {error.strerror}", severity="error", markup=False)
        return False
    return True


def open_path(place: Place, path: Path) -> None:
    """Open a file in the editor."""
    run_over(place, [*editor(), str(path)])


def edit_bytes(place: Place, data: bytes, suffix: str) -> bytes | None:
    """Let the user edit bytes; None when they came back unchanged or could not be edited."""
    folder = Path(tempfile.mkdtemp(prefix="workbench-"))
    path = folder / f"edit{suffix}"
    try:
        path.write_bytes(data)
        path.chmod(0o600)
        if not run_over(place, [*editor(), str(path)]):
            return None
        edited = path.read_bytes()
    finally:
        path.unlink(missing_ok=True)
        folder.rmdir()
    return edited if edited != data else None


def body_outside(place: Place, item: Exchange, side: Side, program: str) -> None:
    """Show a body's exact bytes in the ``pager`` or the ``editor``; the file they are in goes afterwards."""
    argv = pager() if program == "pager" else editor()
    place.ask(
        lambda: place.source.reader().body(item.id, side),
        lambda data: _show(place, argv, data),
        group="outside",
    )


def _show(place: Place, argv: list[str], data: bytes) -> None:
    suffix = ".json" if data.lstrip()[:1] in {b"{", b"["} else ".txt"
    with tempfile.NamedTemporaryFile(prefix="workbench-", suffix=suffix) as file:
        file.write(data)
        file.flush()
        run_over(place, [*argv, file.name])
