"""Exchanges: the live list of everything that goes through the router, with a preview and a filter."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import Resize
from textual.geometry import Size
from textual.timer import Timer
from textual.widget import Widget

from workbench.domain.exchange import Exchange
from workbench.tui.exchange_row import ExchangeRow
from workbench.tui.format import exact
from workbench.tui.messages import Trouble
from workbench.tui.screens.exchange_keys import ExchangeKeys
from workbench.tui.screens.filtering import Filtering
from workbench.tui.source import PAGE
from workbench.tui.widgets.preview import Preview
from workbench.tui.widgets.recordlist import RecordList

if TYPE_CHECKING:
    from workbench.store.page import Page

_WIDE = 118
_TALL = 34
_NEWS = 60


class ExchangesScreen(Filtering, ExchangeKeys):
    """The list; `enter` opens what the cursor is on."""

    fixed = ""
    """A filter that is always in force."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", priority=True, id="exchanges.filter"),
        Binding("f", "tail", "Follow", id="exchanges.tail"),
        Binding("v", "preview", "Preview", show=False, id="exchanges.preview"),
        Binding("C", "columns", "Columns", show=False, id="exchanges.columns"),
        Binding("escape", "clear", "Clear", show=False, id="exchanges.clear"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.where = ""
        self._row = ExchangeRow()
        self._counting: Timer | None = None
        self._fetching = False
        self._stale = False
        self._about_timer: Timer | None = None

    # -- what it looks like

    def body(self) -> ComposeResult:
        split, preview = Container(classes="split", id="split"), Preview(id="preview")
        self._lay_out(split, preview, self.app.size)  # at once: classes that change later are looked up again
        with split:
            yield RecordList(self._row, id="list", empty="No exchanges yet. Point a client at the router.")
            yield preview

    def on_mount(self) -> None:
        """Ask for the first page."""
        first = self.first_filter()
        self.where = self._whole(first)
        self.rows.view.tail = self.work.kept.tail
        self._row.chosen = self.work.kept.columns
        if first:
            self.call_after_refresh(self.show_filter, first)
        self.rows.focus()
        self.rows.start_over()
        self.set_timer(0.5, self.filter_line)
        self._count()

    def on_resize(self, event: Resize) -> None:
        """Wide: preview at the right. Tall: below. Small: none, until `v`."""
        self._lay_out(self.query_one("#split"), self.query_one(Preview), event.size)

    def _lay_out(self, split: Widget, preview: Preview, size: Size) -> None:
        wide, wanted = size.width >= _WIDE, self.work.kept.preview
        preview.display = (wide or size.height >= _TALL) if wanted is None else wanted
        preview.set_class(wide, "side")
        preview.set_class(not wide, "below")
        split.set_class(preview.display and wide, "-wide")

    @property
    def rows(self) -> RecordList[Exchange]:
        """The list."""
        return self.query_one("#list", RecordList)

    # -- the keys' object

    def subjects(self) -> list[Exchange]:
        """What a key acts on: the marked exchanges, else the current one."""
        return self.rows.chosen

    def changed_here(self, items: list[Exchange]) -> None:
        """A key changed these."""
        self.rows.update_items(items)

    # -- pages

    @on(RecordList.Wanted)
    def _fetch(self, message: RecordList.Wanted[Exchange]) -> None:
        edge, item, source, where = message.edge, message.item, self.source, self.where
        jobs = {
            "newest": (partial(source.exchanges, where), self._newest),
            "oldest": (partial(source.oldest, where), self._oldest),
            "older": (partial(source.exchanges, where, before=item), self._older),
            "newer": (partial(source.exchanges, where, after=item), self._newer),
        }
        job, take = jobs[edge]
        self.ask(job, partial(take, where), group=f"page-{edge}", otherwise=self._page_failed)

    def _newest(self, where: str, page: Page) -> None:
        if where == self.where:
            self.trouble(None)
            self.rows.reset(page.items, more=page.next is not None)
            self._settled()

    def _oldest(self, where: str, page: Page) -> None:
        if where == self.where:
            self.rows.reset(page.items, more=False, newest=len(page.items) < PAGE)
            self._settled()

    def _older(self, where: str, page: Page) -> None:
        if where == self.where:
            self.rows.take_older(page.items, more=page.next is not None)
            self._settled()

    def _newer(self, where: str, page: Page) -> None:
        if where == self.where:
            self.rows.take_newer(page.items, more=len(page.items) >= PAGE)
            self._settled()

    def _page_failed(self, trouble: Trouble) -> None:
        self.rows.failed()
        self.trouble(trouble)

    # -- news

    def store_changed(self) -> None:
        """Read the newest page and what is running again, one reading at a time."""
        if self._fetching:
            self._stale = True
            return
        self._fetching = True
        running = [item for item in self.rows.on_screen() if item.state == "running"]
        self.ask(
            partial(self._read_news, self.where, running),
            self._news,
            group="news",
            otherwise=self._news_failed,
        )

    def _read_news(self, where: str, running: list[Exchange]) -> tuple[str, Page, list[Exchange]]:
        page = self.source.exchanges(where, limit=_NEWS)
        seen = {item.id for item in page.items}
        return where, page, self.source.fresh([item for item in running if item.id not in seen])

    def _news(self, found: tuple[str, Page, list[Exchange]]) -> None:
        where, page, fresh = found
        self._fetching = False
        if where == self.where:
            self.rows.update_items(fresh)
            self.rows.take_news(page.items, more=page.next is not None)
            self._settled()
            self._count()
        if self._stale:
            self._stale = False
            self.store_changed()

    def _news_failed(self, trouble: Trouble) -> None:
        self._fetching = False
        self.trouble(trouble)

    # -- what stands where

    def _count(self) -> None:
        """Count all, at most once a second: at a million rows it is not free."""
        if self._counting is None:
            self._counting = self.set_timer(0.05 if self.rows.view.total is None else 1.0, self._count_now)

    def _count_now(self) -> None:
        self._counting = None
        where = self.where
        self.ask(
            lambda: self.source.reader().count(where, deadline_s=2.0),
            partial(self._counted, where),
            group="count",
            otherwise=lambda _trouble: None,
        )

    def _counted(self, where: str, total: int | None) -> None:
        if where == self.where:
            self.rows.view.total = total
            self._stand()
            self.rows.refresh()

    def _settled(self) -> None:
        self._stand()
        if self._about_timer is None:
            self._about_timer = self.set_timer(0.08, self._read_about)

    def _read_about(self) -> None:
        """Fill in what the exchanges on the screen were about."""
        self._about_timer = None
        missing = [item for item in self.rows.on_screen() if item.id not in self._row.about]
        if missing:
            self.ask(
                partial(self.source.about, missing),
                self._abouts,
                group="about",
                otherwise=lambda _trouble: None,
            )

    def _abouts(self, found: dict[str, str]) -> None:
        if len(self._row.about) > 5_000:
            self._row.about.clear()
        self._row.about.update(found)
        self.rows.refresh()

    def _stand(self) -> None:
        rows = self.rows
        place = exact(rows.view.position) if rows.view.position is not None else "…"
        total = exact(rows.view.total) if rows.view.total is not None else "…"
        marked = f"{len(rows.marked)} marked   " if rows.marked else ""
        news = f"▲ {rows.view.unseen} new (g)   " if rows.view.unseen else ""
        tail = "following" if rows.view.tail else "not following"
        self.say(standing=f"{marked}{news}{place if total != '0' else 0} of {total}   {tail}")

    @on(RecordList.Highlighted)
    def _highlighted(self, message: RecordList.Highlighted[Exchange]) -> None:
        self._settled()
        preview = self.query_one(Preview)
        if preview.display:
            preview.show_soon(message.item)

    @on(RecordList.Chosen)
    def _open(self, message: RecordList.Chosen[Exchange]) -> None:
        self.work.open_exchange(message.item.id, self.query_one(Preview).opened(message.item))

    # -- keys

    def action_clear(self) -> None:
        """Unmark first, then drop the filter."""
        if self.rows.marked:
            self.rows.clear_marks()
        elif self.where != self.fixed:
            self.drop_filter()
        self._stand()

    def action_tail(self) -> None:
        """Follow the newest while the cursor is on it, or never."""
        self.rows.view.tail = not self.rows.view.tail
        self.work.kept.tail = self.rows.view.tail
        self._stand()

    def action_columns(self) -> None:
        """Choose the list's columns; they are kept."""
        from workbench.tui.exchange_row import COLUMNS, USUAL
        from workbench.tui.screens.picking import Picker

        shown = USUAL if self._row.chosen is None else self._row.chosen
        self.app.push_screen(Picker("Columns", list(COLUMNS), list(shown)), self._columns_chosen)

    def _columns_chosen(self, chosen: list[str] | None) -> None:
        if chosen is not None:
            self._row.chosen = self.work.kept.columns = chosen
            self.rows.refresh()

    def action_preview(self) -> None:
        preview = self.query_one(Preview)
        self.work.kept.preview = not preview.display
        self._lay_out(self.query_one("#split"), preview, self.size)
        if preview.display:
            preview.show_soon(self.rows.current)

    def first_filter(self) -> str:
        return self.work.kept.filter

    @property
    def filters(self) -> list[str]:
        return self.work.kept.filters

    def filter_values(self) -> dict[str, list[str]]:
        return {"model": [str(group.get("name")) for group in self.work.status.groups]}

    def keep_filter(self, text: str) -> None:
        self.work.kept.filter = text

    def _whole(self, text: str) -> str:
        """Return the typed filter within what the screen is limited to."""
        return f"{self.fixed} ({text})" if self.fixed and text else self.fixed or text

    def filter(self, text: str) -> None:
        self.keep_filter(text)
        if self._whole(text) != self.where:
            self.where = self._whole(text)
            self.rows.view.total = None
            self.rows.empty = "Nothing matches this filter." if text else "No exchanges yet."
            self.rows.start_over()
            self._count()
