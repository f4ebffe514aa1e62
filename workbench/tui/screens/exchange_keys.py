"""The keys that act on exchanges, the same wherever exchanges are shown."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from workbench.domain.exchange import Exchange
from workbench.tui.screens.changing import Changing

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.tui.changes import Item


class ExchangeKeys(Changing):
    """Replay, diff, save, pin, tag, note, copy: on the marked exchanges, else on the current one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "replay", "Replay", id="exchange.replay"),
        Binding("M", "replay_on", "Replay on models", show=False, id="exchange.models"),
        Binding("d", "diff", "Diff", id="exchange.diff"),
        Binding("y", "copy", "Copy", id="exchange.copy"),
        Binding("e", "edit", "Edit & replay", id="exchange.edit"),
        Binding("s", "save", "Save payload", id="exchange.save"),
        Binding("o", "outside('pager')", "Pager", show=False, id="exchange.pager"),
        Binding("O", "outside('editor')", "$EDITOR", show=False, id="exchange.editor"),
        Binding("p", "pin", "Pin", show=False, id="exchange.pin"),
        Binding("t", "tag", "Tag", show=False, id="exchange.tag"),
        Binding("b", "note", "Note", show=False, id="exchange.note"),
        Binding("u", "undo", "Undo", show=False, id="exchange.undo"),
    ]

    def subjects(self) -> list[Exchange]:
        """Return the exchanges that the keys act on."""
        return []

    def chosen(self) -> Sequence[Item]:
        return self.subjects()

    def open(self, exchange_id: str) -> None:
        """Open an exchange on top."""
        self.work.open_exchange(exchange_id)

    def action_replay(self) -> None:
        """Send it again, as it was, and compare."""
        items = self.subjects()
        if items:
            from workbench.tui.screens.compare import CompareScreen

            self.app.push_screen(CompareScreen([item.id for item in items], send=True))

    def action_replay_on(self) -> None:
        """Send it to models of the user's choice and show their answers side by side."""
        items = self.subjects()
        if items:
            from workbench.tui.screens.picking import Picker

            question = Picker("Send to which models?", self.work.status.models, [])
            self.app.push_screen(question, partial(self._replay_on, items))

    def _replay_on(self, items: list[Exchange], models: list[str] | None) -> None:
        if models:
            from workbench.tui.screens.compare import CompareScreen

            ids = [item.id for item in items]
            self.app.push_screen(CompareScreen(ids, send=True, models=models))

    def action_edit(self) -> None:
        """Change the request, choose models, then send."""
        items = self.subjects()
        if items:
            from workbench.tui.screens.compare import CompareScreen

            self.app.push_screen(CompareScreen([items[0].id], send=False))

    def action_diff(self) -> None:
        """Compare two marked ones, more of them side by side, a replay with its original, or an original
        with its last replay.
        """
        items = self.subjects()
        if len(items) > 2:
            self._show_columns(items)
        elif len(items) == 2:
            first, second = sorted(items, key=lambda item: (item.started_at, item.id))
            self._show_diff(first.id, second.id)
        elif items and items[0].replay_of:
            self._show_diff(items[0].replay_of, items[0].id)
        elif items:
            item = items[0]
            self.ask(
                lambda: self.source.reader().replays(item.id),
                partial(self._diff_newest, item),
                group="replays",
            )

    def _diff_newest(self, item: Exchange, replays: list[Exchange]) -> None:
        if replays:
            newest = max(replays, key=lambda found: (found.started_at, found.id))
            self._show_diff(item.id, newest.id)
        else:
            self.app.notify(
                "Nothing to compare with: mark two exchanges (m), or replay this one (r).", markup=False
            )

    def _show_columns(self, items: list[Exchange]) -> None:
        from workbench.tui.screens.compare import CompareScreen

        first, *others = [item.id for item in sorted(items, key=lambda item: (item.started_at, item.id))]
        self.app.push_screen(CompareScreen([first], send=False, others=others))

    def _show_diff(self, first: str, second: str) -> None:
        from workbench.tui.screens.diff import DiffScreen

        self.app.push_screen(DiffScreen(first, second))

    def action_save(self) -> None:
        """Write payload files."""
        items = self.subjects()
        if items:
            self.ask(lambda: [self.source.save_payload(item.id) for item in items], self._saved, group="save")

    def _saved(self, paths: list[Path]) -> None:
        if len(paths) == 1:
            self.app.notify(f"saved {paths[0]}\nworkbench replay {paths[0]}", markup=False)
        else:
            self.app.notify(f"saved {len(paths)} payloads in {paths[0].parent}", markup=False)

    def action_outside(self, program: str) -> None:
        """Show exact bytes in the pager or the editor: the request's while it is what is shown, else the
        answer's. What is saved there changes nothing here.
        """
        items = self.subjects()
        if items:
            from workbench.tui.external import body_outside
            from workbench.tui.widgets.tabline import TabLine

            asked = any(line.tab == "Request" for line in self.query(TabLine))
            body_outside(self, items[0], "request" if asked else "response", program)
