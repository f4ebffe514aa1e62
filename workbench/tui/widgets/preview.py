"""What the cursor is on, read a moment after it came to rest."""

from __future__ import annotations

from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.timer import Timer

from workbench.domain.exchange import Exchange
from workbench.domain.text import printable
from workbench.tui.asking import Asking
from workbench.tui.document import Document, Folding, Line, Lines
from workbench.tui.exchange_views import Opened
from workbench.tui.format import size
from workbench.tui.messages import Trouble
from workbench.tui.source import Source
from workbench.tui.widgets.chrome import Title
from workbench.tui.widgets.textview import TextView

_REST_S = 0.1
"""A held key must not read an exchange at every step."""
_LIMIT = 2_000_000
"""Largest exchange that is read for a preview, in bytes."""


class Preview(Asking, Vertical):
    """The conversation of one exchange, at its end: what was answered is what is looked for."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._item: Exchange | None = None
        self._timer: Timer | None = None
        self._shown: tuple[str, str] | None = None
        self._opened: Opened | None = None

    def compose(self) -> ComposeResult:
        yield Title()
        yield TextView(Lines())

    def opened(self, item: Exchange) -> Opened | None:
        """Return what was read of an exchange, if it is shown and has not changed since."""
        opened = self._opened
        return opened if opened is not None and opened.whole.exchange == item else None

    def show_soon(self, item: Exchange | None) -> None:
        """Show an exchange once the cursor rests."""
        if item is not None and self._shown == (item.id, item.state):
            return
        self._item = item
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_REST_S, self._read)

    def _read(self) -> None:
        item = self._item
        self._opened = None
        if item is None:
            self._shown = None
            self.query_one(Title).show("")
            self.query_one(TextView).show(Lines())
        elif item.request_bytes + item.response_bytes > _LIMIT:
            text = f"{size(item.request_bytes + item.response_bytes)}: enter opens it"
            self._show(item, Lines([Line(""), Line(text, "dim")]))
        else:
            source: Source = self.app.source  # type: ignore[attr-defined]
            self.ask(partial(_load, source, item.id), self._take, group="preview", otherwise=self._failed)

    def _take(self, found: tuple[Opened, Document]) -> None:
        opened, document = found
        self._opened = opened
        self._show(opened.whole.exchange, document)

    def _show(self, item: Exchange, document: Document) -> None:
        if self._item is None or item.id != self._item.id:
            return
        from workbench.tui.facts_view import head

        same = self._shown is not None and self._shown[0] == item.id
        self._shown = (item.id, item.state)
        self.query_one(Title).show(head(item))
        view = self.query_one(TextView)
        view.show(document, top=not same)
        if not same and len(document) > view.size.height:
            view.show_line(_answer_line(document))

    def _failed(self, trouble: Trouble) -> None:
        lines = Lines()
        lines.add(printable(trouble.text), "bad")
        if trouble.hint:
            lines.add(printable(trouble.hint), "dim")
        self.query_one(TextView).show(lines)


def _answer_line(document: Document) -> int:
    """Return the line of the last message's heading: the answer is what is looked for."""
    return next(
        (at for at in range(len(document) - 1, -1, -1) if document.line(at).kind.startswith("role ")), 0
    )


def _load(source: Source, exchange_id: str) -> tuple[Opened, Document]:
    """Read an exchange, for this pane and for the screen it is opened on; each folds on its own."""
    from workbench.tui.exchange_views import read

    opened = read(source, exchange_id)
    document, note = opened.view or (Lines(), "")
    own = document.copy() if isinstance(document, Folding) else document
    return opened._replace(view=(own, note)), document
