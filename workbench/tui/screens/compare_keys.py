"""The keys of Replay & compare, and what they act on: the column with the focus."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from workbench.domain.exchange import Exchange
from workbench.domain.text import one_line
from workbench.tui.comparing import Answer
from workbench.tui.document import Document
from workbench.tui.resending import Resender
from workbench.tui.screens.exchange_keys import ExchangeKeys
from workbench.tui.widgets.columns import Columns
from workbench.tui.widgets.findline import FindLine
from workbench.tui.widgets.itemlist import ItemList
from workbench.tui.widgets.requesteditor import RequestEditor


class CompareKeys(ExchangeKeys):
    """Edit, choose models, send again, go from column to column, open and compare what is there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "Send", priority=True, id="compare.send", key_display="^s"),
        Binding("r", "again", "Again", id="compare.again"),
        Binding("M", "models", "Models", id="compare.models"),
        Binding("e", "edit", "Edit", id="compare.edit"),
        Binding("ctrl+e", "editor", "$EDITOR", priority=True, id="compare.editor", key_display="^e"),
        Binding("d", "diff", "Diff", id="compare.diff"),
        Binding("c", "stop", "Cancel", id="compare.cancel"),
        Binding("enter", "open", "Open", show=False, id="compare.open"),
        Binding("slash", "find", "Find", show=False, id="compare.find"),
        Binding("right,l,right_square_bracket", "column(1)", "Next column", show=False, id="compare.next"),
        Binding(
            "left,h,left_square_bracket", "column(-1)", "Previous column", show=False, id="compare.previous"
        ),
        Binding("tab", "side", "Other side", show=False, id="compare.side"),
        Binding("J", "subject(1)", "Next exchange", show=False, id="compare.next-exchange"),
        Binding("K", "subject(-1)", "Previous exchange", show=False, id="compare.previous-exchange"),
    ]

    def __init__(self, ids: list[str], models: list[str]) -> None:
        super().__init__()
        self.ids = ids
        self.models = models
        self._answers: list[Answer] = []
        self._originals: dict[str, tuple[Exchange, Document]] = {}
        self._resender: Resender | None = None

    def action_send(self) -> None:
        """Send what is set."""

    def title_changed(self) -> None:
        """Other models are chosen, or the request was edited."""

    # -- what is here

    @property
    def items(self) -> ItemList:
        """The exchanges, where there are several."""
        return self.query_one(ItemList)

    @property
    def columns(self) -> Columns:
        """The original and its answers."""
        return self.query_one(Columns)

    @property
    def editor(self) -> RequestEditor:
        """The field for the request."""
        return self.query_one(RequestEditor)

    @property
    def shown(self) -> str:
        """The exchange whose answers are shown."""
        return self.items.key or self.ids[0]

    @property
    def sending(self) -> bool:
        """Whether answers are waited for."""
        return self._resender is not None and self._resender.is_alive()

    def _answers_of(self, exchange_id: str) -> list[int]:
        return [at for at, answer in enumerate(self._answers) if answer.job.exchange == exchange_id]

    def _current(self) -> Answer | None:
        """Return the answer in the column with the focus; None on the original."""
        at = self.columns.current - 1
        indexes = self._answers_of(self.shown)
        return self._answers[indexes[at]] if 0 <= at < len(indexes) else None

    def subjects(self) -> list[Exchange]:
        """Return the exchange of the column with the focus."""
        answer = self._current()
        if answer is not None:
            return [answer.exchange] if answer.exchange is not None and answer.exchange.id else []
        original = self._originals.get(self.shown)
        return [original[0]] if original is not None else []

    def changed_here(self, items: list[Exchange]) -> None:
        """Say what a key did: the columns do not show tags and pins."""
        for item in items:
            marks = [
                "pinned" if item.pinned else "not pinned",
                *item.tags,
                *([item.note] if item.note else []),
            ]
            self.say(standing=f"{item.id}: {one_line(', '.join(marks), 60)}")

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What can't be done now stays visible, struck out."""
        if action == "stop":
            return True if self.sending else None
        if action == "send":
            return True if self.has_class("-editing") else None
        if action in {"edit", "editor"}:
            return True if len(self.ids) == 1 and not self.sending else None
        if action == "again":
            return None if self.sending else True
        return True

    def action_again(self) -> None:
        self.action_send()

    def action_stop(self) -> None:
        """End what is under way."""
        if self._resender is not None:
            self._resender.cancel()

    def action_models(self) -> None:
        """Choose the models to send to."""
        from workbench.tui.screens.picking import Picker

        question = Picker("Send to which models?", self.work.status.models, self.models)
        self.app.push_screen(question, self._models_chosen)

    def _models_chosen(self, chosen: list[str] | None) -> None:
        if chosen is not None:
            self.models = chosen
            self.title_changed()

    def action_edit(self) -> None:
        """Show the request as text to change."""
        self.ask(partial(self.source.request_of, self.ids[0]), self._edit, group="request")

    def _edit(self, body: bytes) -> None:
        self.add_class("-editing")
        self.editor.open(body)
        self.say(standing="^s sends   ^e opens your editor   esc leaves")
        self.refresh_bindings()

    def action_editor(self) -> None:
        """Change the request in the user's editor."""
        self.ask(partial(self.source.request_of, self.ids[0]), self._edit_outside, group="request")

    def _edit_outside(self, body: bytes) -> None:
        from workbench.tui.external import edit_bytes

        before = self.editor.edited if self.editor.edited is not None else body
        edited = edit_bytes(self, before, ".json")
        if edited is not None:
            self.editor.edited = edited
            self._edit(edited)

    def _leave_editor(self) -> None:
        self.remove_class("-editing")
        self.columns.go(self.columns.current)

    def action_back(self) -> None:
        """From the field to the results, from the results back."""
        if self.has_class("-editing") and self._answers:
            self._leave_editor()
        else:
            super().action_back()

    def action_open(self) -> None:
        """Open the exchange of this column."""
        for item in self.subjects():
            self.open(item.id)

    def action_diff(self) -> None:
        """The whole comparison of this column; on the original, of the first answer."""
        answer = self._current() or next((self._answers[at] for at in self._answers_of(self.shown)), None)
        if answer is not None and answer.exchange is not None and answer.exchange.id:
            self._show_diff(answer.job.exchange, answer.exchange.id)

    def action_find(self) -> None:
        view = self.columns.text
        if view is not None:
            self.query_one(FindLine).edit(view)

    def action_column(self, step: int) -> None:
        self.columns.step(step)

    def action_side(self) -> None:
        """Between the list and the columns; without a list from column to column."""
        if self.has_class("-editing"):
            return
        if len(self.ids) == 1:
            self.columns.step(1)
        elif self.items.has_focus:
            self.columns.go(self.columns.current)
        else:
            self.items.focus()

    def action_subject(self, step: int) -> None:
        self.items.action_move(step)
