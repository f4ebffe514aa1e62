"""Runs: what was generated, replayed and talked about, as a tree down to gates, turns, forks and attempts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import Resize
from textual.timer import Timer

from workbench.domain.exchange import Exchange
from workbench.domain.run import FINISHED, Run
from workbench.tui import state as kept
from workbench.tui.completion import RUNS, Language
from workbench.tui.messages import Trouble
from workbench.tui.run_tree import Node, top
from workbench.tui.screens.exchange_keys import ExchangeKeys
from workbench.tui.screens.filtering import Filtering
from workbench.tui.screens.run_keys import RunKeys
from workbench.tui.source import PAGE
from workbench.tui.widgets.recordlist import RecordList
from workbench.tui.widgets.runpreview import RunPreview
from workbench.tui.widgets.runtree import RunTree
from workbench.tui.widgets.tabline import TabLine

if TYPE_CHECKING:
    from workbench.store.page import RunPage
    from workbench.tui.changes import Item
    from workbench.tui.paint import Piece
    from workbench.tui.run_inside import Inside

KINDS = ("All", "Workflows", "Sessions", "Replays")
_KIND = {"Workflows": "workflow", "Sessions": "session", "Replays": "replay"}
_WIDE, _TALL = 118, 30
_NEWS = 60
_OF_EXCHANGES = frozenset({"diff", "edit", "save", "replay_on", "outside"})

View = tuple[str | None, str]
"""(kind, filter) that a page was read for"""


class RunsScreen(Filtering, RunKeys, ExchangeKeys):
    """The tree of runs; `enter` opens what the cursor is on, `right` unfolds it."""

    language: ClassVar[Language] = RUNS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", priority=True, id="runs.filter"),
        Binding("right_square_bracket,tab", "kind(1)", "Kind", id="runs.next-kind", key_display="tab"),
        Binding(
            "left_square_bracket,shift+tab", "kind(-1)", "Previous kind", show=False, id="runs.prev-kind"
        ),
        Binding("a", "new", "New run", id="runs.new"),
        Binding("v", "preview", "Preview", show=False, id="runs.preview"),
        Binding("escape", "clear", "Clear", show=False, id="runs.clear"),
        # What is of use in some rows only is not at the bottom.
        Binding("d", "diff", "Diff", show=False, id="exchange.diff"),
        Binding("e", "edit", "Edit & replay", show=False, id="exchange.edit"),
        Binding("s", "save", "Save payload", show=False, id="exchange.save"),
        Binding("w", "web_smoke", "Web smoke", show=False, id="run.web-smoke"),
        Binding("c", "cancel_run", "Cancel", show=False, id="run.cancel"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.where = ""
        self._fetching = self._stale = self._of_exchange = False
        self._words: Timer | None = None

    def body(self) -> ComposeResult:
        yield TabLine(KINDS, id="kinds")
        with Container(classes="split", id="split"):
            yield RunTree(id="list", empty="No runs of this kind yet: 3 starts one.")
            yield RunPreview(id="preview")

    def on_mount(self) -> None:
        """Ask for the first page, as it was left."""
        left = self.work.kept
        self.where = left.run_filter
        if self.where:
            self.call_after_refresh(self.show_filter, self.where)
        if left.run_kind in KINDS:
            self.query_one(TabLine).put(left.run_kind, "")
        self.rows.tree_window.open = dict.fromkeys(left.unfolded)
        self.rows.focus()
        self.rows.start_over()

    def on_resize(self, event: Resize) -> None:
        """Wide: preview at the right; else below where there is room."""
        self._lay_out(event.size.width, event.size.height)

    def _lay_out(self, width: int, height: int) -> None:
        wide, wanted = width >= _WIDE, self.work.kept.run_preview
        preview = self.query_one(RunPreview)
        preview.display = (wide or height >= _TALL) if wanted is None else wanted
        preview.set_class(wide, "side")
        preview.set_class(not wide, "below")
        self.query_one("#split").set_class(preview.display and wide, "-wide")

    @property
    def rows(self) -> RunTree:
        """The tree."""
        return self.query_one(RunTree)

    @property
    def view(self) -> View:
        """What is shown: a kind (None for all) and a filter."""
        return _KIND.get(self.query_one(TabLine).tab), self.where

    # -- what the keys act on

    def subject(self) -> Run | None:
        """Return the run that the cursor is on or in."""
        node = self.rows.current
        return node.run if node is not None else None

    def chosen(self) -> Sequence[Item]:
        """Return marked runs and exchanges, else the one under the cursor; steps and gates are their run."""
        found: dict[str, Item] = {}
        for node in self.rows.chosen:
            item: Item = node.exchange or node.run
            found[item.id] = item
        return list(found.values())

    def subjects(self) -> list[Exchange]:
        """Return the exchanges among them."""
        return [item for item in self.chosen() if isinstance(item, Exchange)]

    def changed_here(self, items: list[Exchange]) -> None:
        """Show what was changed."""
        self.rows.take_exchanges(items)
        self.store_changed()

    # -- pages of runs

    @on(RecordList.Wanted)
    def _fetch(self, message: RecordList.Wanted[Node]) -> None:
        (kind, where), source = self.view, self.source
        tops = self.rows.tree_window.tops.rows
        jobs = {
            "newest": (partial(source.runs, where, kind=kind), self._newest),
            "oldest": (partial(source.oldest_runs, where, kind), self._oldest),
            "older": (
                partial(source.runs, where, kind=kind, before=tops[-1].run if tops else None),
                self._older,
            ),
            "newer": (
                partial(source.runs, where, kind=kind, after=tops[0].run if tops else None),
                self._newer,
            ),
        }
        job, take = jobs[message.edge]
        self.ask(job, partial(self._take, self.view, take), group=message.edge, otherwise=self._failed)

    def _take(self, view: View, take: Callable[[list[Node], bool], None], page: RunPage) -> None:
        if view == self.view:
            self.trouble(None)
            take([top(run) for run in page.items], page.next is not None)
            self._settled()

    def _newest(self, items: list[Node], more: bool) -> None:
        self.rows.reset(items, more=more)

    def _oldest(self, items: list[Node], _more: bool) -> None:
        self.rows.reset(items, more=False, newest=len(items) < PAGE)

    def _older(self, items: list[Node], more: bool) -> None:
        self.rows.take_older(items, more=more)

    def _newer(self, items: list[Node], more: bool) -> None:
        self.rows.take_newer(items, more=more)

    def _failed(self, trouble: Trouble) -> None:
        self._fetching = False
        self.rows.failed()
        self.trouble(trouble)

    # -- what is inside

    @on(RunTree.Missing)
    def _read_inside(self, message: RunTree.Missing) -> None:
        from workbench.tui.run_inside import inside

        node, after, source = message.node, message.after, self.source
        self.ask(
            lambda: inside(source.reader(), node, after),
            partial(self._inside, node.id),
            group=f"inside {node.id}",
            otherwise=partial(self._not_read, node.id),
        )

    def _inside(self, node_id: str, found: Inside) -> None:
        self.rows.take_inside(node_id, found.rows, more=found.more)
        self._settled()

    def _not_read(self, node_id: str, trouble: Trouble) -> None:
        self.rows.tree_window.failed(node_id)
        self.trouble(trouble)

    @on(RunTree.Folded)
    def _folded(self) -> None:
        self.work.kept.unfolded = list(self.rows.tree_window.open)[-kept.UNFOLDED_KEPT :]
        self._settled()

    # -- news

    def store_changed(self) -> None:
        """Read the newest page, what goes on and what is unfolded again, one reading at a time."""
        if self._fetching:
            self._stale = True
            return
        self._fetching = True
        live = [
            node.run
            for node in self.rows.on_screen()
            if node.id == node.run.id and (node.run.kind == "session" or node.run.status not in FINISHED)
        ]
        self.ask(partial(self._read_news, self.view, live), self._news, group="news", otherwise=self._failed)

    def _read_news(self, view: View, live: list[Run]) -> tuple[View, RunPage, list[Node]]:
        from workbench.tui.run_inside import fresh

        kind, where = view
        page = self.source.runs(where, kind=kind, limit=_NEWS)
        seen = {run.id for run in page.items}
        return view, page, fresh(self.source.reader(), [run for run in live if run.id not in seen])

    def _news(self, found: tuple[View, RunPage, list[Node]]) -> None:
        view, page, fresh = found
        self._fetching = False
        if view == self.view:
            self.rows.update_items(fresh)
            self.rows.take_news([top(run) for run in page.items], more=page.next is not None)
            self._read_again()
            self._settled()
        if self._stale:
            self._stale = False
            self.store_changed()

    def _read_again(self) -> None:
        rows = self.rows.tree_window.stale(self.rows.on_screen())
        if rows:
            from workbench.tui.run_inside import again

            source = self.source
            self.ask(lambda: again(source.reader(), rows), self._again, group="again")

    def _again(self, found: list[tuple[str, Inside]]) -> None:
        for node_id, now in found:
            self.rows.take_inside(node_id, now.rows, more=now.more, anew=True)
        self._settled()

    # -- what stands where

    def _settled(self) -> None:
        rows = self.rows
        tops = rows.tree_window.tops
        more = "" if tops.at_oldest else "+"
        marked = f"{len(rows.marked)} marked   " if rows.marked else ""
        news = f"▲ {rows.view.unseen} new (g)   " if rows.view.unseen else ""
        self.say(standing=f"{marked}{news}{rows.tree_window.number(rows.current)} of {len(tops)}{more}")
        if self._words is None:
            self._words = self.set_timer(0.08, self._read_words)

    def _read_words(self) -> None:
        """Fill in what exchanges on the screen were about, and how replays compare with their originals."""
        self._words = None
        look = self.rows.look
        seen = [(node.kind, node.exchange) for node in self.rows.on_screen() if node.exchange is not None]
        asked = [item for kind, item in seen if kind != "attempt" and item.id not in look.about]
        if asked:
            self.ask(partial(self.source.about, asked), self._abouts, group="about", otherwise=_not_said)
        replays = [item for kind, item in seen if kind == "result" and item.id not in look.verdicts]
        if replays:
            from workbench.tui.comparing import verdicts

            job = partial(verdicts, self.source, replays)
            self.ask(job, self._verdicts, group="verdicts", otherwise=_not_said)

    def _abouts(self, found: dict[str, str]) -> None:
        self.rows.say(self.rows.look.about, found)

    def _verdicts(self, found: dict[str, Piece]) -> None:
        self.rows.say(self.rows.look.verdicts, found)

    @on(RecordList.Highlighted)
    def _highlighted(self, message: RecordList.Highlighted[Node]) -> None:
        self._settled()
        node = message.item
        if (node is not None and node.exchange is not None) != self._of_exchange:
            self._of_exchange = not self._of_exchange
            self.refresh_bindings()
        preview = self.query_one(RunPreview)
        if preview.display:
            preview.show_soon(node)

    # -- keys

    @on(RecordList.Chosen)
    def _open(self, message: RecordList.Chosen[Node]) -> None:
        node = message.item
        if node.exchange is not None:
            self.work.open_exchange(node.exchange.id, self.query_one(RunPreview).opened(node.exchange))
        elif node.kind == "more":
            self._show_exchanges(node.run)
        elif node.kind == "run":
            self.open_run(node.run)
        else:
            from workbench.tui.screens.run import RunScreen

            self.app.push_screen(RunScreen(node.run.id, item=_item_of(node)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys for exchanges work where one is marked or under the cursor."""
        if action in _OF_EXCHANGES:
            return True if self.is_mounted and self.subjects() else None
        return super().check_action(action, parameters)

    @on(TabLine.Changed)
    def _kind_changed(self) -> None:
        if self.is_mounted:
            # The tab that is shown now: the first message is of before the kept one was put there.
            self.work.kept.run_kind = self.query_one(TabLine).tab
            self.rows.start_over()

    def action_kind(self, step: int) -> None:
        self.query_one(TabLine).step(step)

    def action_new(self) -> None:
        self.work.action_go("new")

    def action_preview(self) -> None:
        preview = self.query_one(RunPreview)
        self.work.kept.run_preview = not preview.display
        self._lay_out(self.size.width, self.size.height)
        if preview.display:
            preview.show_soon(self.rows.current)

    def action_clear(self) -> None:
        """Unmark first, then drop the filter."""
        if self.rows.marked:
            self.rows.clear_marks()
        elif self.where:
            self.drop_filter()
        self._settled()

    def _runs_gone(self, runs: list[Run]) -> None:
        gone = {run.id for run in runs}
        self.rows.forget(gone | {way for way in self.rows.marked if not gone.isdisjoint(way.split("/"))})
        self._settled()

    # -- the filter

    @property
    def filters(self) -> list[str]:
        return self.work.kept.run_filters

    def filter_values(self) -> dict[str, list[str]]:
        return {"model": [str(group.get("name")) for group in self.work.status.groups]}

    def filter(self, text: str) -> None:
        self.work.kept.run_filter = text
        if text != self.where:
            self.where = text
            self.rows.empty = "Nothing matches this filter." if text else "No runs yet."
            self.rows.start_over()


def _not_said(_: Trouble) -> None:
    """A line without its words is better than a trouble over them."""


def _item_of(node: Node) -> str:
    """Return the row of the run's own screen that shows a step or a gate."""
    if node.kind == "gate":
        return f"gate:{node.value.get('name') or node.value.get('gate')}"
    step = node.value
    gates = [gate for gate in step.detail.get("gates") or () if isinstance(gate, dict)]
    if gates:
        failed = [gate for gate in gates if not gate.get("passed")]
        return f"gate:{(failed or gates)[-1].get('name')}"
    return {"plan": "plan", "scaffold": f"file:{step.name}", "smoke": "smoke", "repair": "log"}.get(
        step.kind, "overview"
    )
