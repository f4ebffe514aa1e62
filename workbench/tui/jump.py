"""Jump mode's targets: every pane, tab and row on a screen, each with letters to go there.

The places at the top are no targets: their number keys stand beside them already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from textual.screen import Screen
from textual.widget import Widget

from workbench.tui.widgets.choices import Choices
from workbench.tui.widgets.itemlist import ItemList
from workbench.tui.widgets.recordlist import RecordList
from workbench.tui.widgets.tabline import TabLine

LETTERS = "asdfghjklqwertyuiopzxcvbnm"
"""The home row first."""


class Target(NamedTuple):
    """A place on the screen, in cells, and how to go there; `open` asks for what enter does too."""

    x: int
    y: int
    go: Callable[[bool], object]


def targets(screen: Screen[Any]) -> list[Target]:
    """Return what can be jumped to: panes and tabs first, then rows, each from top to bottom."""
    panes = [target for widget in screen.focus_chain for target in _pane(widget)]
    tabs = [target for line in screen.query(TabLine) if line.region for target in _tabs(line)]
    rows = [target for widget in screen.focus_chain for target in _rows(widget)]
    return [*panes, *tabs, *rows]


def labels(count: int) -> list[str]:
    """Return as many different labels, none the beginning of another: one letter while that is enough."""
    letters = len(LETTERS)
    first = min(letters, max(0, -(-(count - letters) // (letters - 1))))
    pairs = [begin + letter for begin in LETTERS[letters - first :] for letter in LETTERS]
    return [*LETTERS[: letters - first], *pairs][:count]


def _pane(widget: Widget) -> Iterator[Target]:
    region = widget.region
    if region:
        yield Target(region.x, region.y, lambda _open: widget.focus())


def _tabs(line: TabLine) -> Iterator[Target]:
    for index, x in line.tab_places():
        yield Target(line.region.x + x, line.region.y, partial(_to_tab, line, index))


def _rows(widget: Widget) -> Iterator[Target]:
    region = widget.region
    if isinstance(widget, RecordList):
        for at, record in enumerate(widget.on_screen(), 1):
            yield Target(region.x, region.y + at, partial(_to_record, widget, record.id))
    elif isinstance(widget, ItemList):
        for y, key in widget.keys_on_screen():
            yield Target(region.x, region.y + y, partial(_to_item, widget, key))
    elif isinstance(widget, Choices):
        for x, y, name in widget.places_on_screen():
            yield Target(region.x + x, region.y + y, partial(_to_choice, widget, name))


def _to_tab(line: TabLine, index: int, _open: bool) -> None:
    line.action_show(index)


def _to_choice(widget: Choices, name: str, _open: bool) -> None:
    widget.take(name)


def _to_record(rows: RecordList[Any], record_id: str, open_it: bool) -> None:
    rows.focus()
    if rows.select(record_id) and open_it:
        rows.action_choose()


def _to_item(items: ItemList, key: str, open_it: bool) -> None:
    items.focus()
    items.go(key)
    if open_it:
        items.action_choose()
