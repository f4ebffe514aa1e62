"""Runs: what was generated, replayed and talked about, with the steps of the one under the cursor."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.events import Resize
from textual.timer import Timer
from textual.widgets import Static

from workbench.domain.run import Run, Step
from workbench.domain.text import one_line
from workbench.store.page import RunPage
from workbench.tui.messages import Trouble
from workbench.tui.run_row import RunRow
from workbench.tui.run_view import overview
from workbench.tui.screens.base import Place
from workbench.tui.screens.run_keys import RunKeys
from workbench.tui.widgets.recordlist import RecordList
from workbench.tui.widgets.tabline import TabLine
from workbench.tui.widgets.textview import TextView

KINDS = ("All", "Workflows", "Sessions", "Replays")
_KIND = {"Workflows": "workflow", "Sessions": "session", "Replays": "replay"}
_WIDE = 118


class RunsScreen(RunKeys, Place):
    """The list of runs; `enter` opens one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right_square_bracket,tab", "kind(1)", "Kind", id="runs.next-kind", key_display="tab"),
        Binding(
            "left_square_bracket,shift+tab", "kind(-1)", "Previous kind", show=False, id="runs.prev-kind"
        ),
        Binding("a", "new", "New run", id="runs.new"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._fetching = self._stale = False
        self._timer: Timer | None = None

    def body(self) -> ComposeResult:
        yield TabLine(KINDS, id="kinds")
        with Container(classes="split", id="split"):
            yield RecordList(RunRow(), id="list", empty="No runs of this kind yet: 3 starts one.")
            with Vertical(id="preview"):
                yield Static(classes="title", markup=False)
                yield TextView()

    def on_mount(self) -> None:
        """Ask for the first page."""
        self.rows.focus()
        self.rows.start_over()

    def on_resize(self, event: Resize) -> None:
        """Wide: steps at the right; else below where there is room."""
        wide = event.size.width >= _WIDE
        preview = self.query_one("#preview")
        preview.display = wide or event.size.height >= 30
        preview.set_class(wide, "side")
        preview.set_class(not wide, "below")
        self.query_one("#split").set_class(wide, "-wide")

    @property
    def rows(self) -> RecordList[Run]:
        """The list."""
        return self.query_one("#list", RecordList)

    @property
    def kind(self) -> str | None:
        """The kind that is shown; None for all."""
        return _KIND.get(self.query_one(TabLine).tab)

    def subject(self) -> Run | None:
        """Return the run under the cursor."""
        return self.rows.current

    def store_changed(self) -> None:
        """Read the newest page again, one reading at a time."""
        if self._fetching:
            self._stale = True
            return
        self._fetching = True
        self.ask(
            partial(self.source.runs, kind=self.kind, limit=60),
            partial(self._news, self.kind),
            group="news",
            otherwise=self._failed,
        )

    def _news(self, kind: str | None, page: RunPage) -> None:
        self._fetching = False
        if kind == self.kind:
            self.rows.take_news(page.items, more=page.next is not None)
            self._stand()
        if self._stale:
            self._stale = False
            self.store_changed()

    @on(RecordList.Wanted)
    def _fetch(self, message: RecordList.Wanted[Run]) -> None:
        kind, edge = self.kind, message.edge
        if edge == "older":
            job = partial(self.source.runs, kind=kind, before=message.item)
            self.ask(job, partial(self._older, kind), group="older", otherwise=self._failed)
        elif edge == "oldest":
            self.ask(
                partial(self.source.all_runs, kind),
                partial(self._all, kind),
                group="all",
                otherwise=self._failed,
            )
        else:
            job = partial(self.source.runs, kind=kind)
            self.ask(job, partial(self._newest, kind), group="newest", otherwise=self._failed)

    def _newest(self, kind: str | None, page: RunPage) -> None:
        if kind == self.kind:
            self.trouble(None)
            self.rows.reset(page.items, more=page.next is not None)
            self._stand()

    def _all(self, kind: str | None, items: list[Run]) -> None:
        if kind == self.kind:
            self.rows.reset(items, more=False)
            self.rows.action_oldest()

    def _older(self, kind: str | None, page: RunPage) -> None:
        if kind == self.kind:
            self.rows.take_older(page.items, more=page.next is not None)
            self._stand()

    def _failed(self, trouble: Trouble) -> None:
        self._fetching = False
        self.rows.failed()
        self.trouble(trouble)

    def _stand(self) -> None:
        rows = self.rows
        more = "" if rows.window.at_oldest else "+"
        self.say(standing=f"{min(rows.cursor + 1, len(rows.window))} of {len(rows.window)}{more}")

    @on(RecordList.Highlighted)
    def _highlighted(self) -> None:
        self._stand()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(0.06, self._read)

    def _read(self) -> None:
        run = self.rows.current
        if run is not None and self.query_one("#preview").display:
            self.ask(partial(self.source.run_and_steps, run.id), self._preview, group="preview")

    def _preview(self, found: tuple[Run, list[Step]]) -> None:
        run, steps = found
        self.query_one("#preview .title", Static).update(one_line(run.name or run.title or run.id, 200))
        self.query_one("#preview TextView", TextView).show(overview(run, steps))

    @on(RecordList.Chosen)
    def _open(self, message: RecordList.Chosen[Run]) -> None:
        self.open_run(message.item)

    @on(TabLine.Changed)
    def _kind_changed(self) -> None:
        if self.is_mounted:
            self.rows.start_over()

    def action_kind(self, step: int) -> None:
        self.query_one(TabLine).step(step)

    def action_new(self) -> None:
        self.work.action_go("new")
