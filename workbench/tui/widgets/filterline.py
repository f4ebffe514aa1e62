"""The line in which a filter is typed: checked while it is typed, completed, remembered."""

from __future__ import annotations

import time
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.timer import Timer
from textual.widgets import Input, Static

from workbench.domain.errors import FilterError
from workbench.domain.text import printable
from workbench.tui.completion import EXCHANGES, Language, complete

_PAUSE_S = 0.02
"""Less than anybody's time from key to key: what is pasted, or typed in a burst, is one filter."""


class _Completion(Suggester):
    """Completes the last word from names and values that exist."""

    def __init__(self, line: FilterLine) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._line = line

    async def get_suggestion(self, value: str) -> str | None:
        return complete(value, self._line.values, self._line.history, self._line.language)


class FilterLine(Vertical):
    """Hidden until it is edited or holds a filter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Drop", show=False, id="filter.cancel"),
        Binding("up", "older", "Older filter", show=False, id="filter.older"),
        Binding("down", "newer", "Newer filter", show=False, id="filter.newer"),
        Binding("tab", "accept", "Complete", show=False, priority=True, id="filter.complete"),
    ]

    class Changed(Message):
        """A filter that parses was typed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Done(Message):
        """The filter is final: back to the list."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, language: Language = EXCHANGES, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.language = language
        self.values: dict[str, list[str]] = {}
        """Field name -> values that exist, for completion."""
        self.history: list[str] = []
        self._timer: Timer | None = None
        self._before = ""
        self._at = -1

    def compose(self) -> ComposeResult:
        with Horizontal(classes="row"):
            yield Static("/", classes="prompt")
            yield Input(suggester=_Completion(self), placeholder="filter", select_on_focus=False)
        yield Static(classes="fault")
        yield Static(Text(self.language.hint, no_wrap=True, overflow="ellipsis"), classes="hint")

    @property
    def input(self) -> Input:
        """The field itself."""
        return self.query_one(Input)

    def put(self, text: str) -> None:
        """Show a filter that is in force; an empty one hides the line."""
        with self.input.prevent(Input.Changed):
            self.input.value = text
        self._fault(None)
        self.set_class(bool(text), "-shown")
        self.query_one(".hint").display = False

    def edit(self) -> None:
        """Take the focus."""
        self.set_class(True, "-shown")
        self.query_one(".hint").display = True
        self._before, self._at = self.input.value, -1
        # At once: `focus` waits for a turn, and keys typed by then would go to the list.
        self.screen.set_focus(self.input)
        self.input.cursor_position = len(self.input.value)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_PAUSE_S, self._check)

    def _check(self) -> None:
        text, fault = self._parsed()
        self._fault(fault)
        if fault is None:
            self.post_message(self.Changed(text))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text, fault = self._parsed()
        self._fault(fault)
        if fault is None:
            self.put(text)
            self.post_message(self.Done(text))

    def _parsed(self) -> tuple[str, FilterError | None]:
        text = self.input.value.strip()
        try:
            self.language.check(text, time.time_ns() // 1000)
        except FilterError as fault:
            return text, fault
        return text, None

    def action_cancel(self) -> None:
        """Back to the filter that was in force."""
        if self._timer is not None:
            self._timer.stop()
        self.put(self._before)
        self.post_message(self.Done(self._before))

    def action_older(self) -> None:
        self._recall(1)

    def action_newer(self) -> None:
        self._recall(-1)

    def action_accept(self) -> None:
        self.input.action_cursor_right()
        self.input.action_end()

    def _recall(self, step: int) -> None:
        self._at = max(-1, min(self._at + step, len(self.history) - 1))
        self.input.value = self._before if self._at < 0 else self.history[self._at]
        self.input.action_end()

    def _fault(self, fault: FilterError | None) -> None:
        line = self.query_one(".fault", Static)
        line.set_class(fault is not None, "-shown")
        if fault is not None:
            text = " " * fault.position + "▲ " + printable(fault.message)
            line.update(Text(text + (f" ({printable(fault.hint)})" if fault.hint else ""), no_wrap=True))
