"""The real program in a real terminal (tmux), and without one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time

import pytest

WORKBENCH = [sys.executable, "-m", "workbench"]


def test_without_a_terminal_it_says_so_and_names_the_headless_command(home):
    """Exit 2, nothing on stdout, no escapes anywhere."""
    done = subprocess.run(
        [*WORKBENCH, "--home", str(home.root)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "workbench exchanges list" in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.terminal
@pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux")
def test_in_tmux_it_paints_takes_keys_and_gives_the_terminal_back(home, recorded, tmp_path):
    """First paint, a filter, an exchange, quit: the shell's screen is as it was."""
    recorded.chat("what is tmux?", "a terminal multiplexer")
    recorded.failed()
    command = f"{' '.join(WORKBENCH)} --home {home.root} --no-start; echo ended with $?; sleep 60"
    with Tmux(tmp_path, command) as tmux:
        tmux.shows("1 of 2")
        tmux.keys("/", "status:200", "Enter")
        tmux.shows("1 of 1")
        tmux.keys("Enter")
        tmux.shows("a terminal multiplexer", "Timing")
        tmux.keys("Escape")
        tmux.shows("1 of 1")
        tmux.keys("q")
        tmux.shows("ended with 0")
        assert "Exchanges" not in tmux.screen()


@pytest.mark.terminal
@pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux")
def test_no_color_is_taken_and_the_cursor_is_still_seen(home, recorded, tmp_path):
    """Without colour the cursor's row is marked by a sign."""
    recorded.chat("q", "a")
    command = f"NO_COLOR=1 {' '.join(WORKBENCH)} --home {home.root} --no-start; sleep 60"
    with Tmux(tmp_path, command) as tmux:
        tmux.shows("▌", "1 of 1")


@pytest.mark.terminal
@pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux")
def test_a_terminal_of_sixteen_colours_gets_only_those(home, recorded, tmp_path):
    """No colour is named by its number or its shares; the cursor's row has its sign."""
    recorded.chat("q", "a")
    command = f"env -u COLORTERM TERM=xterm {' '.join(WORKBENCH)} --home {home.root} --no-start; sleep 60"
    with Tmux(tmp_path, command) as tmux:
        tmux.shows("▌", "1 of 1", "✗ router not running")
        drawn = tmux.screen("-e")
    assert "\x1b[" in drawn
    assert not re.search(r"\x1b\[[0-9;]*[34]8;[25];", drawn)


@pytest.mark.terminal
@pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux")
@pytest.mark.parametrize(("width", "height"), [(80, 24), (300, 100)])
def test_the_smallest_and_the_largest_terminal_are_filled(home, recorded, tmp_path, width, height):
    """Every place fits: the frame is whole, wide characters break no column."""
    for number in range(120):
        recorded.chat(f"漢字 👩‍👩‍👧‍👦 שלום e\u0301 {number}", "مرحبا", model="模型-mini")
    command = f"{' '.join(WORKBENCH)} --home {home.root} --no-start; sleep 60"
    with Tmux(tmp_path, command, width, height) as tmux:
        tmux.shows("1 of 120", "模型-mini")
        for key, text in (
            ("2", "Workflows"),
            ("4", "router"),
            ("5", "took"),
            ("6", "policy"),
            ("7", "max_body_mb"),
            ("1", "of 120"),
        ):
            tmux.keys(key)
            tmux.shows(text, "? help", "^p all")
        least, end = (height - 24 if height > 60 else 8), time.monotonic() + 20
        while len(rows := [row for row in tmux.screen().splitlines() if "模型" in row[:60]]) < least:
            assert time.monotonic() < end, tmux.screen()
            time.sleep(0.1)
        assert len({row.index("模型") for row in rows}) == 1


@pytest.mark.terminal
@pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux")
def test_bodies_open_in_the_editor_and_the_pager_and_the_app_comes_back(home, recorded, tmp_path):
    """`o` and `O` give the other program the exact bytes of what is shown."""
    recorded.put(b'{"asked":1}', b'{"answered":2}')
    kept = tmp_path / "kept"
    script = tmp_path / "program"
    script.write_text(f'#!/bin/sh\ncat "$1" >> {kept}; echo >> {kept}\n')
    script.chmod(0o755)
    program = f"EDITOR={script} PAGER={script} VISUAL="
    command = f"{program} {' '.join(WORKBENCH)} --home {home.root} --no-start; sleep 60"
    with Tmux(tmp_path, command) as tmux:
        tmux.shows("1 of 1")
        tmux.keys("o")
        wait_for_text(kept, '{"answered":2}\n')
        tmux.shows("1 of 1")
        tmux.keys("Enter")
        tmux.shows("Timing")
        tmux.keys("Right")
        tmux.shows('"asked": 1')
        tmux.keys("O")
        wait_for_text(kept, '{"answered":2}\n{"asked":1}\n')
        tmux.shows('"asked": 1')


def wait_for_text(path, text):
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        if path.exists() and path.read_text() == text:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} is not {text!r}: {path.read_text() if path.exists() else 'not there'}")


class Tmux:
    """A tmux server of its own with one window."""

    def __init__(self, folder, command, width=120, height=36):
        self._base = ["tmux", "-S", str(folder / "tmux.sock"), "-f", "/dev/null"]
        self._command = command
        self._size = ["-x", str(width), "-y", str(height)]

    def __enter__(self):
        # In a test's worker process the environment says how large a terminal is; here tmux does.
        environ = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
        environ["TERM"] = "xterm-256color"
        argv = [*self._base, "new-session", "-d", *self._size, self._command]
        subprocess.run(argv, check=True, env=environ)
        return self

    def __exit__(self, *_):
        subprocess.run([*self._base, "kill-server"], check=False, capture_output=True)

    def screen(self, *options):
        return subprocess.run(
            [*self._base, "capture-pane", "-p", *options], capture_output=True, text=True, check=True
        ).stdout

    def keys(self, *keys):
        for key in keys:
            subprocess.run([*self._base, "send-keys", key], check=True)

    def shows(self, *texts):
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            if all(text in self.screen() for text in texts):
                return
            time.sleep(0.05)
        raise AssertionError(f"{texts} not on the screen:\n{self.screen()}")
