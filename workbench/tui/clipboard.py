"""Copying to the user's clipboard wherever the terminal is: a native tool, else OSC 52, else a file.

OSC 52 goes through SSH; terminals cap it (k9s and others use 74,994 bytes of base64), tmux and screen need
it wrapped. What is copied is exact, never what was drawn.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

OSC_LIMIT = 74_994
"""Longest base64 text that is sent, in bytes."""
_SCREEN_PIECE = 700
_NATIVE: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("pbcopy", (), ""),
    ("wl-copy", (), "WAYLAND_DISPLAY"),
    ("xclip", ("-selection", "clipboard"), "DISPLAY"),
    ("xsel", ("--clipboard", "--input"), "DISPLAY"),
    ("clip.exe", (), "WSL_DISTRO_NAME"),
)


def osc52(data: bytes, environ: Mapping[str, str]) -> str | None:
    """Return the escape sequence that copies `data`, wrapped for tmux or screen; None when it is too long."""
    encoded = base64.b64encode(data).decode()
    if len(encoded) > OSC_LIMIT:
        return None
    sequence = f"\x1b]52;c;{encoded}\x07"
    if environ.get("TMUX"):
        return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if environ.get("TERM", "").startswith("screen"):
        pieces = [sequence[at : at + _SCREEN_PIECE] for at in range(0, len(sequence), _SCREEN_PIECE)]
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return sequence


def native(environ: Mapping[str, str]) -> Sequence[str] | None:
    """Return the command of this machine's own clipboard; None over SSH, where it would be the wrong one."""
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return None
    for name, arguments, variable in _NATIVE:
        wanted = environ.get(variable) if variable else sys.platform == "darwin"
        if wanted and (path := shutil.which(name)):
            return [path, *arguments]
    return None


def copy(
    data: bytes, write: Callable[[str], None], folder: Path, environ: Mapping[str, str] | None = None
) -> str:
    """Copy `data` and return how: ``clipboard``, ``terminal`` or the path of the file it was written to.

    `write` sends an escape sequence to the terminal. Blocks for at most two seconds.
    """
    variables = os.environ if environ is None else environ
    command = native(variables)
    if command is not None:
        try:
            subprocess.run(command, input=data, check=True, timeout=2, capture_output=True)
        except (OSError, subprocess.SubprocessError):
            pass
        else:
            return "clipboard"
    sequence = osc52(data, variables)
    if sequence is not None:
        write(sequence)
        return "terminal"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "copied.txt"
    path.write_bytes(data)
    path.chmod(0o600)
    return str(path)
