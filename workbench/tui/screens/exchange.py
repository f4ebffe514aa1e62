"""One exchange: everything that is recorded of it, one view at a time."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.worker import get_current_worker

from workbench.domain.exchange import Exchange
from workbench.tui import exchange_views as views
from workbench.tui.body import Body
from workbench.tui.document import Folding, Line, Lines
from workbench.tui.exchange_row import ExchangeRow
from workbench.tui.exchange_views import TABS, Opened, View
from workbench.tui.facts_view import head
from workbench.tui.memory import LARGE
from workbench.tui.messages import Trouble
from workbench.tui.screens.exchange_keys import ExchangeKeys
from workbench.tui.source import Whole
from workbench.tui.widgets.chrome import Title
from workbench.tui.widgets.findline import FindLine
from workbench.tui.widgets.recordlist import RecordList
from workbench.tui.widgets.tabline import TabLine
from workbench.tui.widgets.textview import TextView

_NEWS_S = 0.2
_HOLD_S = 0.05
"""How long the screen that is left stays to be seen while an exchange is read."""


class ExchangeScreen(ExchangeKeys):
    """Opened with `enter` on a list. It can be opened again, on another exchange, once it was left."""

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
    AUTO_FOCUS = "#text"

    def __init__(self, exchange_id: str, opened: Opened | None = None) -> None:
        """`opened`: what was read of it already."""
        super().__init__()
        self.exchange_id = exchange_id
        self.whole: Whole | None = None
        self.free = False
        """Whether it was left, and can be opened on another exchange."""
        self._opened = opened
        self._raw = False
        self._views: dict[str, View] = {}
        self._turn = 0
        """Counts the exchanges that were opened here: what was read of an earlier one comes too late."""
        self._held: ExitStack | None = None

    def body(self) -> ComposeResult:
        yield Title()
        yield TabLine(TABS, id="tabs")
        yield TextView(id="text")

    def on_mount(self) -> None:
        """Show it, or read it."""
        self._begin()

    def open_again(self, exchange_id: str, opened: Opened | None) -> None:
        """Show another exchange, as if the screen were new."""
        self.free, self.exchange_id, self._opened = False, exchange_id, opened
        self._begin()

    def _begin(self) -> None:
        self._raw = False
        self.tabs.put(TABS[0], "")
        self.query_one(Title).show("")
        self.say(trail=self.exchange_id, standing="")
        self.text.wrap = True
        self.text.show(Lines([Line("Reading…", "dim")]))
        opened, self._opened = self._opened, None
        if opened is not None:
            self._take(opened)
        else:
            self._hold()
            self.read()

    def left(self) -> None:
        """Forget what was read; the screen stays, ready for the next exchange."""
        whole = self.whole
        self.free, self.whole = True, None
        self._turn += 1
        self._release()
        self._views.clear()
        self.text.show(Lines())
        for line in self.query(FindLine):
            line.drop()
        for rows in self.query("#replays").results(RecordList):
            rows.reset([], more=False)
        if whole is not None and len(whole.request) + len(whole.response) > LARGE:
            self.set_timer(0.5, self.work.give_memory_back)

    def read(self) -> None:
        """Read everything of the exchange."""
        self.ask(
            partial(views.read, self.source, self.exchange_id, self.tabs.tab, raw=self._raw),
            partial(self._taken, self._turn),
            group="whole",
        )

    def _taken(self, turn: int, opened: Opened) -> None:
        if turn == self._turn:
            self._take(opened)

    def _take(self, opened: Opened) -> None:
        self.trouble(None)
        first, self.whole = self.whole is None, opened.whole
        self.exchange_id = opened.whole.exchange.id
        self._views.clear()
        if opened.view is not None:
            self._keep(opened.tab, opened.view)
        self.query_one(Title).show(head(opened.whole.exchange))
        self.say(trail=self.exchange_id)
        self._show(top=first)

    def _hold(self) -> None:
        """Draw nothing for a moment: what is read by then is drawn once instead of twice."""
        if self._held is None:
            self._held = ExitStack()
            self._held.enter_context(self.app.batch_update())
            self.set_timer(_HOLD_S, self._release)

    def _release(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None
            self.refresh()

    def store_changed(self) -> None:
        """Read again what is still running; other things only change by keys of ours."""
        if self.whole is None or self.whole.exchange.state == "running":
            self.read()

    def subjects(self) -> list[Exchange]:
        """Return this exchange, or the replay under the cursor."""
        if self.tabs.tab == "Replays":
            return self._list().chosen or self._own()
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

    def _list(self) -> RecordList[Exchange]:
        """Return the last tab's list; it is made when it is first needed."""
        for rows in self.query("#replays").results(RecordList):
            return rows
        made: RecordList[Exchange] = RecordList(
            ExchangeRow(), id="replays", empty="No replays yet: r sends it again."
        )
        self.mount(made, after="#text")
        return made

    @on(TabLine.Changed)
    def _tab_changed(self) -> None:
        self._show(top=True)

    def _show(self, *, top: bool) -> None:
        if self.whole is None:
            return
        tab = self.tabs.tab
        if tab == "Replays":
            self._show_replays()
            return
        for rows in self.query("#replays"):
            rows.display = False
        self.text.display = True
        self.set_focus(self.text)
        if tab in self._views:
            self._put(tab, top)
            return
        self.ask(
            partial(views.view, tab, self.whole, raw=self._raw),
            partial(self._made, self._turn, tab, top),
            group="document",
        )

    def _made(self, turn: int, tab: str, top: bool, made: View) -> None:
        if turn == self._turn:
            self._keep(tab, made)
            self._put(tab, top)

    def _keep(self, tab: str, made: View) -> None:
        """Keep a view; what is missing of a large body is decoded for as long as it is kept."""
        self._views[tab] = made
        document = made[0]
        if isinstance(document, Body) and not document.complete:

            def unwanted() -> bool:
                return self._views.get(tab) is not made or get_current_worker().is_cancelled

            self.ask(partial(document.fill, unwanted), lambda _: self._stand(tab), group=f"fill {tab}")

    def _put(self, tab: str, top: bool) -> None:
        if tab == self.tabs.tab:
            document, note = self._views[tab]
            self.text.show(document, top=top)
            self.tabs.put(tab, note)
            self._stand(tab)
        self._release()

    def _stand(self, tab: str) -> None:
        """Say how many lines a view has, or has so far."""
        if tab != self.tabs.tab or tab not in self._views:
            return
        document = self._views[tab][0]
        foldable = "   enter folds" if isinstance(document, Folding) else ""
        far = "" if document.complete else " so far"
        self.say(standing=f"{len(document):,} lines{far}{foldable}")
        if not document.complete:
            self.set_timer(_NEWS_S, partial(self._stand, tab))

    def _show_replays(self) -> None:
        rows = self._list()
        rows.display, self.text.display = True, False
        rows.focus()
        self.ask(
            partial(views.replays, self.source, self.exchange_id),
            partial(self._replays, self._turn),
            group="replays",
        )
        self._release()

    def _replays(self, turn: int, found: list[Exchange]) -> None:
        if turn == self._turn:
            self._list().reset(found, more=False)
            self.tabs.put(self.tabs.tab, f"{len(found)} replays")

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
        self._views.clear()
        if self.tabs.tab not in {"Request", "Response"}:
            self.tabs.action_show(TABS.index("Response"))
        self._show(top=True)

    async def action_find(self) -> None:
        if not self.query(FindLine):
            await self.mount(FindLine(), after="#tabs")
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
            self._turn += 1
            self.read()

    def trouble(self, trouble: Trouble | None) -> None:
        """Show a failure in its place."""
        super().trouble(trouble)
        if trouble is not None and self.whole is None and self.is_mounted:
            self.text.show(Lines())
            self._release()
