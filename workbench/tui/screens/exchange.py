"""One exchange: everything that is recorded of it, one view at a time."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from workbench.domain.exchange import Exchange
from workbench.tui.document import Document, Folding, Line, Lines
from workbench.tui.exchange_row import ExchangeRow
from workbench.tui.facts_view import head
from workbench.tui.messages import Trouble
from workbench.tui.screens.exchange_keys import ExchangeKeys
from workbench.tui.source import Source, Whole
from workbench.tui.widgets.findline import FindLine
from workbench.tui.widgets.recordlist import RecordList
from workbench.tui.widgets.tabline import TabLine
from workbench.tui.widgets.textview import TextView

TABS = ("Chat", "Request", "Response", "Headers", "Timing", "Cost", "Replays")


class ExchangeScreen(ExchangeKeys):
    """Opened with `enter` on a list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "right,l,right_square_bracket,tab",
            "tab(1)",
            "Next view",
            id="exchange.next-tab",
            key_display="←→",
        ),
        Binding(
            "left,h,left_square_bracket,shift+tab",
            "tab(-1)",
            "Previous view",
            show=False,
            id="exchange.prev-tab",
        ),
        Binding("slash", "find", "Find", priority=True, id="exchange.find"),
        Binding("enter", "enter", "Fold", show=False, id="exchange.fold"),
        Binding("x", "raw", "Raw", show=False, id="exchange.raw"),
        Binding("J", "neighbour(1)", "Older exchange", show=False, id="exchange.older"),
        Binding("K", "neighbour(-1)", "Newer exchange", show=False, id="exchange.newer"),
    ]

    def __init__(self, exchange_id: str) -> None:
        super().__init__()
        self.exchange_id = exchange_id
        self.whole: Whole | None = None
        self._raw = False
        self._documents: dict[str, tuple[Document, str]] = {}

    def body(self) -> ComposeResult:
        yield Static(classes="title", markup=False)
        yield TabLine(TABS, id="tabs")
        yield FindLine()
        yield TextView(Lines([Line("Reading…", "dim")]), id="text")
        replays: RecordList[Exchange] = RecordList(
            ExchangeRow(), id="replays", empty="No replays yet: r sends it again."
        )
        replays.display = False
        yield replays

    def on_mount(self) -> None:
        """Read it."""
        self.say(trail=self.exchange_id)
        self.query_one("#text").focus()
        self.read()

    def read(self) -> None:
        """Read everything of the exchange."""
        self.ask(partial(self.source.whole, self.exchange_id), self._take, group="whole")

    def _take(self, whole: Whole) -> None:
        self.trouble(None)
        first = self.whole is None
        self.whole = whole
        self.exchange_id = whole.exchange.id
        self._documents.clear()
        self.query_one(".title", Static).update(head(whole.exchange))
        self.say(trail=whole.exchange.id)
        self._show(top=first)

    def store_changed(self) -> None:
        """Read again what is still running; other things only change by keys of ours."""
        if self.whole is None or self.whole.exchange.state == "running":
            self.read()

    def subjects(self) -> list[Exchange]:
        """Return this exchange, or the replay under the cursor."""
        if self.tabs.tab == "Replays":
            return self.query_one("#replays", RecordList).chosen or self._own()
        return self._own()

    def _own(self) -> list[Exchange]:
        return [self.whole.exchange] if self.whole is not None else []

    def changed_here(self, items: list[Exchange]) -> None:
        """A key changed it."""
        self.read()

    # -- the views

    @property
    def tabs(self) -> TabLine:
        """The line of tabs."""
        return self.query_one(TabLine)

    @property
    def text(self) -> TextView:
        """The view of all tabs but the last."""
        return self.query_one("#text", TextView)

    @on(TabLine.Changed)
    def _tab_changed(self) -> None:
        self._show(top=True)

    def _show(self, *, top: bool) -> None:
        if self.whole is None:
            return
        tab = self.tabs.tab
        replays = self.query_one("#replays", RecordList)
        replays.display, self.text.display = tab == "Replays", tab != "Replays"
        if tab == "Replays":
            replays.focus()
            self.ask(partial(_replays, self.source, self.exchange_id), self._replays, group="replays")
            return
        self.text.focus()
        if tab in self._documents:
            self._put(tab, top, self._documents[tab])
            return
        self.ask(
            partial(_document, tab, self.whole, raw=self._raw), partial(self._put, tab, top), group="document"
        )

    def _put(self, tab: str, top: bool, made: tuple[Document, str]) -> None:
        self._documents[tab] = made
        if tab == self.tabs.tab:
            document, note = made
            self.text.show(document, top=top)
            self.tabs.note = note
            self.tabs.refresh()
            foldable = "   enter folds" if isinstance(document, Folding) else ""
            self.say(standing=f"{len(document):,} lines{foldable}")

    def _replays(self, found: list[Exchange]) -> None:
        rows = self.query_one("#replays", RecordList)
        rows.reset(found, more=False)
        self.tabs.note = f"{len(found)} replays"
        self.tabs.refresh()

    @on(RecordList.Chosen)
    def _open_replay(self, message: RecordList.Chosen[Exchange]) -> None:
        self.open(message.item.id)

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`/` comes before all else, so that what is typed right after it is text."""
        return action != "find" or not self.typing

    def action_tab(self, step: int) -> None:
        self.tabs.step(step)

    def action_enter(self) -> None:
        """Fold or unfold where the cursor is."""
        self.text.action_fold()

    def action_raw(self) -> None:
        """Bodies as they came, or indented."""
        self._raw = not self._raw
        self._documents.clear()
        if self.tabs.tab not in {"Request", "Response"}:
            self.tabs.action_show(TABS.index("Response"))
        self._show(top=True)

    def action_find(self) -> None:
        self.query_one(FindLine).edit(self.text)

    def action_neighbour(self, step: int) -> None:
        """Open the next exchange of the list below without going back."""
        below = self.app.screen_stack[-2] if len(self.app.screen_stack) > 1 else None
        rows = below.query(RecordList).first() if below is not None and below.query(RecordList) else None
        if rows is None:
            return
        rows.action_move(step)
        if rows.current is not None and rows.current.id != self.exchange_id:
            self.exchange_id, self.whole = rows.current.id, None
            self.read()

    def trouble(self, trouble: Trouble | None) -> None:
        """Show a failure in its place."""
        super().trouble(trouble)
        if trouble is not None and self.whole is None and self.is_mounted:
            self.text.show(Lines())


def _document(tab: str, whole: Whole, *, raw: bool) -> tuple[Document, str]:
    """Make what a tab shows. Runs in a thread."""
    from workbench.tui import body_view, conversation_view, facts_view, timing_view
    from workbench.tui.format import size

    exchange = whole.exchange
    match tab:
        case "Chat":
            return conversation_view.chat(exchange, whole.request, whole.response), ""
        case "Request" | "Response":
            data = whole.request if tab == "Request" else whole.response
            document, how = body_view.body(data, raw=raw)
            return document, f"{size(len(data))}, {how}   x raw"
        case "Headers":
            return body_view.headers(whole.request_headers, whole.response_headers), ""
        case "Timing":
            return timing_view.timing(exchange, whole.attempts, whole.writes), ""
        case _:
            return facts_view.cost(exchange), ""


def _replays(source: Source, exchange_id: str) -> list[Exchange]:
    found = source.reader().replays(exchange_id)
    return sorted(found, key=lambda item: (item.started_at, item.id), reverse=True)
