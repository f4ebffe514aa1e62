"""The keys that act on a run, the same in the list and in the run itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from workbench.domain.exchange import Exchange
from workbench.domain.run import FINISHED, Run
from workbench.domain.text import one_line
from workbench.tui.screens.changing import Changing

if TYPE_CHECKING:
    from workbench.tui.changes import Item
    from workbench.tui.source import Source


class RunKeys(Changing):
    """Replay, exchanges of the run, web_smoke, resume, cancel, copy, pin, tag, note, undo, delete."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "replay_run", "Replay", id="run.replay"),
        Binding("x", "exchanges", "Exchanges", id="run.exchanges"),
        Binding("w", "web_smoke", "Web smoke", id="run.web-smoke"),
        Binding("R", "resume", "Resume", show=False, id="run.resume"),
        Binding("c", "cancel_run", "Cancel", id="run.cancel"),
        Binding("y", "copy", "Copy", show=False, id="run.copy"),
        Binding("p", "pin", "Pin", show=False, id="run.pin"),
        Binding("t", "tag", "Tag", show=False, id="run.tag"),
        Binding("b", "note", "Note", show=False, id="run.note"),
        Binding("u", "undo", "Undo", show=False, id="run.undo"),
        Binding("D", "delete_run", "Delete", show=False, id="run.delete"),
    ]

    def subject(self) -> Run | None:
        """Return the run that the keys act on."""
        return None

    def chosen(self) -> Sequence[Item]:
        run = self.subject()
        return [run] if run is not None else []

    def open_run(self, run: Run) -> None:
        """Open a workflow's run; other kinds are their exchanges."""
        if run.kind == "workflow":
            from workbench.tui.screens.run import RunScreen

            self.app.push_screen(RunScreen(run.id))
        else:
            self._show_exchanges(run)

    def _show_exchanges(self, run: Run) -> None:
        from workbench.tui.screens.run_exchanges import RunExchangesScreen

        self.app.push_screen(RunExchangesScreen(run))

    def action_exchanges(self) -> None:
        """Show what the run asked and was answered."""
        run = self.subject()
        if run is not None:
            self._show_exchanges(run)

    def action_replay_run(self) -> None:
        """Send the exchanges again, a run's in their order."""
        items = self.chosen()
        if items:
            self.ask(partial(self._ids_of, items), self._replay, group="ids")

    def _ids_of(self, items: Sequence[Item]) -> list[str]:
        ids: dict[str, None] = {}
        for item in items:
            if isinstance(item, Exchange):
                ids[item.id] = None
                continue
            term = "session" if item.kind == "session" else "run"
            page = self.source.exchanges(f"{term}:{item.id}", limit=500)
            ids |= dict.fromkeys(found.id for found in reversed(page.items))
        return list(ids)

    def _replay(self, ids: list[str]) -> None:
        if not ids:
            self.app.notify("This run has no exchanges to send again.")
            return
        from workbench.tui.screens.compare import CompareScreen

        self.app.push_screen(CompareScreen(ids, send=True))

    def action_web_smoke(self) -> None:
        """Build, serve and check the run's web app, the log live."""
        run = self.subject()
        if run is None:
            return
        if run.kind != "workflow":
            self.app.notify(f"A {run.kind} has no app to smoke.")
            return
        from workbench.tui.jobs import smoke_run

        self.ask(partial(smoke_run, self.source.home, run.id), partial(self._smoking, run), group="smoke")

    def _smoking(self, run: Run, _: object) -> None:
        """Show the log of a web_smoke that was started."""
        from workbench.tui.screens.run import RunScreen

        self.app.push_screen(RunScreen(run.id, item="smoke"))

    def action_resume(self) -> None:
        """Go on with a run that ended early."""
        run = self.subject()
        if run is None or run.kind != "workflow":
            return
        if run.status in {"running", "waiting", "passed"}:
            self.app.notify(f"This run is {run.status}: nothing to resume.")
            return
        from workbench.tui.jobs import start_run

        self.app.notify("Resuming…")
        self.ask(
            partial(start_run, self.source.home, ["runs", "resume", run.id, "--events"]),
            self._resumed,
            group="resume",
        )

    def _resumed(self, run_id: str) -> None:
        from workbench.tui.screens.run import RunScreen

        if isinstance(self, RunScreen):
            self.read()
        else:
            self.app.push_screen(RunScreen(run_id))

    def action_cancel_run(self) -> None:
        """Ask, then end the run's process and everything it started."""
        run = self.subject()
        if run is None:
            return
        if run.kind != "workflow" or run.status in FINISHED:
            self.app.notify(f"This {run.kind} is {run.status}: nothing to cancel.")
            return
        from workbench.tui.screens.dialogs import Confirm

        question = Confirm("Cancel this run?", f"{one_line(run.title, 100)}\nWhat it has written stays.")
        self.app.push_screen(question, partial(self._cancel, run))

    def _cancel(self, run: Run, sure: bool | None) -> None:
        if sure:
            self.ask(partial(_cancel, self.source, run), self._run_changed, group="cancel")

    def changed_here(self, items: list[Exchange]) -> None:
        """Read what was changed again."""
        self.store_changed()

    def action_delete_run(self) -> None:
        """Ask, then delete the runs that are marked, else this one: exchanges, folders and apps too."""
        run = self.subject()
        runs = [item for item in self.chosen() if isinstance(item, Run)] or ([run] if run is not None else [])
        for kept in runs:
            if kept.status in {"running", "waiting"} or kept.pinned:
                why = "pinned: p unpins it" if kept.pinned else f"{kept.status}: c cancels it"
                self.app.notify(f"{kept.id} is {why}.", markup=False)
                return
        if runs:
            from workbench.tui.screens.dialogs import Confirm

            self.app.push_screen(Confirm(*_deleting(runs)), partial(self._delete, runs))

    def _delete(self, runs: list[Run], sure: bool | None) -> None:
        if sure:
            from workbench.tui.jobs import run_command

            ids = [run.id for run in runs]
            self.ask(
                partial(run_command, self.source.home, ["runs", "delete", *ids]),
                lambda _said: self._runs_gone(runs),
                group="delete",
            )

    def _run_changed(self, _: object) -> None:
        self.store_changed()

    def _runs_gone(self, runs: list[Run]) -> None:
        """Runs were deleted; screens that show them leave."""
        self.store_changed()


def _deleting(runs: list[Run]) -> tuple[str, str]:
    """Return a question and what it means to say yes."""
    exchanges = sum(run.exchanges for run in runs)
    if len(runs) == 1:
        gone = f"Its {exchanges} exchanges, its folder and its app go. No way back."
        return "Delete this run?", f"{one_line(runs[0].title, 100)}\n{gone}"
    return f"Delete {len(runs)} runs?", f"Their {exchanges} exchanges, folders and apps go. No way back."


def _cancel(source: Source, run: Run) -> None:
    from workbench.workflow.verbs import cancel

    source.change(lambda store: cancel(store, run.id))
