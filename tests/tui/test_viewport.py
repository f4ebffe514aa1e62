"""The cursor is on an item: whatever comes in around it, it stays there and on the screen."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.tui.viewport import Viewport
from workbench.tui.window import Window


@dataclass
class Item:
    """A record of the list; its time is its number."""

    started_at: int

    @property
    def id(self):
        return f"item-{self.started_at}"


def items(newest, oldest):
    """Return items from one number down to another."""
    return [Item(number) for number in range(newest, oldest - 1, -1)]


def view(newest=100, oldest=1, *, height=10, more=False):
    """Return a viewport on a page."""
    made = Viewport()
    made.height = height
    made.reset(items(newest, oldest), more=more)
    made.settle()
    return made


def test_news_go_by_above_the_cursor():
    """It stays on its item and on its row of the screen; what came is counted."""
    here = view()
    here.go(5)
    assert here.take_news(items(103, 50), more=True)
    assert (here.current, here.at - here.top, here.unseen) == (Item(95), 5, 3)


def test_news_take_a_cursor_on_the_newest_along():
    """Unless following is off."""
    here = view()
    here.take_news(items(103, 50), more=True)
    assert (here.current, here.unseen) == (Item(103), 0)
    here.tail = False
    here.take_news(items(105, 50), more=True)
    assert (here.current, here.unseen) == (Item(103), 2)


def test_news_that_no_longer_reach_the_rows_change_nothing_but_the_count():
    """More came than a page holds: the newest edge is open now."""
    here = view()
    here.go(5)
    assert not here.take_news(items(300, 200), more=True)
    assert (here.current, here.unseen, here.following) == (Item(95), 1, False)
    assert ("newer", Item(100)) in list(here.wanted())


def test_pages_around_the_cursor_leave_it_on_its_item():
    """Rows that are dropped at the other end move it up in the window."""
    here = view(100, 81)
    here.window = Window(limit=30)
    here.window.reset(items(100, 81), more=True)
    here.go(15)
    here.take_older(items(80, 61), more=True)
    assert (here.current, here.window.rows[0], len(here.window)) == (Item(85), Item(90), 30)
    here.take_newer(items(100, 91), more=False)
    assert here.current == Item(85)
    assert here.window.at_newest


@pytest.mark.parametrize(
    ("at", "more", "edges"),
    [(0, True, []), (70, True, ["older"]), (99, False, [])],
    ids=["top", "low", "end"],
)
def test_a_page_is_wanted_some_screens_before_it_is_missing(at, more, edges):
    """Four below; never at the data's own edge."""
    here = view(more=more)
    here.go(at)
    assert [edge for edge, _ in here.wanted()] == edges


def test_the_bar_shows_the_place_in_the_whole_list():
    """At the newest its top, at the oldest its bottom; none where everything is on the screen."""
    here = view(total := 100, 1)
    here.total = total
    assert here.thumb() == range(1)
    here.go(99)
    assert here.thumb() == range(9, 10)
    assert view(5, 1).thumb() is None


def test_a_page_keeps_the_cursor_on_its_row_of_the_screen():
    """Scrolling takes it along at the edge only."""
    here = view()
    here.go(3)
    here.page(1)
    assert (here.top, here.at) == (9, 12)
    here.scroll(3)
    assert (here.top, here.at) == (12, 12)
    here.scroll(-30)
    assert (here.top, here.at) == (0, 9)


@given(
    st.lists(st.tuples(st.sampled_from(["go", "page", "scroll"]), st.integers(-60, 120)), max_size=20),
    st.integers(1, 40),
    st.integers(0, 60),
)
def test_the_cursor_is_always_in_the_list_and_on_the_screen(moves, height, count):
    """Also in an empty list, and on a screen that is longer than it."""
    here = view(count, 1, height=height)
    for name, step in moves:
        getattr(here, name)(step)
        assert 0 <= here.top <= here.at < here.top + height
        assert here.at < max(1, count)
        assert len(here.on_screen()) == min(height, count)
