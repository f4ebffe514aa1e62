"""The list of runs as a tree: rows unfold into what is inside them, which is read when it is first seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from workbench.domain.exchange import Exchange
from workbench.tui.run_row import RunRow
from workbench.tui.run_tree import Node, TreeWindow
from workbench.tui.widgets.recordlist import RecordList

Words = TypeVar("Words")
_SAID = 5_000
_GUTTER = 2
"""Cells in front of a row: the cursor's bar and the mark."""


class RunTree(RecordList[Node]):
    """`right` unfolds a row or goes into it, `left` folds it or goes to what it is inside of."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "into", "Unfold", id="tree.unfold", key_display="→ l"),
        Binding("left,h", "out", "Fold", show=False, id="tree.fold"),
        Binding("z", "toggle_fold", "Fold or unfold", show=False, id="tree.toggle"),
        Binding("Z", "fold_all", "Fold all", show=False, id="tree.fold-all"),
    ]

    class Missing(Message):
        """What is inside `node` behind `after` (None: from the start) is on the screen and not known."""

        def __init__(self, sender: RunTree, node: Node, after: Node | None) -> None:
            super().__init__()
            self.sender = sender
            self.node = node
            self.after = after

        @property
        def control(self) -> Widget:
            return self.sender

    class Folded(Message):
        """Something was unfolded or folded."""

    def __init__(self, *, id: str | None = None, empty: str = "") -> None:  # noqa: A002
        self.tree_window = TreeWindow()
        self.look = RunRow(self.tree_window)
        super().__init__(self.look, id=id, empty=empty)
        self.view.window = self.tree_window

    # -- what comes

    def take_news(self, items: Sequence[Node], *, more: bool) -> None:
        """Take the newest runs again; what is unfolded does not move away under the cursor."""
        self.view.tail = not any(node.id in self.tree_window.open for node in self.on_screen())
        super().take_news(items, more=more)

    def take_inside(self, node_id: str, items: Sequence[Node], *, more: bool, anew: bool = False) -> None:
        """Show rows inside a row: behind those that are there, or instead of them."""
        self._change(lambda: self.tree_window.put(node_id, items, more=more, anew=anew))

    def take_exchanges(self, items: Sequence[Exchange]) -> None:
        """Show newer readings of exchanges wherever they stand."""
        if items:
            self._change(lambda: self.tree_window.replace(items))

    def say(self, known: dict[str, Words], found: dict[str, Words]) -> None:
        """Add words to what the rows say of exchanges; the oldest are forgotten once they are many."""
        if len(known) > _SAID:
            known.clear()
        known.update(found)
        self.refresh()

    # -- keys

    def action_into(self) -> None:
        """Unfold; go to the first row inside what is unfolded; open what has nothing inside."""
        node = self.current
        if node is None or node.kind == "more":
            return
        if not node.inside:
            self.action_choose()
        elif node.id in self.tree_window.open:
            self.action_move(1)
        else:
            self._fold(lambda: self.tree_window.unfold(node))

    def action_out(self) -> None:
        """Fold; from inside, go to the row that it is inside of."""
        node = self.current
        if node is None:
            return
        if node.id in self.tree_window.open:
            self._fold(lambda: self.tree_window.fold(node.id))
        elif node.parent:
            self.select(node.parent)

    def action_toggle_fold(self) -> None:
        """Fold or unfold the row; on one with nothing inside, fold what it is inside of."""
        node = self.current
        if node is None:
            return
        if node.inside and node.id not in self.tree_window.open:
            self._fold(lambda: self.tree_window.unfold(node))
        else:
            self._fold(lambda: self.tree_window.fold(node.id if node.inside else node.parent))

    def action_fold_all(self) -> None:
        """Show the runs alone."""
        self._fold(self.tree_window.fold_all)

    def action_mark(self) -> None:
        """Mark or unmark a run or an exchange, then go down; other rows have nothing to mark."""
        node = self.current
        if node is not None and node.kind in {"step", "gate", "attempt", "more"}:
            self.action_move(1)
        else:
            super().action_mark()

    def on_click(self, event: events.Click) -> None:
        """A click selects, on the sign it unfolds or folds, a second one opens."""
        super().on_click(event)
        node = self.current
        at = self.view.window.rows.index(node) if node is not None else -1
        if node is not None and at == self.view.top + event.y - 1 and node.inside:
            sign = _GUTTER + self.look.sign_at(node, self.size.width - 3)
            if event.chain == 1 and sign <= event.x <= sign + 1:
                self.action_toggle_fold()

    # -- keeping the cursor

    def _fold(self, change: Callable[[], None]) -> None:
        self._change(change)
        self.post_message(self.Folded())

    def _change(self, change: Callable[[], None]) -> None:
        """Change the rows; cursor and screen stay on what they are on, or on what that is now inside of."""
        view, item = self.view, self.current
        shown = self.on_screen()
        change()
        if item is not None:
            view.at = self._place_of(item, view.at)
        top = view.window.index(shown[0].id) if shown else None
        if top is not None:
            view.top = top
        self._named = None
        self._settle()

    def _place_of(self, item: Node, before: int) -> int:
        if item.kind == "more" and self.view.window.index(item.parent) is not None:
            return before  # what came stands where it was announced
        way = item.id
        while way:
            found = self.view.window.index(way)
            if found is not None:
                return found
            way = way.rpartition("/")[0]
        return before

    def _look_around(self) -> None:
        super()._look_around()
        for node, after in self.tree_window.missing(self.on_screen()):
            self.post_message(self.Missing(self, node, after))
