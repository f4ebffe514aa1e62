"""The window over an endless list: what is kept, what is dropped, what is news."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.tui.window import Window


class Row(NamedTuple):
    started_at: int
    id: str
    state: str = ""


def rows(newest: int, oldest: int) -> list[Row]:
    return [Row(at, f"r{at:05d}") for at in range(newest, oldest - 1, -1)]


def test_older_pages_are_appended_and_the_far_side_is_dropped():
    """Only `limit` rows are kept; what was dropped is counted and asked for again."""
    window = Window(limit=10)
    window.reset(rows(100, 93), more=True)
    dropped = window.add_older(rows(92, 87), more=True)
    assert dropped == 4
    assert [row.started_at for row in window.rows] == list(range(96, 86, -1))
    assert (window.at_newest, window.at_oldest, window.above) == (False, False, 4)


def test_newer_pages_close_the_newest_edge():
    """Going back up restores what was dropped, without doubles."""
    window = Window(limit=10)
    window.reset(rows(96, 87), more=True, newest=False, above=4)
    added = window.add_newer(rows(100, 95), more=False)
    assert added == 4
    assert window.rows[0].started_at == 100
    assert (window.at_newest, window.above) == (True, 0)


def test_news_are_merged_even_when_they_come_out_of_order():
    """A row that started earlier but was committed later finds its place."""
    window = Window()
    window.reset([Row(5, "e"), Row(3, "c")], more=False)
    assert window.merge_newest([Row(6, "f"), Row(5, "e"), Row(4, "d"), Row(3, "c")], more=False) == 2
    assert [row.id for row in window.rows] == ["f", "e", "d", "c"]


def test_a_burst_longer_than_a_page_opens_the_newest_edge():
    """Rows between the page and the window are not known, so the window no longer begins at the newest."""
    window = Window()
    window.reset(rows(10, 1), more=False)
    assert window.merge_newest(rows(100, 91), more=True) is None
    assert window.at_newest is False


def test_a_newer_reading_replaces_a_row():
    """A running row becomes complete in its place."""
    window = Window()
    window.reset([Row(2, "b", "running"), Row(1, "a")], more=False)
    assert window.update([Row(2, "b", "complete")])
    assert window.rows[0].state == "complete"


@given(st.lists(st.integers(0, 60), min_size=1, unique=True), st.integers(5, 30), st.integers(1, 8))
def test_paging_down_and_up_again_never_loses_or_doubles_a_row(times, limit, page):
    """Whatever is walked over, the window is a contiguous part of the list."""
    data = [Row(at, f"r{at:03d}") for at in sorted(times, reverse=True)]
    window = Window(limit=limit)
    window.reset(data[:page], more=len(data) > page)
    while not window.at_oldest:
        last = data.index(window.rows[-1]) + 1
        window.add_older(data[last : last + page], more=last + page < len(data))
    while not window.at_newest:
        first = data.index(window.rows[0])
        window.add_newer(data[max(0, first - page) : first], more=first - page > 0)
    start = data.index(window.rows[0])
    assert window.rows == data[start : start + len(window.rows)]
    assert start == 0


@pytest.mark.parametrize("gone", [{"r00003"}, {"r00001", "r00002"}])
def test_removed_rows_are_gone(gone):
    """Deleting takes rows out."""
    window = Window()
    window.reset(rows(4, 1), more=False)
    window.remove(gone)
    assert not gone & {row.id for row in window.rows}
