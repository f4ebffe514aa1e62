"""Stats: requests, tokens, cost and latency over a span of time, by model, tenant and day."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from workbench.tui import format as fmt
from workbench.tui.document import Line, Lines
from workbench.tui.screens.base import Place
from workbench.tui.source import Source
from workbench.tui.totals import Span, Totals, totals
from workbench.tui.totals_view import totals_lines
from workbench.tui.widgets.tabline import TabLine
from workbench.tui.widgets.textview import TextView

SPANS = {"1 hour": (3_600, 60), "24 hours": (86_400, 60), "7 days": (604_800, 56), "30 days": (2_592_000, 60)}
"""Seconds and slices of each."""
DEADLINE_S = 60.0


class StatsScreen(Place):
    """Reads anew when it is opened, when the span changes and with `R`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,right_square_bracket,tab", "span(1)", "Span", id="stats.next", key_display="←→"),
        Binding(
            "left,h,left_square_bracket,shift+tab", "span(-1)", "Shorter", show=False, id="stats.previous"
        ),
        Binding("R", "reload", "Read again", id="stats.reload"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._found: Totals | None = None

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
        span = Span.until(fmt.now_us(), *SPANS[self.query_one(TabLine).tab])
        self.say(standing="◌ adding up")
        self.ask(partial(_summed, self.source, span), self._show, group="stats")

    def _show(self, found: Totals) -> None:
        self.trouble(None)
        self._found = found
        self.say(standing=f"{found.whole.requests:,} exchanges")
        self._draw()

    def on_resize(self) -> None:
        """Charts stand side by side where there is room."""
        self._draw()

    def _draw(self) -> None:
        if self._found is not None:
            self.query_one(TextView).show(totals_lines(self._found, self.size.width - 3), top=False)


def _summed(source: Source, span: Span) -> Totals:
    """Add the span up. Blocks. Raises QueryTimeout."""
    from workbench.store.usage import usage

    rows = usage(source.reader(), span.from_us, span.to_us, span.slot_us, deadline_s=DEADLINE_S)
    return totals(rows, span)
