"""Files that belong to runs: their folders, generated apps, and logs. Found, measured, deleted safely."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from workbench.domain.ids import RUN, looks_like

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.settings.home import Home

_KEPT = frozenset({".gitkeep", ".gitignore"})


class Found(msgspec.Struct, frozen=True):
    """A file or folder that could go: where it is, its bytes, and when it last changed (seconds since
    1970).
    """

    path: Path
    size: int
    changed: float


def run_folders(home: Home, run_id: str) -> list[Path]:
    """Return what exists of a run's folder and its generated app."""
    places = (home.runs / run_id, home.generated / run_id)
    return [place for place in places if place.is_symlink() or place.exists()]


def all_run_folders(home: Home) -> Iterator[Path]:
    """Yield every folder that is named like a run."""
    for parent in (home.runs, home.generated):
        if parent.is_dir():
            yield from (path for path in sorted(parent.iterdir()) if looks_like(RUN, path.name))


def measure(path: Path) -> Found:
    """Return size and last change of a file or of all that is in a folder; symbolic links are not
    followed.
    """
    size, changed = 0, 0.0
    for item in _walk(path):
        try:
            stat = item.lstat()
        except OSError:
            continue
        size += stat.st_size
        changed = max(changed, stat.st_mtime)
    return Found(path, size, changed)


def _walk(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir() and not path.is_symlink():
        for folder, _, files in os.walk(path):
            yield from (Path(folder, name) for name in files)


def old_logs(home: Home, before: float) -> list[Found]:
    """Return log files that were last written before `before` (seconds since 1970)."""
    if not home.logs.is_dir():
        return []
    files = (path for path in sorted(home.logs.iterdir()) if path.is_file() and path.name not in _KEPT)
    found = (measure(path) for path in files)
    return [item for item in found if item.changed < before]


def remove(path: Path, home: Home) -> None:
    """Delete a run's folder, an app or a log; nothing outside those places, and never through a link.

    Raises ValueError for any other path.
    """
    if path.parent not in {home.runs, home.generated, home.logs}:
        msg = f"{path} is not a place of runs, apps or logs"
        raise ValueError(msg)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
