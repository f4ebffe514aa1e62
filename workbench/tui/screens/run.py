"""One workflow run: steps, plan, files, gates, log and report; live while it goes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import Resize
from textual.timer import Timer
from textual.widgets import Static

from workbench.domain import events as ev
from workbench.domain.run import Run, Step
from workbench.tui import format as fmt
from workbench.tui.document import Document, Line, Lines
from workbench.tui.follow import FileFollower, Grown
from workbench.tui.messages import Trouble
from workbench.tui.run_items import items_of, newest_key, title_of
from workbench.tui.run_pages import page_of
from workbench.tui.run_picture import RunPicture
from workbench.tui.screens.run_keys import RunKeys
from workbench.tui.widgets.findline import FindLine
from workbench.tui.widgets.itemlist import ItemList
from workbench.tui.widgets.textview import TextView

_WIDE = 96
_GATHER_S = 0.08


class RunScreen(RunKeys):
    """The left side lists what there is of the run, the right side shows one of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "accept", "Accept plan", id="run.accept"),
        Binding("s", "send_back", "Send back", id="run.send-back"),
        Binding("e", "edit_plan", "Edit plan", show=False, id="run.edit-plan"),
        Binding("f", "follow", "Follow", id="run.follow"),
        Binding("o", "open_file", "Editor", show=False, id="run.open-file"),
        Binding("slash", "find", "Find", show=False, id="run.find"),
        Binding("tab", "side", "Other side", show=False, id="run.side"),
    ]

    def __init__(self, run_id: str, *, item: str = "overview") -> None:
        super().__init__()
        self.run_id = run_id
        self.picture = RunPicture()
        self.run: Run | None = None
        self.steps: list[Step] = []
        self.following = item == "overview"
        self._item = item
        self._follower: FileFollower | None = None
        self._gather: Timer | None = None
        self._shown: tuple[str, int] = ("", -1)

    def body(self) -> ComposeResult:
        yield Static(classes="title", markup=False)
        yield FindLine()
        with Container(classes="split", id="split"):
            yield ItemList(id="items")
            yield TextView(Lines([Line("Reading…", "dim")]), id="text")

    def on_mount(self) -> None:
        """Read the run and follow its events."""
        self.say(trail=self.run_id)
        self.items.focus()
        self.read()
        self._follower = FileFollower(self.source.home.runs / self.run_id / "events.jsonl", self.post_message)
        self._follower.start()
        self.set_interval(1.0, self._tick)

    def on_unmount(self) -> None:
        """Let the follower end."""
        if self._follower is not None:
            self._follower.stop()

    def on_resize(self, event: Resize) -> None:
        """Side by side where there is room, else one above the other."""
        wide = event.size.width >= _WIDE
        self.query_one("#split").set_class(wide, "-wide")
        items = self.items
        items.styles.width = min(46, max(30, event.size.width // 4)) if wide else "1fr"
        items.styles.height = "1fr" if wide else max(5, event.size.height // 3)
        self.text.set_class(wide, "side")

    @property
    def items(self) -> ItemList:
        """The left side."""
        return self.query_one(ItemList)

    @property
    def text(self) -> TextView:
        """The right side."""
        return self.query_one("#text", TextView)

    # -- reading

    def read(self) -> None:
        """Read the run's row and steps."""
        self.ask(
            partial(self.source.run_and_steps, self.run_id), self._take, group="run", otherwise=self._no_run
        )

    def _take(self, found: tuple[Run, list[Step]]) -> None:
        self.run, self.steps = found
        self.trouble(None)
        self._draw()

    def _no_run(self, trouble: Trouble) -> None:
        if not self.picture.run:
            self.trouble(trouble)

    def store_changed(self) -> None:
        """Its row, steps or exchanges may have changed."""
        self.read()

    @on(Grown)
    def _events(self, message: Grown) -> None:
        if message.first:
            self.picture = RunPicture()
        for line in message.lines:
            event = ev.decode(line)
            if event is not None:
                self.picture.take(event)
        if self._gather is None:
            self._gather = self.set_timer(_GATHER_S, self._draw)

    def _tick(self) -> None:
        if not self.picture.ended:
            self._headline()

    # -- drawing

    def _draw(self) -> None:
        self._gather = None
        self._headline()
        self.items.put(items_of(self.picture, self.run))
        if self._item:
            # Its row may come with the events, which are read after the run.
            if any(item.key == self._item for item in self.items.items):
                self.items.select(self._item)
                self._item = ""
        elif self.following:
            self.items.select(newest_key(self.picture))
        self._page()

    def _headline(self) -> None:
        self.query_one(".title", Static).update(title_of(self.picture, self.run, fmt.now_us()))
        run = self.run
        spent = (
            f"{fmt.exact(run.input_tokens + run.output_tokens)} tokens  {fmt.money(run.cost_usd)}"
            if run
            else ""
        )
        self.say(standing=f"{spent}   {'following' if self.following else 'not following'}")

    def _page(self) -> None:
        """Show the item under the cursor; one that grew keeps its place."""
        key = self.items.key
        if not key:
            return
        self.ask(
            partial(page_of, key, self.picture, self.run, self.steps, self.source.home),
            partial(self._put, key),
            group="page",
        )

    def _put(self, key: str, document: Document) -> None:
        if key != self.items.key:
            return
        mark = (key, len(document))
        same = self._shown[0] == key
        growing = key.startswith(("gate:", "file:", "smoke", "log", "plan")) and not self.picture.ended
        if not same or self._shown != mark or not self.picture.ended:
            self.text.show(document, top=not same, follow=growing and (self.following or self.text.follow))
        self._shown = mark

    @on(ItemList.Highlighted)
    def _highlighted(self, message: ItemList.Highlighted) -> None:
        if message.by_user:
            self.following, self._item = False, ""
            self._headline()
        self._page()

    @on(ItemList.Chosen)
    def _chosen(self) -> None:
        self.text.focus()

    # -- keys

    def subject(self) -> Run | None:
        """Return this run."""
        return self.run

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys for the plan are there while it waits; others stay visible and are struck out."""
        if action in {"accept", "send_back", "edit_plan"}:
            return True if self.picture.waiting else None
        if action == "cancel_run":
            return None if self.picture.ended else True
        return True

    def action_follow(self) -> None:
        """Go along with what is being written, or stay."""
        self.following = not self.following
        self._draw()

    def action_side(self) -> None:
        (self.text if self.items.has_focus else self.items).focus()

    def action_find(self) -> None:
        self.query_one(FindLine).edit(self.text)

    def action_accept(self) -> None:
        """Let the run go on with its plan."""
        self._decide(None)

    def _decide(self, plan: bytes | None) -> None:
        from workbench.workflow.verbs import approve

        self.following = True
        self.ask(partial(approve, self.source.home, self.run_id, plan), self._decided, group="decide")

    def _decided(self, _: object) -> None:
        self.picture.waiting = False
        self.refresh_bindings()
        self._draw()

    def action_send_back(self) -> None:
        """Say what the plan should be like."""
        from workbench.tui.screens.dialogs import Prompt

        question = Prompt("Send the plan back", "what should be different?")
        self.app.push_screen(question, self._sent_back)

    def _sent_back(self, words: str | None) -> None:
        if words:
            from workbench.workflow.verbs import send_back

            self.following = True
            self.ask(partial(send_back, self.source.home, self.run_id, words), self._decided, group="decide")

    def action_edit_plan(self) -> None:
        """Edit the plan, then accept it."""
        from workbench.tui.external import edit_bytes

        path = self.source.home.runs / self.run_id / "plan.json"
        edited = edit_bytes(self, path.read_bytes(), ".json")
        if edited is not None:
            self._decide(edited)

    def action_open_file(self) -> None:
        """Open the file under the cursor in the editor."""
        from workbench.tui.external import open_path

        path = self._path_under_cursor()
        if path is not None:
            open_path(self, path)

    def _path_under_cursor(self) -> Path | None:
        kind, _, name = self.items.key.partition(":")
        home = self.source.home
        if kind == "file":
            return home.generated / self.run_id / name
        if kind == "gate":
            return home.runs / self.run_id / "gates" / f"{name}.log"
        return home.runs / self.run_id / ("plan.json" if kind == "plan" else "report.json")

    def _runs_gone(self, runs: list[Run]) -> None:
        self.app.pop_screen()
