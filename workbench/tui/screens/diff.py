"""Two exchanges compared: verdict, figures, and the answers' diff by word."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from workbench.tui.document import Document, Line, Lines
from workbench.tui.screens.base import Place
from workbench.tui.widgets.findline import FindLine
from workbench.tui.widgets.tabline import TabLine
from workbench.tui.widgets.textview import TextView

if TYPE_CHECKING:
    from workbench.tui.source import Source

TABS = ("Answers", "Requests")


class DiffScreen(Place):
    """Opened with `d`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "right,l,right_square_bracket,tab", "tab(1)", "Other view", id="diff.next-tab", key_display="←→"
        ),
        Binding(
            "left,h,left_square_bracket,shift+tab", "tab(-1)", "Other view", show=False, id="diff.prev-tab"
        ),
        Binding("slash", "find", "Find", id="diff.find"),
        Binding("d", "back", "Back", show=False, id="diff.back"),
    ]

    def __init__(self, first: str, second: str) -> None:
        super().__init__()
        self.first, self.second = first, second
        self._documents: dict[str, Document] = {}

    def body(self) -> ComposeResult:
        yield Static(classes="title", markup=False)
        yield TabLine(TABS)
        yield FindLine()
        yield TextView(Lines([Line("Comparing…", "dim")]))

    def on_mount(self) -> None:
        """Compare."""
        self.say(trail="diff")
        self.query_one(TextView).focus()
        self.ask(partial(_compared, self.source, self.first, self.second), self._take, group="compare")

    def _take(self, found: tuple[str, Document, Document]) -> None:
        verdict, answers, requests = found
        self.query_one(".title", Static).update(verdict)
        self._documents = dict(zip(TABS, (answers, requests), strict=True))
        self._show()

    def on_tab_line_changed(self) -> None:
        """Show the other view."""
        self._show()

    def _show(self) -> None:
        document = self._documents.get(self.query_one(TabLine).tab)
        if document is not None:
            self.query_one(TextView).show(document)

    def action_tab(self, step: int) -> None:
        self.query_one(TabLine).step(step)

    def action_find(self) -> None:
        self.query_one(FindLine).edit(self.query_one(TextView))


def _compared(source: Source, first: str, second: str) -> tuple[str, Document, Document]:
    from workbench.replay.compare import compare
    from workbench.replay.readable import request_text
    from workbench.replay.source import read_recorded
    from workbench.tui.diff_view import comparison_lines, text_diff, verdict_line

    reader = source.reader()
    one, two = read_recorded(reader, first), read_recorded(reader, second)
    comparison = compare(one, two)
    return (
        verdict_line(comparison),
        comparison_lines(comparison, one, two),
        text_diff(request_text(one), request_text(two)),
    )
