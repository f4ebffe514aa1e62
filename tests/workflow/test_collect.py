"""Garbage of the module store: what no run has used for long goes, what may be in use stays."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.settings.home import Home
from workbench.workflow.collect import remove, unused_modules

NOW = 1_800_000_000.0
DAY = 86_400.0


def entry(home: Home, name: str, age_s: float, *, ready: bool = True) -> Path:
    folder = home.modules / name
    (folder / "node_modules").mkdir(parents=True)
    (folder / "node_modules" / "big.js").write_bytes(b"x" * 50_000)
    (home.modules / f"{name}.lock").touch()
    mark = folder / "ready.json"
    if ready:
        mark.write_text("{}")
    os.utime(mark if ready else folder, (NOW - age_s, NOW - age_s))
    return folder


def test_only_what_is_old_goes(tmp_path: Path) -> None:
    """Age is counted from the last use; a broken build counts by its folder."""
    home = Home(tmp_path)
    entry(home, "node-aaaa", 40 * DAY)
    entry(home, "python-bbbb", 2 * DAY)
    entry(home, "seed-cccc", 40 * DAY, ready=False)
    found = unused_modules(home, 30 * DAY, now=NOW)
    assert [item.path.name for item in found] == ["node-aaaa", "seed-cccc"]
    assert all(item.size >= 50_000 for item in found)
    freed = remove(found)
    assert freed == sum(item.size for item in found)
    assert sorted(path.name for path in home.modules.iterdir()) == ["python-bbbb", "python-bbbb.lock"]


def test_what_was_used_lately_stays_whatever_is_asked(tmp_path: Path) -> None:
    """An age of 0 does not pull a toolchain from under a run."""
    home = Home(tmp_path)
    entry(home, "node-aaaa", 60)
    assert unused_modules(home, 0, now=NOW) == []


def test_an_empty_home_has_no_garbage(tmp_path: Path) -> None:
    """No module store, nothing to do."""
    assert unused_modules(Home(tmp_path), 0) == []
