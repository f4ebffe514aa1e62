"""The line for finding a word in the text or list below it; `n` and `N` go on from hit to hit."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static


class Findable(Protocol):
    """A text or a list that can be searched."""

    def find(self, term: str) -> None:
        """Look for a term while it is typed; none ends the search."""

    def action_hit(self, step: int) -> None:
        """Go to another hit."""

    def focus(self, scroll_visible: bool = True) -> Any:
        """Take the focus."""


class FindLine(Horizontal):
    """Hidden until it is edited; finds while typing."""

    DEFAULT_CSS = """
    FindLine { height: 1; display: none; background: $surface; }
    FindLine.-shown { display: block; }
    FindLine Input, FindLine Input:focus {
        border: none; height: 1; padding: 0 1; background: $surface; width: 1fr;
    }
    FindLine .prompt { width: 8; padding: 0 1; color: $primary; }
    FindLine .hits { width: 24; padding: 0 1; color: $foreground 60%; text-align: right; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Drop", show=False, id="find.cancel"),
        Binding("down", "step(1)", "Next hit", show=False, id="find.next"),
        Binding("up", "step(-1)", "Previous hit", show=False, id="find.previous"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view: Findable | None = None

    def compose(self) -> ComposeResult:
        yield Static("find", classes="prompt")
        yield Input(select_on_focus=True)
        yield Static(classes="hits", markup=False)

    def edit(self, view: Findable) -> None:
        """Find in `view`."""
        self._view = view
        self.add_class("-shown")
        # At once: `focus` waits for a turn, and keys typed by then would go to the text.
        self.screen.set_focus(self.query_one(Input))

    def found(self, at: int, total: int) -> None:
        """Show how many hits there are."""
        self.query_one(".hits", Static).update(f"{at} of {total}" if total else "not found")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._view is not None:
            self._view.find(event.value)
            if not event.value:
                self.query_one(".hits", Static).update("")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._view is not None:
            self._view.focus()

    def action_cancel(self) -> None:
        """Forget the word."""
        self.drop()
        if self._view is not None:
            self._view.focus()

    def drop(self) -> None:
        """Forget the word and hide."""
        with self.prevent(Input.Changed):
            self.query_one(Input).value = ""
        self.query_one(".hits", Static).update("")
        self.remove_class("-shown")
        if self._view is not None:
            self._view.find("")

    def action_step(self, step: int) -> None:
        if self._view is not None:
            self._view.action_hit(step)
