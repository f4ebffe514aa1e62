"""Screens whose keys mark, copy and change what is recorded; the last change can be taken back, wherever it
was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from workbench.domain.exchange import Exchange
from workbench.domain.run import Run
from workbench.domain.text import one_line
from workbench.tui.screens.base import Place

if TYPE_CHECKING:
    from workbench.tui.changes import Change, Item


class Changing(Place):
    """Copies, pins, tags and notes of exchanges and runs alike, with their way back."""

    def chosen(self) -> Sequence[Item]:
        """Return what the keys act on: what is marked, else what the cursor is on."""
        return ()

    def changed_here(self, items: list[Exchange]) -> None:
        """Show new readings of these; runs among what was changed are not in here."""

    def change(self, change: Change) -> None:
        """Do it, and remember its way back."""
        self.work.undo.append(change.back)
        self._apply(change)

    def action_copy(self) -> None:
        """Choose what to copy."""
        items = self.chosen()
        if items:
            from workbench.tui.screens.copying import CopyRun, CopyScreen

            first = items[0]
            self.app.push_screen(CopyRun(first) if isinstance(first, Run) else CopyScreen(first))

    def action_pin(self) -> None:
        """Pin what is not pinned; unpin when all are. What is pinned is never pruned."""
        items = self.chosen()
        if items:
            from workbench.tui.changes import pin

            self.change(pin(items))

    def action_tag(self) -> None:
        """Ask for tags; `-name` takes one away."""
        items = self.chosen()
        if items:
            from workbench.tui.screens.dialogs import Prompt

            known = " ".join(items[0].tags) if len(items) == 1 else ""
            question = Prompt(
                "Tags", f"{_what(items)}: names to add; -name takes one away; now: {known or 'none'}"
            )
            self.app.push_screen(question, partial(self._tagged, items))

    def _tagged(self, items: Sequence[Item], text: str | None) -> None:
        if text:
            from workbench.tui.changes import tag

            self.change(tag(items, text))

    def action_note(self) -> None:
        """Ask for a note."""
        items = self.chosen()
        if items:
            from workbench.tui.screens.dialogs import Prompt

            question = Prompt("Note", f"{_what(items[:1])}: an empty note takes it away", items[0].note or "")
            self.app.push_screen(question, partial(self._noted, items[0]))

    def _noted(self, item: Item, text: str | None) -> None:
        if text is not None:
            from workbench.tui.changes import note

            self.change(note(item, text))

    def action_undo(self) -> None:
        """Take the last pin, tag or note back, and say which."""
        if not self.work.undo:
            self.app.notify("Nothing to undo here.")
            return
        change = self.work.undo.pop()
        ids = ", ".join(item.id for item in change.items[:2])
        # A toast: what is taken back may be on another screen.
        self.app.notify(f"{change.name} of {ids}", timeout=3, markup=False)
        self._apply(change)

    def _apply(self, change: Change) -> None:
        self.ask(lambda: change.apply(self.source), self.changed_here, group="change", exclusive=False)


def _what(items: Sequence[Item]) -> str:
    if len(items) == 1:
        one = items[0]
        return f"{one_line((one.title if isinstance(one, Run) else one.model) or '', 30)} {one.id}"
    runs = sum(isinstance(item, Run) for item in items)
    return f"{len(items)} {'runs' if runs == len(items) else 'rows' if runs else 'exchanges'}"
