"""Paths and writes that can't leave the app's folder, whatever a model asks for.

A path is refused by its text first (`check_path`); writing then walks folder by folder with descriptors
that refuse links (`O_NOFOLLOW`), so that a link put there in between is refused too. A file appears whole
or not at all: temporary file, fsync, rename.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from pathlib import Path, PurePosixPath

from workbench.domain.errors import UnusableAnswer

MAX_PATH = 200
MAX_PART = 100
_DEVICES = re.compile(r"^(con|prn|aux|nul|clock\$|com\d|lpt\d)(\..*)?$", re.I)
_DRIVE = re.compile(r"^[a-zA-Z]:")
_HIDDEN_OURS = frozenset({".git", ".home", "node_modules"})
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>"|?*:\\\u0080-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]')


class PathRefused(UnusableAnswer):
    """A path that must not be written."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"path {path!r} refused: {reason}")
        self.path = path
        self.reason = reason


def check_path(path: str) -> str:
    """Return `path` when it is a plain relative file path; raise PathRefused with the reason otherwise."""
    reason = _problem(path)
    if reason:
        raise PathRefused(path[: MAX_PATH + 1], reason)
    return path


def _problem(path: str) -> str:
    if not path or path != path.strip():
        return "empty, or blanks around it"
    if len(path.encode("utf-8", "surrogatepass")) > MAX_PATH:
        return f"longer than {MAX_PATH} bytes"
    if _DRIVE.match(path):
        return "a drive letter"
    if _FORBIDDEN.search(path) or any("\ud800" <= char <= "\udfff" for char in path):
        return "a character that no plain file name has"
    if path.startswith(("/", "~")):
        return "absolute"
    parts = path.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return "leaves its folder or is not in its simplest form"
    return next((reason for part in parts if (reason := _part_problem(part))), "")


def _part_problem(part: str) -> str:
    if len(part.encode()) > MAX_PART:
        return f"a part is longer than {MAX_PART} bytes"
    if _DEVICES.match(part):
        return "a device's name"
    if part.casefold() in _HIDDEN_OURS:
        return f"{part} is not the model's"
    if part.endswith((".", " ")) or part != part.strip():
        return "a part ends with a dot or a blank"
    return ""


def write_inside(root: Path, path: str, data: bytes) -> None:
    """Write `data` to `path` below `root`, whole or not at all.

    Raises PathRefused for a hostile path and for a link or a non-file on the way.
    """
    check_path(path)
    *folders, name = path.split("/")
    with contextlib.ExitStack() as stack:
        folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, folder)
        for part in folders:
            folder = _enter(folder, part, path)
            stack.callback(os.close, folder)
        _refuse_special(folder, name, path)
        _replace(folder, name, data)


def _enter(folder: int, part: str, path: str) -> int:
    with contextlib.suppress(FileExistsError):
        os.mkdir(part, 0o755, dir_fd=folder)
    try:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(part, flags, dir_fd=folder)
    except OSError as error:
        raise PathRefused(path, f"{part} is a link or no folder ({error.strerror})") from None


def _refuse_special(folder: int, name: str, path: str) -> None:
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if (mode & 0o170000) != 0o100000:
        raise PathRefused(path, "something that is no plain file is there")


def _replace(folder: int, name: str, data: bytes) -> None:
    temporary = f".{name[:60]}.{secrets.token_hex(4)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(temporary, flags, 0o644, dir_fd=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)


def drop_half_written(root: Path) -> None:
    """Remove what a killed process left of files it was writing."""
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name not in _HIDDEN_OURS]
        for name in files:
            if _TEMPORARY.fullmatch(name):
                Path(folder, name).unlink(missing_ok=True)


def read_inside(root: Path, path: str) -> str | None:
    """Return the text of a file below `root`, or None when there is none; links are not followed."""
    check_path(path)
    real = root.joinpath(*PurePosixPath(path).parts)
    if real.is_symlink() or not real.is_file() or not real.resolve().is_relative_to(root.resolve()):
        return None
    return real.read_text(encoding="utf-8", errors="replace")


def write_atomic(path: Path, data: bytes) -> None:
    """Write one of our own files whole or not at all (a run's ``state.json`` and the like)."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
