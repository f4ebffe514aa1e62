"""The exchanges of one run or session: the same list, with the run as its filter."""

from __future__ import annotations

from workbench.domain.run import Run
from workbench.domain.text import one_line
from workbench.tui.screens.exchanges import ExchangesScreen


class RunExchangesScreen(ExchangesScreen):
    """Opened from a run; `esc` goes back to it."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run
        self.fixed = f"{'session' if run.kind == 'session' else 'run'}:{run.id}"

    def on_mount(self) -> None:
        """Say whose exchanges these are."""
        self.say(trail=f"{self._run.kind}: {one_line(self._run.name or self._run.title, 60)}")
        super().on_mount()

    def first_filter(self) -> str:
        return ""

    def keep_filter(self, text: str) -> None:
        """A filter inside a run is not the list's own."""

    def action_clear(self) -> None:
        """Unmark, drop the filter, then leave."""
        if not self.rows.marked and self.where == self.fixed:
            self.app.pop_screen()
        else:
            super().action_clear()
