"""Write docs/img/*.svg: every screen with the same recorded traffic. ``make screenshots``

The traffic is that of the snapshot tests, so that a picture shows what a test holds.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
os.environ.update(TZ="UTC", COLORTERM="truecolor", TERM="xterm-256color")
os.environ.pop("NO_COLOR", None)
time.tzset()

from tests.tui import builders, scenes  # noqa: E402
from workbench.settings.home import Home  # noqa: E402
from workbench.tui import format as fmt  # noqa: E402
from workbench.tui.app import WorkbenchApp  # noqa: E402
from workbench.tui.source import Source  # noqa: E402
from workbench.tui.themes import DARK, LIGHT  # noqa: E402

SIZE = (130, 34)
PICTURES = {
    # name: (scene, theme)
    "exchanges": ("exchanges", DARK),
    "exchanges-light": ("exchanges", LIGHT),
    "exchange": ("exchange-chat", DARK),
    "timing": ("exchange-timing", DARK),
    "compare": ("compare", DARK),
    "diff": ("diff", DARK),
    "runs": ("runs-tree", DARK),
    "run": ("run", DARK),
    "plan": ("run-waiting", DARK),
    "new-run": ("new-run", DARK),
    "router": ("router", DARK),
    "stats": ("stats", DARK),
    "retention": ("retention", DARK),
    "settings": ("settings", DARK),
    "welcome": ("welcome", DARK),
    "jump": ("jump", DARK),
    "help": ("help", DARK),
}


async def picture(name: str, scene: str, theme: str, folder: Path) -> None:
    home = Home(Path("home"))
    recorded = builders.Recorded(home)
    scenes.SCENES[scene][0](recorded)
    recorded.close()
    app = WorkbenchApp(Source(home), theme=theme, start_router=False)
    async with app.run_test(size=SIZE) as pilot:
        await scenes.play(pilot, scene)
        svg = app.export_screenshot(title="workbench", simplify=True)
    (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    print(f"docs/img/{name}.svg")


def main() -> None:
    folder = ROOT / "docs" / "img"
    folder.mkdir(parents=True, exist_ok=True)
    fmt.now_us = lambda: builders.NOW_US
    for name, (scene, theme) in PICTURES.items():
        with tempfile.TemporaryDirectory() as scratch:
            os.chdir(scratch)
            asyncio.run(picture(name, scene, theme, folder))
            os.chdir(ROOT)


if __name__ == "__main__":
    main()
