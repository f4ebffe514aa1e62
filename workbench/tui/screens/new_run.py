"""New run: a brief, a recipe, a model; the run then goes on in a process of its own."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Input, Static, TextArea

from workbench.domain.text import one_line
from workbench.tui.messages import RouterStatus, Trouble
from workbench.tui.screens.base import Place
from workbench.tui.widgets.choices import Choices

_EXAMPLES = (
    "a slug library: turns titles into URL slugs, keeps digits, with tests",
    "a page for a bakery with opening hours and a list of breads",
)


_REVIEW = (
    ("review", "the run stops after the plan: you accept it, edit it or send it back"),
    ("straight", "the run goes through without asking"),
)


class NewRunScreen(Place):
    """The form; `ctrl+s` starts the run."""

    CSS = """
    NewRunScreen .form { padding: 1 3 0 3; height: 1fr; }
    NewRunScreen .label { color: $primary; text-style: bold; height: 1; margin-top: 1; }
    NewRunScreen .label.-first { margin-top: 0; }
    NewRunScreen .about { color: $foreground 60%; height: auto; }
    NewRunScreen TextArea {
        height: 6; max-width: 110; border: none; border-left: thick $border-blurred;
        background: $surface; padding: 0 1;
    }
    NewRunScreen TextArea:focus { border-left: thick $primary; }
    NewRunScreen Horizontal { height: auto; }
    NewRunScreen .field {
        width: 16; margin-right: 3; border: none; border-left: thick $border-blurred;
        background: $surface; height: 1; padding: 0 1;
    }
    NewRunScreen .field:focus { border-left: thick $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,ctrl+enter", "start", "Start", priority=True, id="new.start", key_display="^s"),
        Binding("escape", "leave_field", "Leave the field", show=False, id="new.leave"),
    ]
    AUTO_FOCUS = "#brief"

    def __init__(self) -> None:
        super().__init__()
        self._starting = False

    def body(self) -> ComposeResult:
        with VerticalScroll(classes="form", can_focus=False):
            yield Static("What should it be?", classes="label -first")
            area = TextArea(id="brief", soft_wrap=True, show_line_numbers=False, tab_behavior="focus")
            area.placeholder = f"{_EXAMPLES[0]}\n{_EXAMPLES[1]}"
            yield area
            yield Static("Recipe", classes="label")
            yield Choices(id="recipe")
            yield Static(classes="about", id="about-recipe", markup=False)
            yield Static("Model", classes="label")
            yield Choices(id="model")
            yield Static(classes="about", id="about-model", markup=False)
            yield Static("Plan", classes="label")
            yield Choices(id="review")
            yield Static(classes="about", id="about-review", markup=False)
            yield Static("Budget", classes="label")
            with Horizontal():
                yield Input(id="budget", classes="field", placeholder="1.00", restrict=r"[0-9.]*")
                yield Static(Text("USD at most; empty: as set in workbench.yaml"), classes="about")

    def on_mount(self) -> None:
        """Look what can be chosen."""
        self.query_one("#review", Choices).offer(_REVIEW, "review")
        self.ask(self._options, self._offer, group="options")
        self.router_changed(self.work.status)
        self.say(standing="^s starts the run")

    def _options(self) -> tuple[list[tuple[str, str]], str, str]:
        from workbench.workflow.library import list_recipes

        home = self.source.home
        recipes = [
            (kit.recipe.name, f"{kit.recipe.title}: {kit.recipe.summary}") for kit in list_recipes(home)
        ]
        settings = self.source.settings()
        return recipes, settings.workflow.recipe, settings.workflow.model

    def _offer(self, found: tuple[list[tuple[str, str]], str, str]) -> None:
        recipes, recipe, model = found
        self.query_one("#recipe", Choices).offer(recipes, recipe)
        self.query_one("#model", Choices).prefer(model)

    def router_changed(self, status: RouterStatus) -> None:
        """Offer the model groups that answer."""
        models = [(str(group.get("name", "")), _about(group)) for group in status.groups]
        usable = [(name, about) for name, about in models if about]
        if usable:
            self.query_one("#model", Choices).offer(usable, None)
        elif not status.up:
            self.query_one("#about-model", Static).update("the router starts when the run does")

    @on(Choices.Changed)
    def _chosen(self, message: Choices.Changed) -> None:
        self.query_one(f"#about-{message.sender.id}", Static).update(one_line(message.about, 300))

    def action_leave_field(self) -> None:
        """From a field to the number keys."""
        self.set_focus(None)

    def action_start(self) -> None:
        """Start it and go along."""
        brief = self.query_one("#brief", TextArea).text.strip()
        if not brief:
            self.trouble(
                Trouble("a run needs a brief: say what it should be", f"for example: {_EXAMPLES[0]}")
            )
            return
        if self._starting:
            return
        self._starting = True
        self.trouble(None)
        self.say(standing="◌ starting…")
        from workbench.tui.jobs import start_run

        self.ask(
            partial(start_run, self.source.home, self._arguments(brief)),
            self._started,
            group="start",
            otherwise=self._not_started,
        )

    def _arguments(self, brief: str) -> list[str]:
        arguments = ["generate", "--events"]
        for flag, value in (
            ("--recipe", self.query_one("#recipe", Choices).value),
            ("--model", self.query_one("#model", Choices).value),
            ("--budget", self.query_one("#budget", Input).value.strip()),
        ):
            arguments += [flag, value] if value else []
        arguments += ["--review"] if self.query_one("#review", Choices).value == "review" else []
        return [*arguments, "--", brief]

    def _started(self, run_id: str) -> None:
        self._starting = False
        self.say(standing="^s starts the run")
        from workbench.tui.screens.run import RunScreen

        self.app.push_screen(RunScreen(run_id))

    def _not_started(self, trouble: Trouble) -> None:
        self._starting = False
        self.say(standing="^s starts the run")
        self.trouble(trouble)


def _about(group: dict[str, object]) -> str:
    deployments = group.get("deployments")
    names = [
        f"{item.get('provider')} {item.get('model')}"
        for item in (deployments if isinstance(deployments, list) else [])
        if isinstance(item, dict) and item.get("enabled", True)
    ]
    return ", ".join(names)
