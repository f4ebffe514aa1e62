"""Replay & compare: what to send, to which models, and how the answers differ from the original."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.events import Resize
from textual.widgets import Static, TextArea

from workbench.domain.text import one_line
from workbench.tui import format as fmt
from workbench.tui.diff_view import VERDICTS
from workbench.tui.document import Document, Line, Lines
from workbench.tui.messages import Trouble
from workbench.tui.resending import AllSent, Resender, Sending, Sent
from workbench.tui.screens.base import Place
from workbench.tui.widgets.findline import FindLine
from workbench.tui.widgets.itemlist import Item, ItemList
from workbench.tui.widgets.textview import TextView

if TYPE_CHECKING:
    from workbench.replay.resend import Replayed

EDIT_LIMIT = 60_000
"""Larger requests are edited in the editor only: a text field would be slow with them."""


class CompareScreen(Place):
    """`r` sends at once; `e` edits first. Results stay, sending again adds to them."""

    CSS = """
    CompareScreen #editor { display: none; height: 1fr; }
    CompareScreen.-editing #editor { display: block; }
    CompareScreen.-editing #split { display: none; }
    CompareScreen TextArea {
        height: 1fr; border: none; border-left: thick $primary; background: $surface; padding: 0 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "Send", priority=True, id="compare.send", key_display="^s"),
        Binding("r", "again", "Again", id="compare.again"),
        Binding("M", "models", "Models", id="compare.models"),
        Binding("e", "edit", "Edit", id="compare.edit"),
        Binding("ctrl+e", "editor", "$EDITOR", priority=True, id="compare.editor", key_display="^e"),
        Binding("d", "diff", "Diff", show=False, id="compare.diff"),
        Binding("enter", "open", "Open", show=False, id="compare.open"),
        Binding("c", "stop", "Cancel", id="compare.cancel"),
        Binding("slash", "find", "Find", show=False, id="compare.find"),
        Binding("tab", "side", "Other side", show=False, id="compare.side"),
    ]

    def __init__(self, ids: list[str], *, send: bool) -> None:
        super().__init__()
        self.ids = ids
        self.models: list[str] = []
        self._send_now = send
        self._edited: bytes | None = None
        self._jobs: list[Sending] = []
        self._results: dict[int, Replayed] = {}
        self._troubles: dict[int, Trouble] = {}
        self._pages: dict[int, Document] = {}
        self._resender: Resender | None = None
        self._base = 0

    def body(self) -> ComposeResult:
        yield Static(classes="title", markup=False)
        yield FindLine()
        with Vertical(id="editor"):
            yield TextArea(id="request", show_line_numbers=False, soft_wrap=True, tab_behavior="focus")
        with Container(classes="split", id="split"):
            yield ItemList(id="items")
            yield TextView(Lines(), id="text")

    def on_mount(self) -> None:
        """Send, or show what would be sent."""
        self._head()
        if self._send_now:
            self.query_one(ItemList).focus()
            self.action_send()
        else:
            self.action_edit()

    def on_resize(self, event: Resize) -> None:
        """Results beside their comparison where there is room."""
        wide = event.size.width >= 110
        self.query_one("#split").set_class(wide, "-wide")
        items = self.query_one(ItemList)
        items.styles.width = 54 if wide else "1fr"
        items.styles.height = "1fr" if wide else max(4, min(10, event.size.height // 4))
        self.query_one("#text").set_class(wide, "side")

    def on_unmount(self) -> None:
        """Nothing goes on that nobody sees."""
        if self._resender is not None:
            self._resender.cancel()

    @property
    def sending(self) -> bool:
        """Whether answers are waited for."""
        return self._resender is not None and self._resender.is_alive()

    # -- sending

    def action_send(self) -> None:
        """Send what is set: every exchange, to every chosen model."""
        if self.sending:
            return
        if self.has_class("-editing"):
            if not self._take_edit():
                return
            self.remove_class("-editing")
            self.query_one(ItemList).focus()
        chosen: list[str | None] = [*self.models] if self.models else [None]
        new = [Sending(exchange, model, self._edited) for exchange in self.ids for model in chosen]
        self._base = len(self._jobs)
        self._jobs += new
        self.trouble(None)
        self._resender = Resender(self.source, self.work.status, new, self.post_message)
        self._resender.start()
        self._draw()

    def action_again(self) -> None:
        self.action_send()

    def _take_edit(self) -> bool:
        """Take the edited request; say what is wrong with it, and where."""
        area = self.query_one("#request", TextArea)
        if area.read_only:
            return True
        text = area.text.encode("utf-8", "surrogatepass")
        try:
            msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            self.trouble(Trouble(f"not JSON: {error}", "mend it here, or ^e for your editor"))
            return False
        self._edited = text if area.text != self._original else self._edited
        return True

    @on(Sent)
    def _sent(self, message: Sent) -> None:
        index = self._base + message.index
        if message.replayed is not None:
            self._results[index] = message.replayed
        elif message.trouble is not None:
            self._troubles[index] = message.trouble
        self._draw()

    @on(AllSent)
    def _all_sent(self, message: AllSent) -> None:
        self._resender = None
        if message.trouble is not None:
            self.trouble(message.trouble)
            for index in range(self._base, len(self._jobs)):
                if index not in self._results:
                    self._troubles.setdefault(index, message.trouble)
        self._draw()

    # -- drawing

    def _head(self) -> None:
        what = self.ids[0] if len(self.ids) == 1 else f"{len(self.ids)} exchanges"
        models = ", ".join(self.models) or "the same model"
        edited = "   edited" if self._edited is not None else ""
        self.query_one(".title", Static).update(f"↻ {what}  to {one_line(models, 80)}{edited}")
        self.say(trail="replay")

    def _draw(self) -> None:
        self._head()
        items = self.query_one(ItemList)
        items.put([self._item(index) for index in range(len(self._jobs))])
        if self._jobs and not items.key:
            items.select("0")
        done = len(self._results) + len(self._troubles)
        self.say(
            standing=f"{done} of {len(self._jobs)} answered   {'c cancels' if self.sending else ''}".rstrip()
        )
        self.refresh_bindings()
        self._page()

    def _item(self, index: int) -> Item:
        job, replayed = self._jobs[index], self._results.get(index)
        name = one_line(replayed.model if replayed else job.model or "the same model", 20)
        if replayed is None:
            trouble = self._troubles.get(index)
            sign = ("✗", "bad") if trouble else ("◌", "second")
            note = one_line(trouble.text, 200) if trouble else "sent, waiting…"
            return Item(str(index), ((f" {sign[0]} ", sign[1]), (f"{name:<20} ", ""), (note, "dim")))
        comparison = replayed.comparison
        verdict = comparison.verdict if comparison else "sent"
        sign = VERDICTS.get(verdict, ("✓", "ok"))
        alike = f"{comparison.similarity:>4.0%} " if comparison else ""
        took = fmt.duration(replayed.replay.exchange.latency_ms)
        return Item(
            str(index),
            (
                (f" {sign[0]} ", sign[1]),
                (f"{name:<20} ", "bold"),
                (f"{verdict:<10} ", sign[1]),
                (f"{alike}{took:>7}", "dim"),
            ),
        )

    @on(ItemList.Highlighted)
    def _highlighted(self) -> None:
        self._page()

    def _page(self) -> None:
        key = self.query_one(ItemList).key
        if not key:
            return
        index = int(key)
        replayed = self._results.get(index)
        view = self.query_one("#text", TextView)
        if replayed is None:
            trouble = self._troubles.get(index)
            lines = Lines()
            lines.add(trouble.text if trouble else "Waiting for the answer…", "bad" if trouble else "dim")
            view.show(lines)
        elif index in self._pages:
            view.show(self._pages[index])
        else:
            self.ask(partial(_page_of, replayed), partial(self._put, index), group="page")

    def _put(self, index: int, document: Document) -> None:
        self._pages[index] = document
        if self.query_one(ItemList).key == str(index):
            self.query_one("#text", TextView).show(document)

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What can't be done now stays visible, struck out."""
        editing = self.has_class("-editing")
        if action == "stop":
            return True if self.sending else None
        if action == "send":
            return True if editing else None
        if action in {"edit", "editor"}:
            return True if len(self.ids) == 1 and not self.sending else None
        if action == "again":
            return None if self.sending else True
        return True

    def action_stop(self) -> None:
        """End what is under way."""
        if self._resender is not None:
            self._resender.cancel()

    def action_models(self) -> None:
        """Choose the models to send to."""
        from workbench.tui.screens.picking import Picker

        names = [str(group.get("name")) for group in self.work.status.groups]
        self.app.push_screen(Picker("Send to which models?", names, self.models), self._models_chosen)

    def _models_chosen(self, chosen: list[str] | None) -> None:
        if chosen is not None:
            self.models = chosen
            self._head()

    _original = ""

    def action_edit(self) -> None:
        """Show the request as text to change."""
        self.ask(partial(self.source.request_of, self.ids[0]), self._edit, group="request")

    def _edit(self, body: bytes) -> None:
        from workbench.tui.conversation_view import pretty

        area = self.query_one("#request", TextArea)
        shown = self._edited if self._edited is not None else body
        if len(shown) > EDIT_LIMIT or not _is_plain(shown):
            area.read_only = True
            self._original = area.text = f"{fmt.size(len(shown))}: ^e opens it in your editor, ^s sends it."
        else:
            area.read_only = False
            self._original = area.text = pretty(shown.decode())
        self.add_class("-editing")
        area.focus()
        self.say(standing="^s sends   ^e opens your editor   esc leaves")
        self.refresh_bindings()

    def action_editor(self) -> None:
        """Change the request in the user's editor."""
        from workbench.tui.external import edit_bytes

        def edit(body: bytes) -> None:
            edited = edit_bytes(self, self._edited if self._edited is not None else body, ".json")
            if edited is not None:
                self._edited = edited
                self._edit(edited)

        self.ask(partial(self.source.request_of, self.ids[0]), edit, group="request")

    def action_back(self) -> None:
        """From the field to the results, from the results back."""
        if self.has_class("-editing") and self._jobs:
            self.remove_class("-editing")
            self.query_one(ItemList).focus()
        else:
            super().action_back()

    def action_open(self) -> None:
        """Open the replay as an exchange."""
        key = self.query_one(ItemList).key
        replayed = self._results.get(int(key)) if key else None
        if replayed is not None and replayed.exchange:
            from workbench.tui.screens.exchange import ExchangeScreen

            self.app.push_screen(ExchangeScreen(replayed.exchange))

    @on(ItemList.Chosen)
    def _chosen(self) -> None:
        self.action_open()

    def action_diff(self) -> None:
        """The whole comparison on a screen of its own."""
        key = self.query_one(ItemList).key
        replayed = self._results.get(int(key)) if key else None
        if replayed is not None and replayed.exchange and replayed.original is not None:
            from workbench.tui.screens.diff import DiffScreen

            self.app.push_screen(DiffScreen(replayed.original.exchange.id, replayed.exchange))

    def action_find(self) -> None:
        self.query_one(FindLine).edit(self.query_one("#text", TextView))

    def action_side(self) -> None:
        items, text = self.query_one(ItemList), self.query_one("#text")
        (text if items.has_focus else items).focus()


def _page_of(replayed: Replayed) -> Document:
    """Return how a replay compares. Runs in a thread: texts may be long."""
    from workbench.replay.readable import answer_text
    from workbench.tui.diff_view import comparison_lines

    lines = Lines()
    for warning in replayed.warnings:
        lines.add(f"! {warning}", "warn")
    if replayed.comparison is not None and replayed.original is not None:
        lines.lines += comparison_lines(replayed.comparison, replayed.original, replayed.replay).lines
    else:
        lines.add(answer_text(replayed.replay), "prose")
    return lines if lines.lines else Lines([Line("(empty)", "faint")])


def _is_plain(data: bytes) -> bool:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return text.replace("\n", "").replace("\t", "").isprintable()
