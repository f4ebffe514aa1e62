"""Retention: what uses the space, what the policy no longer keeps, and letting it go."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from workbench.domain.text import one_line
from workbench.tui import format as fmt
from workbench.tui.document import Line, Lines
from workbench.tui.facts_view import fact
from workbench.tui.messages import Trouble
from workbench.tui.progress import Progress
from workbench.tui.screens.base import Place
from workbench.tui.widgets.textview import TextView

if TYPE_CHECKING:
    from workbench.settings.sections import RetentionSettings
    from workbench.store.pruning import PruneResult
    from workbench.store.retention import PrunePlan
    from workbench.tui.source import Source

_SHOWN = 200


class RetentionScreen(Place):
    """A preview first; `P` prunes after a question, since there is no way back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("P", "prune", "Prune", id="retention.prune"),
        Binding("c", "stop", "Cancel", id="retention.cancel"),
        Binding("R", "reload", "Read again", id="retention.reload"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._plan: PrunePlan | None = None
        self._pruning = False
        self._cancelled = threading.Event()

    def body(self) -> ComposeResult:
        yield TextView(Lines([Line("Reading…", "dim")]))

    def on_mount(self) -> None:
        """Look what there is."""
        self.query_one(TextView).focus()
        self.action_reload()

    def action_reload(self) -> None:
        """Plan again; nothing is deleted."""
        self.say(standing="◌ planning")
        self.ask(partial(_planned, self.source), self._show, group="plan")

    def _show(self, found: tuple[RetentionSettings, dict[str, Any], PrunePlan]) -> None:
        policy, stats, plan = found
        self._plan = plan
        self.trouble(None)
        self.say(standing="nothing to prune" if plan.empty else f"{fmt.size(_bytes(plan))} would go")
        self.query_one(TextView).show(retention_lines(policy, stats, plan), top=False)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Prune only what was previewed."""
        if action == "prune":
            ready = self._plan is not None and not self._plan.empty and not self._pruning
            return True if ready else None
        if action == "stop":
            return True if self._pruning else None
        return True

    def action_stop(self) -> None:
        """End the pruning after the batch that is under way; what went is gone, the rest stays."""
        self._cancelled.set()
        self.say(standing="◌ ending after this batch")

    def action_prune(self) -> None:
        """Ask, then let go what was previewed."""
        plan = self._plan
        if plan is None:
            return
        from workbench.tui.screens.dialogs import Confirm

        about = (
            f"{plan.total_exchanges:,} exchanges, {len(plan.runs):,} runs, {len(plan.logs):,} logs, "
            f"about {fmt.size(_bytes(plan))}. Pinned and running things stay. No way back."
        )
        self.app.push_screen(Confirm("Prune?", about), partial(self._prune, plan))

    def _prune(self, plan: PrunePlan, sure: bool | None) -> None:
        if not sure:
            return
        self._pruning = True
        self._cancelled.clear()
        self.refresh_bindings()
        progress = Progress(plan.total_exchanges)
        stop = self._cancelled.is_set

        def step(done: int, total: int) -> None:
            progress.reach(done, total)
            if not stop():
                self.app.call_from_thread(self.say, standing=f"◌ pruning {progress}   c cancels")

        self.ask(
            lambda: self.source.change(lambda store: store.prune(plan, step, stop=stop)),
            self._pruned,
            group="prune",
            otherwise=self._not_pruned,
        )

    def _not_pruned(self, trouble: Trouble) -> None:
        self._pruning = False
        self.refresh_bindings()
        self.trouble(trouble)

    def _pruned(self, result: PruneResult) -> None:
        self._pruning = False
        early = "Cancelled: " if self._cancelled.is_set() else ""
        self.app.notify(
            f"{early}{result.exchanges:,} exchanges and {result.runs:,} runs went: {fmt.size(result.bytes)}."
        )
        self.action_reload()


def _planned(source: Source) -> tuple[RetentionSettings, dict[str, Any], PrunePlan]:
    from workbench.store.retention import PrunePolicy

    policy = source.settings().retention
    plan = source.change(lambda store: store.plan_prune(PrunePolicy.of(policy), source.home))
    return policy, source.reader().stats(), plan


def _bytes(plan: PrunePlan) -> int:
    return plan.row_bytes + plan.file_bytes


def retention_lines(policy: RetentionSettings, stats: dict[str, Any], plan: PrunePlan) -> Lines:
    """Return space, policy and plan as lines."""
    lines = Lines([Line("space", "bold accent")])
    saved = f"   bodies were {fmt.size(stats['raw_bytes'])}"
    if stats.get("ratio"):
        saved += f", {stats['ratio']:g} times that"
    lines.lines += [
        fact("exchanges", f"{stats['exchanges']:,}   in {stats['runs']:,} runs"),
        fact("store", f"{fmt.size(stats['file_bytes'])}{saved}"),
        fact("free in it", f"{fmt.size(stats['free_bytes'])}   workbench store compact gives it back"),
        fact("oldest", fmt.moment(stats["oldest_at"])),
        Line(""),
        Line("policy", "bold accent"),
        fact("older than", policy.max_age or "kept however old", width=22),
        fact(
            "larger than",
            f"{policy.max_size} of live bytes" if policy.max_size else "kept however large",
            width=22,
        ),
        fact("bodies older than", policy.bodies_older_than or "kept with their rows", width=22),
        fact("logs older than", policy.logs_older_than or "kept", width=22),
        fact("where", "retention in workbench.yaml", "dim", width=22),
        Line(""),
        Line("what would go", "bold accent"),
    ]
    lines.lines += _plan(plan)
    return lines


def _plan(plan: PrunePlan) -> list[Line]:
    if plan.empty:
        return [Line("Nothing: all is within the policy.", "ok", 2)]
    rows = [
        fact("exchanges", f"{plan.total_exchanges:,}"),
        fact("bodies alone", f"{len(plan.bodies):,}"),
        fact("runs", f"{len(plan.runs):,}"),
        fact("folders, logs", f"{len(plan.folders):,}, {len(plan.logs):,}"),
        fact("bytes", fmt.size(_bytes(plan)), "bold"),
        Line(""),
    ]
    for run in plan.runs[:_SHOWN]:
        text = f"{fmt.clock(run.last_at)}  {one_line(run.title, 70)}  {run.exchanges} exchanges"
        rows.append(Line(text, "text", 20, f"  {run.why}", "dim"))
    paths = [*plan.folders, *plan.logs][:_SHOWN]
    return rows + [
        Line(f"{fmt.size(found.size):>9}  {one_line(str(found.path), 200)}", "dim", 20) for found in paths
    ]
