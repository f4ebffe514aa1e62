"""How every screen looks: three sizes in the dark theme, one in the light one.

A change of looks is looked at (`pytest tests/tui/test_snapshots.py`, then the report it names) and taken with
``--snapshot-update``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.builders import Recorded
from tests.tui.scenes import SCENES, play
from workbench.settings.home import Home
from workbench.tui.app import WorkbenchApp
from workbench.tui.source import Source
from workbench.tui.themes import DARK, LIGHT

UNSETTLED = {"retention"}
"""Shows bytes on the disk, which differ with SQLite's version."""
LOOKS = [(80, 24, DARK), (120, 36, DARK), (200, 50, DARK), (120, 36, LIGHT)]


@pytest.mark.parametrize(("width", "height", "theme"), LOOKS, ids=str)
@pytest.mark.parametrize("scene", [name for name in SCENES if name not in UNSETTLED])
def test_screen(snap_compare, scene, width, height, theme, tmp_path, monkeypatch):
    """The screen looks as it did when it was last looked at."""
    monkeypatch.chdir(tmp_path)
    home = Home(Path("home"))  # relative: the screens that show it are the same everywhere
    recorded = Recorded(home)
    SCENES[scene][0](recorded)
    recorded.close()
    app = WorkbenchApp(Source(home), theme=theme, start_router=False)

    assert snap_compare(app, terminal_size=(width, height), run_before=lambda pilot: play(pilot, scene))
