"""Replay & compare: what to send, to which models, and the answers side by side with the original."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.events import Resize
from textual.widgets import Static

from workbench.domain.exchange import Exchange
from workbench.domain.text import one_line
from workbench.tui import comparing
from workbench.tui import format as fmt
from workbench.tui.comparing import Answer
from workbench.tui.document import Document, Lines, plain
from workbench.tui.progress import Progress
from workbench.tui.resending import AllSent, Resender, Sending, Sent
from workbench.tui.screens.compare_keys import CompareKeys
from workbench.tui.widgets.columns import Columns
from workbench.tui.widgets.findline import FindLine
from workbench.tui.widgets.itemlist import Item, ItemList
from workbench.tui.widgets.requesteditor import RequestEditor

if TYPE_CHECKING:
    from textual.timer import Timer

_TICK_S = 0.5


class CompareScreen(CompareKeys):
    """`send` sends at once, else the request is shown first; `others` are compared without sending.

    Results stay, sending again adds to them. With several exchanges a list chooses whose answers are shown.
    """

    CSS = """
    CompareScreen.-editing RequestEditor { display: block; }
    CompareScreen.-editing #split { display: none; }
    CompareScreen #items { display: none; }
    CompareScreen.-several #items { display: block; }
    """

    def __init__(
        self, ids: list[str], *, send: bool, models: list[str] | None = None, others: list[str] | None = None
    ) -> None:
        super().__init__(ids, models or [])
        self._send_now = send
        self._others = others or []
        self._base = 0
        """Index of the first answer of the last sending."""
        self._texts: dict[int, Document] = {}
        self._progress = Progress(0)
        self._ticking: Timer | None = None

    def body(self) -> ComposeResult:
        yield Static(classes="title", markup=False)
        yield FindLine()
        yield RequestEditor(id="editor")
        with Container(classes="split", id="split"):
            yield ItemList(id="items")
            yield Columns(id="columns")

    def on_mount(self) -> None:
        """Send, compare what is there, or show what would be sent."""
        self.set_class(len(self.ids) > 1, "-several")
        self.say(trail="replay")
        if self._others:
            job = partial(comparing.compared, self.source, self.ids[0], self._others)
            self.ask(job, self._compared, group="compared")
        elif self._send_now:
            self.action_send()
        else:
            self.action_edit()
        self._draw()
        if len(self.ids) > 1:
            self.items.focus()
        else:
            self.call_after_refresh(self._focus_columns)

    def _focus_columns(self) -> None:
        if not self.has_class("-editing"):
            self.columns.go(self.columns.current)

    def on_resize(self, event: Resize) -> None:
        """The list of exchanges at the left where there is room, else above."""
        wide = event.size.width >= 130
        self.query_one("#split").set_class(wide, "-wide")
        self.items.styles.width = 34 if wide else "1fr"
        self.items.styles.height = "1fr" if wide else max(3, min(8, event.size.height // 5))

    def on_unmount(self) -> None:
        """Nothing goes on that nobody sees."""
        if self._resender is not None:
            self._resender.cancel()

    # -- sending

    def action_send(self) -> None:
        """Send what is set: every exchange, to every chosen model."""
        if self.sending:
            return
        if self.has_class("-editing"):
            fault = self.editor.take()
            if fault is not None:
                self.trouble(fault)
                return
            self._leave_editor()
        chosen: list[str | None] = [*self.models] if self.models else [None]
        body = self.editor.edited
        new = [Sending(exchange, model, body) for exchange in self.ids for model in chosen]
        self._base = len(self._answers)
        self._answers += [Answer(job=job, began_us=fmt.now_us()) for job in new]
        self._progress = Progress(len(new))
        self.trouble(None)
        self._resender = Resender(self.source, self.work.status, new, self.post_message)
        self._resender.start()
        if self._ticking is None:
            self._ticking = self.set_interval(_TICK_S, self._tick)
        self._draw()

    @on(Sent)
    def _sent(self, message: Sent) -> None:
        answer = self._answers[self._base + message.index]
        if message.replayed is not None:
            answer.take(message.replayed)
        else:
            answer.trouble = message.trouble
        self._progress.step()
        self._draw()

    @on(AllSent)
    def _all_sent(self, message: AllSent) -> None:
        self._resender = None
        if self._ticking is not None:
            self._ticking.stop()
            self._ticking = None
        if message.trouble is not None:
            self.trouble(message.trouble)
            for answer in self._answers[self._base :]:
                if not answer.done:
                    answer.trouble = message.trouble
        self._draw()

    def _compared(self, answers: list[Answer]) -> None:
        self._answers += answers
        self._draw()

    # -- drawing

    def _tick(self) -> None:
        self._heads()
        self._stand()

    def _draw(self) -> None:
        self.title_changed()
        if len(self.ids) > 1:
            self.items.put([self._item(at, exchange) for at, exchange in enumerate(self.ids, 1)])
        self._heads()
        self._read()
        self._stand()
        self.refresh_bindings()

    def title_changed(self) -> None:
        """Say what goes where."""
        what = self.ids[0] if len(self.ids) == 1 else f"{len(self.ids)} exchanges"
        models = ", ".join(self.models) or "the same model"
        edited = "   edited" if self.editor.edited is not None else ""
        aim = f"with {len(self._others)} others" if self._others else f"to {one_line(models, 80)}"
        self.query_one(".title", Static).update(f"↻ {what}  {aim}{edited}")

    def _stand(self) -> None:
        done = sum(answer.done for answer in self._answers)
        more = f"   {self._progress}   c cancels" if self.sending else ""
        if self._answers:
            self.say(standing=f"{done} of {len(self._answers)} answered{more}")

    def _item(self, number: int, exchange_id: str) -> Item:
        signs = [self._answers[at].sign() for at in self._answers_of(exchange_id)]
        name = f"{number:>3} …{exchange_id[-10:]}  "
        return Item(exchange_id, ((name, "dim"), *((f"{text} ", style) for text, style in signs)))

    def _heads(self) -> None:
        original = self._originals.get(self.shown)
        now = fmt.now_us()
        answers = [self._answers[at] for at in self._answers_of(self.shown)]
        first = comparing.original_head(original[0] if original is not None else None)
        self.columns.put([first, *(comparing.head(answer, now) for answer in answers)])

    def _read(self) -> None:
        """Show the texts that are known, read those that are not."""
        shown = self.shown
        if shown in self._originals:
            self.columns.show(0, self._originals[shown][1])
        else:
            job = partial(comparing.original_text, self.source, shown)
            self.ask(job, partial(self._original, shown), group="original")
        for place, index in enumerate(self._answers_of(shown), 1):
            if index in self._texts:
                self.columns.show(place, self._texts[index])
            elif self._answers[index].done:
                job_of = partial(comparing.answer_lines, self.source, self._answers[index])
                self.ask(job_of, partial(self._text, index), group=f"answer-{index}")
            else:
                self.columns.show(place, plain("Waiting for the answer…", "dim"))

    def _original(self, exchange_id: str, found: tuple[Exchange, Lines]) -> None:
        self._originals[exchange_id] = found
        if exchange_id == self.shown:
            self._heads()
            self.columns.show(0, found[1])

    def _text(self, index: int, document: Document) -> None:
        self._texts[index] = document
        indexes = self._answers_of(self.shown)
        if index in indexes:
            self.columns.show(indexes.index(index) + 1, document)

    @on(ItemList.Highlighted)
    def _highlighted(self) -> None:
        self._texts.clear()
        self._originals.clear()
        self._heads()
        self._read()

    @on(ItemList.Chosen)
    def _chosen(self) -> None:
        self.columns.go(min(1, len(self.columns.columns) - 1))
