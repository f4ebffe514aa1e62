"""The one view for everything long: chats, bodies, headers, logs, files, diffs.

Only the rows on the screen are wrapped, highlighted and drawn; where they stand is the `RowView`'s.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from textual.worker import get_current_worker

from workbench.tui import search
from workbench.tui.document import BAR, Document, Folding, Line
from workbench.tui.highlight import spans
from workbench.tui.paint import Paint, runs
from workbench.tui.widgets.rowview import RowView

Mark = tuple[int, int, str]
"""(start, end, style name) within a row"""


class TextView(RowView, can_focus=True):
    """A document on the screen: scrolls, wraps, finds, folds, follows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "line(1)", "Down", show=False, id="text.down"),
        Binding("up,k", "line(-1)", "Up", show=False, id="text.up"),
        Binding("pagedown,ctrl+f,space", "page(1)", "Page down", show=False, id="text.page-down"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, id="text.page-up"),
        Binding("ctrl+d", "page(0.5)", "Half page down", show=False, id="text.half-down"),
        Binding("ctrl+u", "page(-0.5)", "Half page up", show=False, id="text.half-up"),
        Binding("g,home", "top", "First line", show=False, id="text.top"),
        Binding("G,end", "bottom", "Last line, follow", show=False, id="text.bottom"),
        Binding("n", "hit(1)", "Next hit", show=False, id="text.next"),
        Binding("N", "hit(-1)", "Previous hit", show=False, id="text.previous"),
        Binding("w", "wrap", "Wrap on or off", show=False, id="text.wrap"),
        Binding("H,shift+left", "side(-8)", "Scroll left", show=False, id="text.left"),
        Binding("L,shift+right", "side(8)", "Scroll right", show=False, id="text.right"),
        Binding("z", "fold", "Fold", show=False, id="text.fold"),
        Binding("Z", "fold_all", "Fold all", show=False, id="text.fold-all"),
    ]

    class Found(Message):
        """A search is done: `hits` places."""

        def __init__(self, term: str, hits: list[search.Hit]) -> None:
            super().__init__()
            self.term = term
            self.hits = hits

    class Moved(Message):
        """The hit that is shown is number `at` (1 first) of `total`."""

        def __init__(self, at: int, total: int, term: str) -> None:
            super().__init__()
            self.at = at
            self.total = total
            self.term = term

    def __init__(self, document: Document | None = None, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(document, id=id)
        self._cursor = 0
        self._term = ""
        self._hits: list[search.Hit] = []
        self._hit = -1
        self._folded = False

    # -- what is shown

    def show(self, document: Document, *, follow: bool = False, top: bool = True) -> None:
        """Show another document; `top` begins at its first line, `follow` stays at its end as it grows."""
        self.document = document
        self.follow = follow
        if top:
            self._cursor, self._goal = 0, None
            self._hits, self._hit = [], -1
            self.scroll_to(0, 0, animate=False)
        self._lay_out()
        if self._term:
            self.find(self._term)

    @property
    def term(self) -> str:
        """What is looked for."""
        return self._term

    def find(self, term: str) -> None:
        """Look for a plain term; posts `Found`, then shows the nearest hit."""
        self._term = term
        self.refresh()
        self.run_worker(
            partial(self._search, self.document, term),
            thread=True,
            exclusive=True,
            group="find",
            exit_on_error=False,
        )

    def _search(self, document: Document, term: str) -> None:
        worker = get_current_worker()
        hits = search.find_all(document, term, lambda: worker.is_cancelled)
        if not worker.is_cancelled:
            self.post_message(self.Found(term, hits))

    def on_text_view_found(self, message: Found) -> None:
        """Show the hit nearest to what is on the screen."""
        if message.term != self._term:
            return
        self._hits = message.hits
        self._hit = search.nearest(self._hits, self.line_at_top) if self._hits else -1
        self._show_hit()

    # -- keys

    def action_line(self, step: int) -> None:
        if isinstance(self.document, Folding):
            self._move_cursor(step)
            return
        self._let_go()
        self.scroll_relative(y=step, animate=False)

    def action_page(self, pages: float) -> None:
        step = int(pages * max(1, self.size.height - 1))
        if isinstance(self.document, Folding):
            self._move_cursor(step)
        else:
            self._let_go()
            self.scroll_relative(y=step, animate=False)

    def action_top(self) -> None:
        self._let_go()
        self._cursor = 0
        self.scroll_to(0, 0, animate=False)
        self.refresh()

    def action_bottom(self) -> None:
        self._let_go()
        self.follow = True
        self._cursor = max(0, len(self.document) - 1)
        self._index_on()
        self.scroll_end(animate=False)
        self.refresh()

    def action_hit(self, step: int) -> None:
        if self._hits:
            self._hit = (self._hit + step) % len(self._hits)
            self._show_hit()

    def action_wrap(self) -> None:
        self.wrap = not self.wrap
        self._lay_out()

    def action_side(self, step: int) -> None:
        self.scroll_relative(x=step, animate=False)

    def action_fold(self) -> None:
        if isinstance(self.document, Folding) and len(self.document):
            self.document.toggle(self._cursor)
            self._cursor = min(self._cursor, len(self.document) - 1)
            self._lay_out()

    def action_fold_all(self) -> None:
        if isinstance(self.document, Folding):
            self._folded = not self._folded
            self.document.fold_all(close=self._folded)
            self._cursor = 0
            self._lay_out()

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor on a line; a second one folds it."""
        row = self.scroll_offset.y + event.y
        if isinstance(self.document, Folding) and row < self._index.rows:
            line = self._index.locate(row)[0]
            if line == self._cursor and self.document.foldable(line):
                self.action_fold()
            self._cursor = line
            self.refresh()

    def on_mouse_scroll_up(self) -> None:
        """Reading back ends following."""
        self._let_go()

    def _let_go(self) -> None:
        """Stay where the reader goes."""
        self.follow, self._goal = False, None

    def _move_cursor(self, step: int) -> None:
        self._cursor = max(0, min(self._cursor + step, len(self.document) - 1))
        self._index.extend(0)
        if self._cursor < self._index.lines:
            self._keep_visible(self._index.row_of(self._cursor), margin=0)
        self.refresh()

    def _show_hit(self) -> None:
        total = len(self._hits)
        self.post_message(self.Moved(self._hit + 1, total, self._term))
        if total:
            line, offset = self._hits[self._hit]
            self.follow = False
            self._reach(line, partial(self._put_hit, line, offset))
        self.refresh()

    def _put_hit(self, line: int, offset: int) -> None:
        self._cursor = line
        self._keep_visible(self._index.row_of(line, offset), margin=3)
        self.refresh()

    # -- drawing

    def render_line(self, y: int) -> Strip:
        paint, base, width = self.paint, self.base, self.size.width
        row = self.scroll_offset.y + y
        index = self._index
        if row >= index.rows:
            index.extend(0, until_row=row)
        if row >= index.rows:
            return Strip.blank(width, base)
        number, sub = index.locate(row)
        if index.giant(number):
            start, _, text = index.giant_row(number, sub)
            strip = self._giant(paint, text, number, start, row, base)
        else:
            strip = self._row(paint, self.document.line(number), number, sub, base)
        if not self.wrap:
            strip = strip.crop(self.scroll_offset.x)
        if isinstance(self.document, Folding) and number == self._cursor and self.has_focus:
            strip = strip.extend_cell_length(width, base).apply_style(paint.style("cursor"))
        return strip.crop_extend(0, width, base).apply_offsets(0, row)

    def _giant(self, paint: Paint, text: str, number: int, start: int, row: int, base: Style) -> Strip:
        """Draw one row of a line too long to be read for it: only hits are marked."""
        return Strip(self._marked(paint, text, self._hit_spans(text, number, start), row, 0, base))

    def _row(self, paint: Paint, line: Line, number: int, sub: int, base: Style) -> Strip:
        start, end = self._index.row_text(line, sub)
        segments: list[Segment] = []
        if line.indent:
            gutter = line.gutter if sub == 0 or line.gutter == BAR else ""
            shown = gutter.ljust(line.indent)[: line.indent]
            segments.append(Segment(shown, base + paint.style(line.gutter_style)))
        marks = [*spans(line.kind, line.text), *self._hit_spans(line.text, number, 0)]
        inside = [(first - start, last - start, name) for first, last, name in marks]
        # A line is one row or several by its width, never by a break that slipped into it.
        text = line.text[start:end].replace("\n", "⏎")
        row = self._index.first_row(number) + sub
        return Strip([*segments, *self._marked(paint, text, inside, row, line.indent, base)])

    def _marked(
        self, paint: Paint, text: str, marks: list[Mark], row: int, indent: int, base: Style
    ) -> list[Segment]:
        """Return a row's text with its emphasis, hits and what the mouse has marked."""
        selected = self._selected(row, indent)
        if not marks and not selected:
            return [Segment(text, base)]
        styles = [base] * len(text)
        for first, last, name in marks:
            style = paint.style(name)
            for at in range(max(first, 0), min(last, len(text))):
                styles[at] = styles[at] + style
        if selected:
            chosen = self.screen.get_component_rich_style("screen--selection")
            for at in range(*slice(*selected).indices(len(text))):
                styles[at] = styles[at] + chosen
        return runs(text, styles)

    def _hit_spans(self, text: str, number: int, start: int) -> list[Mark]:
        """Return hits in a text that begins at character `start` of its line."""
        if not self._term:
            return []
        here = self._hits[self._hit] if 0 <= self._hit < len(self._hits) else None
        return [
            (
                found.start(),
                found.end(),
                "hit-here" if (number, start + found.start()) == here else "hit",
            )
            for found in search.compile_term(self._term).finditer(text)
        ]

    # -- selection with the mouse

    def _selected(self, row: int, indent: int) -> tuple[int, int] | None:
        selection = self.text_selection
        span = selection.get_span(row) if selection is not None else None
        if span is None:
            return None
        start, end = span
        return max(0, start - indent), 1 << 30 if end == -1 else max(0, end - indent)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return what is marked, as it is shown; the `y` menu copies exact bytes."""
        last = self._index.rows - 1
        first_row = selection.start.y if selection.start is not None else 0
        last_row = min(selection.end.y if selection.end is not None else last, last)
        out: list[str] = []
        for row in range(first_row, last_row + 1):
            number, sub = self._index.locate(row)
            if self._index.giant(number):
                text, indent = self._index.giant_row(number, sub)[2], 0
            else:
                line = self.document.line(number)
                start, end = self._index.row_text(line, sub)
                text, indent = line.text[start:end], line.indent
            span = self._selected(row, indent)
            piece = text[slice(*span)] if span else ""
            if sub and out:
                out[-1] += piece
            else:
                out.append(piece)
        return "\n".join(out), "\n"
