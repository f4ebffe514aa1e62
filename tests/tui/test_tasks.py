"""The ten tasks of docs/tasks.md, with the keys that the page names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tui.builders import shows, until
from tests.tui.scenes import traffic

PAGE = Path(__file__).parents[2] / "docs" / "tasks.md"
SHOWN = {
    "1": ["Yes: rain is expected."],
    "2": ["Chat", "Do I need an umbrella"],
    "3": ['"temperature": 0', '"messages": ['],
    "4": ["1 of 1", "✗ 504"],
    "5": ["1 of 1", "gpt-mini"],
    "6": ["Copied as curl"],
    "7": ["alike", "because"],
    "8": ["attempts", "whole answer"],
    "9": ["golden", "★"],
    "10": ["by model", "claude-sonnet"],
}
KEYS = {"→": "right", "/": "slash"}


def tasks():
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|$", PAGE.read_text(), re.M)
    return [(number, re.findall(r"`([^`]+)`", keys)) for number, _, keys in rows]


@pytest.mark.parametrize(("number", "keys"), tasks())
async def test_task(app, recorded, monkeypatch, number, keys):
    """The keys of the page do what the page says."""
    monkeypatch.setenv("SSH_TTY", "/dev/pts/9")
    traffic(recorded)
    assert len(keys) <= 8
    async with app.run_test(size=(160, 44)) as pilot:
        await shows(pilot, "1 of 8", "following")
        for key in keys:
            await pilot.press(*([KEYS.get(key, key)] if len(key) == 1 or key == "enter" else key))
            await pilot.pause()
        if number == "6":
            notices = app._notifications
            await until(pilot, lambda: any(SHOWN["6"][0] in notice.message for notice in notices), "the copy")
        else:
            await shows(pilot, *SHOWN[number])


def test_the_page_has_ten():
    """No task is left out."""
    assert [number for number, _ in tasks()] == [str(number) for number in range(1, 11)]
    assert set(SHOWN) == {number for number, _ in tasks()}
