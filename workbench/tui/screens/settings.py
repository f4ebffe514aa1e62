"""Settings: every setting with its sentence, its value and where that comes from; changed in place."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from workbench.settings.sections import TuiSettings
from workbench.tui.messages import Trouble
from workbench.tui.screens.base import Place
from workbench.tui.settings_view import OF_THE_ROUTER, about, setting_items, shown
from workbench.tui.widgets.findline import FindLine
from workbench.tui.widgets.itemlist import ItemList

if TYPE_CHECKING:
    from workbench.control.setting_facts import SettingFacts
    from workbench.settings.home import Home


STALE = Trouble("The router still runs with the old settings.", "ctrl+r restarts it")


class Written(NamedTuple):
    """What a setting is to be in the file; `value` UNSET takes it out."""

    name: str
    value: Any


class SettingList(ItemList):
    """The settings; `enter` changes one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,l,right", "choose", "Change", id="settings.change", key_display="enter")
    ]


class SettingsScreen(Place):
    """`enter` changes the setting under the cursor in ``workbench.yaml``; comments there stay."""

    CSS = """
    SettingsScreen #about { height: 4; padding: 0 3; background: $surface; border-top: hkey $border-blurred; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "unset", "Back to default", id="settings.unset"),
        Binding("u", "undo", "Undo", id="settings.undo"),
        Binding("e", "edit('settings')", "Edit file", id="settings.edit"),
        Binding("E", "edit('config')", "Edit router config", id="settings.edit-router"),
        Binding("K", "edit('keys')", "Edit keys", id="settings.edit-keys"),
        Binding("T", "theme", "Theme", id="settings.theme"),
        Binding("ctrl+r", "restart", "Restart router", show=False, id="settings.restart", key_display="^r"),
        Binding("slash", "find", "Find", id="settings.find"),
        Binding("R", "reload", "Read again", show=False, id="settings.reload"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._found: dict[str, SettingFacts] = {}
        self._before: list[Written] = []
        """What takes the last changes back, newest last."""
        self._parsed: Any = None
        """What the line that was accepted last means."""
        self._restart_due = False

    def body(self) -> ComposeResult:
        yield Static(classes="title", markup=False)
        yield FindLine()
        yield SettingList(id="items")
        yield Static(id="about", markup=False)

    def on_mount(self) -> None:
        """Read them."""
        self.query_one(".title", Static).update(str(self.source.home.settings_file))
        self.query_one(ItemList).focus()
        self.action_reload()

    def action_reload(self) -> None:
        """Read the settings again."""
        self.ask(partial(_facts, self.source.home), self._show, group="settings")

    def _show(self, found: list[SettingFacts]) -> None:
        self.trouble(STALE if self._restart_due else None)
        self._found = {facts.name: facts for facts in found}
        self._draw()
        self._about()
        changed = sum(facts.setting.value != facts.setting.default for facts in found)
        self.say(standing=f"{changed} of {len(found)} changed")

    def on_resize(self) -> None:
        """More of a sentence fits, or less."""
        self._draw()

    def _draw(self) -> None:
        self.query_one(ItemList).put(setting_items(list(self._found.values()), self.size.width))

    @on(ItemList.Highlighted)
    def _about(self) -> None:
        facts = self._current()
        if facts is not None:
            self.query_one("#about", Static).update(about(facts))

    def _current(self) -> SettingFacts | None:
        return self._found.get(self.query_one(ItemList).key)

    # -- changing one

    @on(ItemList.Chosen)
    def action_change(self) -> None:
        """Switch it, choose one of what there is, or ask for a value."""
        facts = self._current()
        if facts is None:
            return
        if facts.is_switch:
            self._write(facts, not facts.setting.value)
            return
        names = self._names(facts.name)
        if names:
            from workbench.tui.screens.picking import Picker

            self.app.push_screen(
                Picker(facts.name, names, [], one=True), lambda chosen: self._picked(facts, chosen)
            )
        else:
            self._ask_for(facts)

    def _names(self, name: str) -> list[str]:
        """Return what there is to choose from."""
        match name:
            case "tui.theme":
                return sorted(self.app.available_themes)
            case "workflow.model" | "router.default_model":
                return self.work.status.models
            case _:
                return []

    def _picked(self, facts: SettingFacts, chosen: list[str] | None) -> None:
        if chosen:
            self._write(facts, chosen[0])

    def _ask_for(self, facts: SettingFacts) -> None:
        from workbench.tui.screens.dialogs import Prompt

        none = ", or none" if facts.optional else ""
        question = Prompt(
            facts.name,
            f"{facts.setting.sentence}\n{facts.takes}{none}; default {shown(facts.setting.default)}",
            shown(facts.setting.value),
            check=lambda text: self._fault(facts, text),
        )
        self.app.push_screen(question, partial(self._answered, facts))

    def _fault(self, facts: SettingFacts, text: str) -> str | None:
        from workbench.control.settings_edit import parse_setting
        from workbench.domain.errors import ConfigError

        try:
            self._parsed = parse_setting(self.source.home, facts.name, text, optional=facts.optional)
        except ConfigError as error:
            return error.problem
        return None

    def _answered(self, facts: SettingFacts, text: str | None) -> None:
        if text is not None and self._parsed != facts.written:
            self._write(facts, self._parsed)

    def _write(self, facts: SettingFacts, value: Any) -> None:
        if facts.origin == "environment":
            self.app.notify(f"{facts.where} still counts more than the file.", markup=False)
        self._do(Written(facts.name, value), back=Written(facts.name, facts.written))

    def _do(self, written: Written, *, back: Written | None = None) -> None:
        self.ask(
            partial(_apply, self.source.home, written), partial(self._written, written, back), group="write"
        )

    def _written(self, written: Written, back: Written | None, found: list[SettingFacts]) -> None:
        if back is not None:
            self._before.append(back)
        if written.name.split(".")[0] in OF_THE_ROUTER and self.work.status.up:
            self._restart_due = True
        self._show(found)
        if written.name.startswith("tui."):
            self.work.take_settings(_of_the_app(found))
        self.refresh_bindings()

    def action_unset(self) -> None:
        """Take it out of the file."""
        facts = self._current()
        if facts is not None and facts.written is not msgspec.UNSET:
            self._write(facts, msgspec.UNSET)

    def action_undo(self) -> None:
        """Take the last change back."""
        if self._before:
            self._do(self._before.pop())
        else:
            self.app.notify("Nothing to undo here.")

    # -- the rest

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Restart only a router that runs with other settings."""
        return (True if self._restart_due else None) if action == "restart" else True

    def action_restart(self) -> None:
        """Ask, then restart the router with the settings that are written."""
        from workbench.tui.screens.dialogs import Confirm

        about = "Clients get no answer until it runs again. Streams may finish first."
        self.app.push_screen(Confirm("Restart the router?", about), self._restart)

    def _restart(self, sure: bool | None) -> None:
        if sure:
            from workbench.control.process import stop_router

            self.ask(partial(stop_router, self.source.home), self._stopped, group="restart")

    def _stopped(self, _: object) -> None:
        self._restart_due = False
        self.work.start_router()
        self.action_reload()

    def action_edit(self, what: str) -> None:
        """Open a file of the home in the editor, then read again."""
        from workbench.tui.external import open_path
        from workbench.tui.keymap import TEMPLATE

        home = self.source.home
        path = {"settings": home.settings_file, "config": home.config, "keys": home.root / "keys.yaml"}[what]
        if what == "keys" and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(TEMPLATE, encoding="utf-8")
        open_path(self, path)
        self.work.load_keymap()
        self.action_reload()

    def action_theme(self) -> None:
        """Choose a theme; it is kept."""
        self.app.search_themes()

    def action_find(self) -> None:
        self.query_one(FindLine).edit(self.query_one(ItemList))


def _facts(home: Home) -> list[SettingFacts]:
    from workbench.control.setting_facts import setting_facts

    return setting_facts(home)


def _apply(home: Home, written: Written) -> list[SettingFacts]:
    """Write one setting, or take it out, and read all again. Blocks. Raises ConfigError."""
    from workbench.control.settings_edit import set_setting, unset_setting

    if written.value is msgspec.UNSET:
        unset_setting(home, written.name)
    else:
        set_setting(home, written.name, written.value)
    return _facts(home)


def _of_the_app(found: list[SettingFacts]) -> TuiSettings:
    values = {facts.name: facts.setting.value for facts in found}
    return TuiSettings(theme=values["tui.theme"], mouse=values["tui.mouse"], tail=values["tui.tail"])
