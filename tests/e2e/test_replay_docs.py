"""The commands in docs/replay.md are run as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import ROOT, RouterProcess, clean_environment

BLOCK = re.compile(r"<!-- run -->\n```sh\n(.*?)```", re.S)


def test_every_marked_block_of_the_replay_page_runs(router: RouterProcess, tmp_path: Path) -> None:
    """In order, in one folder, on a home with one recorded exchange; the first command that fails ends it."""
    router.chat("what is a slug?", model="demo", stream=True)
    blocks = BLOCK.findall((ROOT / "docs" / "replay.md").read_text())
    assert len(blocks) >= 4
    bin_folder = str(Path(sys.executable).parent)
    environment = clean_environment(WORKBENCH_HOME=str(router.home))
    environment["PATH"] = f"{bin_folder}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-euxc", "\n".join(blocks)],
        capture_output=True,
        text=True,
        timeout=110,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]
