"""Screens whose keys change what is recorded; the last change can be taken back, wherever it was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.exchange import Exchange
from workbench.tui.screens.base import Place

if TYPE_CHECKING:
    from workbench.tui.changes import Change


class Changing(Place):
    """Pins, tags and notes, with their way back."""

    def changed_here(self, items: list[Exchange]) -> None:
        """Show new readings of these; runs among what was changed are not in here."""

    def change(self, change: Change) -> None:
        """Do it, and remember its way back."""
        self.work.undo.append(change.back)
        self._apply(change)

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
