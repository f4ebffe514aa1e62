"""Stats: requests, tokens, cost and latency by model and tenant, over a span of time."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from workbench.domain.exchange import Exchange
from workbench.tui import format as fmt
from workbench.tui.document import Line, Lines
from workbench.tui.screens.base import Place
from workbench.tui.source import Source
from workbench.tui.totals import Totals, totals
from workbench.tui.totals_view import SLOTS, totals_lines
from workbench.tui.widgets.tabline import TabLine
from workbench.tui.widgets.textview import TextView

SPANS = {"1 hour": 3_600, "24 hours": 86_400, "7 days": 604_800, "30 days": 2_592_000}
LIMIT = 20_000
"""Exchanges that are summed up; the newest ones of the span."""
_PAGE = 1_000


class StatsScreen(Place):
    """Reads anew when it is opened, when the span changes and with `R`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,right_square_bracket,tab", "span(1)", "Span", id="stats.next", key_display="←→"),
        Binding(
            "left,h,left_square_bracket,shift+tab", "span(-1)", "Shorter", show=False, id="stats.previous"
        ),
        Binding("R", "reload", "Read again", id="stats.reload"),
    ]

    def body(self) -> ComposeResult:
        yield TabLine(tuple(SPANS))
        yield TextView(Lines([Line("Reading…", "dim")]))

    def on_mount(self) -> None:
        """Begin with a day."""
        self.query_one(TextView).focus()
        self.query_one(TabLine).active = 1

    def on_tab_line_changed(self) -> None:
        """Read another span."""
        self.action_reload()

    def action_span(self, step: int) -> None:
        self.query_one(TabLine).step(step)

    def action_reload(self) -> None:
        """Sum up again."""
        seconds = SPANS[self.query_one(TabLine).tab]
        self.say(standing="◌ reading")
        self.ask(partial(_summed, self.source, seconds), self._show, group="stats")

    def _show(self, found: Totals) -> None:
        self.trouble(None)
        self.say(standing=f"{found.whole.requests:,} exchanges")
        self.query_one(TextView).show(totals_lines(found), top=False)


def _summed(source: Source, seconds: int) -> Totals:
    """Read the span page by page and sum it up. Blocks."""
    to_us = fmt.now_us()
    from_us = to_us - seconds * 1_000_000
    found: list[Exchange] = []
    last: Exchange | None = None
    complete = False
    while len(found) < LIMIT:
        page = source.exchanges("", before=last, limit=_PAGE)
        within = [item for item in page.items if item.started_at >= from_us]
        found += within
        complete = page.next is None or len(within) < len(page.items)
        if complete:
            break
        last = page.items[-1]
    start = from_us if complete else min((item.started_at for item in found), default=from_us)
    return totals(found, start, to_us, SLOTS, complete=complete)
