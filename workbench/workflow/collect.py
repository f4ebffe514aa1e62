"""What of the module store is no longer used: the garbage collection that `prune` calls.

A folder's ``ready.json`` is touched whenever a run takes it, so its age is the time since its last use.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import msgspec

from workbench.settings.home import Home
from workbench.workflow.process import folder_bytes

SAFE_S = 3600.0
"""What was used within this time may be in use now and stays, whatever is asked for."""


class Unused(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of the module store that may go; `size` in bytes on disk, `used_at` in seconds since 1970."""

    path: Path
    size: int
    used_at: float


def unused_modules(home: Home, older_than_s: float, *, now: float | None = None) -> list[Unused]:
    """Return the toolchains and build caches not used for `older_than_s`, and what broken builds left."""
    limit = (time.time() if now is None else now) - max(older_than_s, SAFE_S)
    found = []
    for folder in sorted(home.modules.glob("*-*/")):
        used = _used_at(folder)
        if used <= limit:
            found.append(Unused(path=folder, size=folder_bytes(folder), used_at=used))
    return found


def _used_at(folder: Path) -> float:
    try:
        return (folder / "ready.json").stat().st_mtime
    except OSError:
        return folder.stat().st_mtime


def remove(unused: list[Unused]) -> int:
    """Delete the folders and their locks; return the bytes that were freed."""
    freed = 0
    for item in unused:
        # Without its mark the folder counts as unbuilt at once, whatever interrupts us.
        (item.path / "ready.json").unlink(missing_ok=True)
        shutil.rmtree(item.path, ignore_errors=True)
        item.path.with_name(f"{item.path.name}.lock").unlink(missing_ok=True)
        freed += 0 if item.path.exists() else item.size
    return freed
