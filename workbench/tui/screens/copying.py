"""The `y` menu: what of an exchange or a run to copy. One key each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from workbench.domain.exchange import Exchange
from workbench.domain.run import Run
from workbench.tui.asking import Asking
from workbench.tui.messages import Trouble

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp
    from workbench.tui.source import Source

CHOICES = (
    ("c", "curl", "as curl"),
    ("p", "python", "as Python"),
    ("a", "answer", "the answer's words"),
    ("m", "markdown", "the conversation as Markdown"),
    ("b", "request", "the request's body, exact"),
    ("r", "response", "the response's body, exact"),
    ("j", "json", "the row as JSON"),
    ("i", "id", "the id"),
)


RUN_CHOICES = (
    ("b", "brief", "the brief, or what was said first"),
    ("c", "command", "the command that shows it"),
    ("j", "json", "the row as JSON"),
    ("i", "id", "the id"),
)


def _keys(choices: tuple[tuple[str, str, str], ...]) -> list[BindingType]:
    return [
        Binding(key, f"copy('{what}')", text, show=False, id=f"copy.{what}") for key, what, text in choices
    ]


class CopyMenu(Asking, ModalScreen[None]):
    """Closes by itself once something is copied."""

    DEFAULT_CSS = """
    CopyMenu { align: center middle; background: $background 60%; }
    CopyMenu > Vertical {
        width: 46; height: auto; background: $panel; border: round $border; padding: 1 2;
    }
    CopyMenu .head { text-style: bold; color: $primary; margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,y", "dismiss", "Close", show=False, id="copy.close"),
    ]
    choices: ClassVar[tuple[tuple[str, str, str], ...]] = ()

    @property
    def work(self) -> WorkbenchApp:
        """The app, with its type."""
        app: Any = self.app
        return app  # type: ignore[no-any-return]

    def compose(self) -> ComposeResult:
        lines = Text()
        for key, _, text in self.choices:
            lines.append(f" {key} ", style="bold reverse")
            lines.append(f"  {text}\n")
        with Vertical():
            yield Static("Copy", classes="head")
            yield Static(lines)

    def job(self, what: str) -> Callable[[], bytes]:
        """Return what makes the bytes to copy; it blocks."""
        raise NotImplementedError

    def action_copy(self, what: str) -> None:
        """Make the text in a thread, then copy it."""
        self.ask(self.job(what), partial(self._copy, what), group="copy")

    def _copy(self, what: str, data: bytes) -> None:
        names = {name: text for _, name, text in self.choices}
        self.work.copy(data, names[what])
        self.dismiss()

    def trouble(self, trouble: Trouble) -> None:
        """Say why it can't be copied."""
        self.dismiss()
        self.app.notify(trouble.text, severity="error", markup=False)


class CopyScreen(CopyMenu):
    """Of an exchange."""

    BINDINGS: ClassVar[list[BindingType]] = _keys(CHOICES)
    choices = CHOICES

    def __init__(self, item: Exchange) -> None:
        super().__init__()
        self._item = item

    def job(self, what: str) -> Callable[[], bytes]:
        base = self.work.status.base_url or "http://127.0.0.1:4000"
        return partial(render, self.work.source, self._item, what, base)


class CopyRun(CopyMenu):
    """Of a run."""

    BINDINGS: ClassVar[list[BindingType]] = _keys(RUN_CHOICES)
    choices = RUN_CHOICES

    def __init__(self, item: Run) -> None:
        super().__init__()
        self._item = item

    def job(self, what: str) -> Callable[[], bytes]:
        return partial(render_run, self.work.source, self._item, what)


def render_run(source: Source, run: Run, what: str) -> bytes:
    """Return the bytes to copy of a run. Blocks."""
    import msgspec

    match what:
        case "id":
            return run.id.encode()
        case "command":
            return f"workbench runs show {run.id}".encode()
        case "json":
            now = source.reader().run(run.id)
            return msgspec.json.format(msgspec.json.encode(now.to_json()), indent=2)
        case _:
            return (run.brief or run.title).encode("utf-8", "surrogatepass")


def render(source: Source, item: Exchange, what: str, base_url: str) -> bytes:
    """Return the bytes to copy. Blocks."""
    import msgspec

    from workbench.replay import render as rendering
    from workbench.replay.readable import answer_text
    from workbench.replay.source import read_recorded
    from workbench.tui.markdown import as_markdown

    reader = source.reader()
    match what:
        case "id":
            return item.id.encode()
        case "json":
            return msgspec.json.format(msgspec.json.encode(reader.exchange(item.id).to_json()), indent=2)
        case "request" | "response":
            return reader.body(item.id, "request" if what == "request" else "response")
        case "answer":
            return answer_text(read_recorded(reader, item.id)).encode("utf-8", "surrogatepass")
        case "markdown":
            return as_markdown(read_recorded(reader, item.id)).encode("utf-8", "surrogatepass")
        case "python":
            return rendering.as_python(reader.payload(item.id), base_url).encode("utf-8", "surrogatepass")
        case _:
            return rendering.as_curl(reader.payload(item.id), base_url).encode("utf-8", "surrogatepass")
