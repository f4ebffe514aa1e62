"""What the cursor is on in Runs: a run's facts and steps, a step, a gate's log, or a conversation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.timer import Timer

from workbench.domain.exchange import Exchange
from workbench.domain.run import Run, Step
from workbench.domain.text import one_line
from workbench.tui.asking import Asking
from workbench.tui.document import Document, Lines
from workbench.tui.exchange_views import Opened
from workbench.tui.messages import Trouble
from workbench.tui.run_tree import Node
from workbench.tui.run_view import gate_view, overview, step_view
from workbench.tui.widgets.chrome import Title
from workbench.tui.widgets.preview import Preview
from workbench.tui.widgets.textview import TextView

if TYPE_CHECKING:
    from workbench.tui.source import Source

_REST_S = 0.06
"""A held key must not read a run at every step."""


class RunPreview(Asking, Container):
    """Reads what it shows a moment after the cursor came to rest."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._node: Node | None = None
        self._shown = ""
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="facts-of-run"):
            yield Title()
            yield TextView(Lines())
        talk = Preview(id="talk")
        talk.display = False
        yield talk

    @property
    def talk(self) -> Preview:
        """The pane for exchanges."""
        return self.query_one(Preview)

    def opened(self, exchange: Exchange) -> Opened | None:
        """Return what was read of an exchange, if it is shown and has not changed since."""
        return self.talk.opened(exchange)

    def show_soon(self, node: Node | None) -> None:
        """Show a row once the cursor rests."""
        self._node = node
        exchange = node.exchange if node is not None else None
        self.talk.display = exchange is not None
        self.query_one("#facts-of-run").display = exchange is None
        if exchange is not None:
            self.talk.show_soon(exchange)
            return
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_REST_S, self._read)

    def _read(self) -> None:
        node = self._node
        if node is None:
            self._show("", "", Lines())
        elif node.kind == "step":
            self._show(node.id, one_line(node.value.name, 200), step_view(node.value))
        elif node.kind == "gate":
            self._show(node.id, one_line(str(node.value.get("name", "gate")), 200), gate_view(node.value))
        else:
            source: Source = self.app.source  # type: ignore[attr-defined]
            job = partial(source.run_and_steps, node.run.id)
            self.ask(job, partial(self._take, node), group="run", otherwise=_gone)

    def _take(self, node: Node, found: tuple[Run, list[Step]]) -> None:
        run, steps = found
        if self._node is not None and self._node.id == node.id:
            self._show(node.id, one_line(run.name or run.title or run.id, 200), overview(run, steps))

    def _show(self, node_id: str, title: str, document: Document) -> None:
        facts = self.query_one("#facts-of-run")
        facts.query_one(Title).show(title)
        facts.query_one(TextView).show(document, top=node_id != self._shown)
        self._shown = node_id


def _gone(_: Trouble) -> None:
    """A run that was deleted meanwhile goes out of the list by itself."""
