"""What a new user needs once: where the router is, where the key is, a request to try, a run to try."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from workbench.tui.document import Line, Lines
from workbench.tui.widgets.textview import TextView


class WelcomeScreen(ModalScreen[None]):
    """Shown on the first start and from the palette."""

    DEFAULT_CSS = """
    WelcomeScreen { align: center middle; background: $background 60%; }
    WelcomeScreen > Vertical {
        width: 92; max-width: 96%; height: 22; max-height: 94%;
        background: $panel; border: round $border; padding: 0 1;
    }
    WelcomeScreen TextView { background: $panel; }
    WelcomeScreen .head { text-style: bold; color: $primary; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "Close", show=False, id="welcome.close"),
        Binding("y", "copy", "Copy the curl", show=False, id="welcome.copy"),
        Binding("t", "try", "Try it", show=False, id="welcome.try"),
        Binding("3", "run", "New run", show=False, id="welcome.run"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._base = self._state = ""

    @property
    def _work(self) -> Any:
        return self.app

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static("Welcome to workbench", classes="head")
            yield TextView(self._lines())

    def on_mount(self) -> None:
        """The router may only just start: its address comes a moment later."""
        self.set_interval(0.5, self._refresh)

    def _refresh(self) -> None:
        state = self._work.status.state
        if self._work.status.base_url != self._base or state != self._state:
            self._state = state
            self.query_one(TextView).show(self._lines(), top=False)

    @property
    def curl(self) -> str:
        """A request that can be pasted into a shell."""
        home = self._work.source.home
        body = '{"model": "demo", "messages": [{"role": "user", "content": "hello"}]}'
        base = self._work.status.base_url or "http://127.0.0.1:4000"
        return (
            f". {home.env_file}; curl -s {base}/v1/chat/completions"
            ' -H "Authorization: Bearer $LITELLM_MASTER_KEY"'
            f" -H 'Content-Type: application/json' -d '{body}'"
        )

    def _why_none(self) -> str:
        if self._work.status.state == "down":
            return "✗ the router is not running: 4, then s, starts it"
        return "◌ the router is starting…"

    def _lines(self) -> Lines:
        self._base = self._work.status.base_url
        base = f"{self._base}/v1" if self._base else self._why_none()
        home = self._work.source.home
        return Lines(
            [
                Line("Point any OpenAI client at this router: every exchange is recorded and shown here."),
                Line(""),
                Line(base, "bold", 12, "  base URL", "dim"),
                Line(f"LITELLM_MASTER_KEY in {home.env_file}", "text", 12, "  key", "dim"),
                Line("demo, echo: answer without any provider's key", "text", 12, "  models", "dim"),
                Line(""),
                Line("Try it", "bold accent"),
                Line(self.curl, "code", 2),
                Line("sends such a request from here", "text", 8, "  t", "bold mark"),
                Line("copies it for your shell", "text", 8, "  y", "bold mark"),
                Line(""),
                Line("Make something", "bold accent"),
                Line(
                    "a new run: a brief becomes a checked program, with the demo model",
                    "text",
                    8,
                    "  3",
                    "bold mark",
                ),
                Line(""),
                Line("? shows the keys of every place, ^p everything there is.  enter closes this.", "dim"),
            ]
        )

    def action_copy(self) -> None:
        self._work.copy(self.curl.encode(), "the curl command")

    def action_try(self) -> None:
        """Send a first request to the demo model."""
        self._work.try_demo()
        self.dismiss()

    def action_run(self) -> None:
        self.dismiss()
        self._work.action_go("new")
