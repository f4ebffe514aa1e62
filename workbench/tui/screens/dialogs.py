"""Small questions on top of a screen; each returns a typed answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from workbench.domain.text import printable

_CSS = """
Prompt, Confirm { align: center middle; background: $background 60%; }
Prompt > Vertical, Confirm > Vertical {
    width: 76; max-width: 94%; height: auto; background: $panel; border: round $border; padding: 1 2;
}
Prompt .head, Confirm .head { text-style: bold; color: $primary; }
Prompt .about, Confirm .about { color: $foreground 70%; margin-bottom: 1; height: auto; max-height: 14; }
Prompt Input, Prompt Input:focus {
    border: none; border-left: thick $primary; background: $boost; height: 1; padding: 0 1;
}
Prompt .fault { color: $error; height: auto; max-height: 4; display: none; }
Prompt .keys, Confirm .keys { color: $foreground 60%; margin-top: 1; }
"""


class Prompt(ModalScreen[str | None]):
    """Asks for one line; None when it was dropped. A line that `check` finds a fault with is not taken."""

    DEFAULT_CSS = _CSS
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "drop", "Drop", show=False, id="prompt.drop")]

    def __init__(
        self, title: str, about: str, value: str = "", *, check: Callable[[str], str | None] | None = None
    ) -> None:
        super().__init__()
        self._title, self._about, self._value, self._check = title, about, value, check

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Text(self._title), classes="head")
            yield Static(Text(printable(self._about)), classes="about")
            yield Input(self._value)
            yield Static(classes="fault", markup=False)
            yield Static(Text("enter  accept    esc  drop"), classes="keys")

    @on(Input.Submitted)
    def _accept(self, event: Input.Submitted) -> None:
        fault = self._check(event.value) if self._check is not None else None
        if fault is None:
            self.dismiss(event.value)
            return
        said = self.query_one(".fault", Static)
        said.update(f"✗ {printable(fault)}")
        said.display = True

    def action_drop(self) -> None:
        self.dismiss(None)


class Confirm(ModalScreen[bool]):
    """Asks before something that can't be undone."""

    DEFAULT_CSS = _CSS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", "Yes", show=False, id="confirm.yes"),
        Binding("n,escape,q", "answer(False)", "No", show=False, id="confirm.no"),
    ]

    def __init__(self, title: str, about: str) -> None:
        super().__init__()
        self._title, self._about = title, about

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Text(self._title), classes="head")
            yield Static(Text(printable(self._about)), classes="about")
            yield Static(Text("y  yes    n  no"), classes="keys")

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)
