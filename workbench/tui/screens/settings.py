"""Settings: every setting with its value and its sentence; the file is edited in the editor."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from workbench.tui.document import Line, Lines, clean
from workbench.tui.screens.base import Place
from workbench.tui.widgets.findline import FindLine
from workbench.tui.widgets.textview import TextView

if TYPE_CHECKING:
    from workbench.settings import Setting
    from workbench.tui.source import Source


class SettingsScreen(Place):
    """What differs from the default stands out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "edit('settings')", "Edit workbench.yaml", id="settings.edit"),
        Binding("E", "edit('config')", "Edit router config", id="settings.edit-router"),
        Binding("K", "edit('keys')", "Edit keys", id="settings.edit-keys"),
        Binding("T", "theme", "Theme", id="settings.theme"),
        Binding("slash", "find", "Find", id="settings.find"),
        Binding("R", "reload", "Read again", show=False, id="settings.reload"),
    ]

    def body(self) -> ComposeResult:
        yield FindLine()
        yield TextView(Lines([Line("Reading…", "dim")]))

    def on_mount(self) -> None:
        """Read them."""
        self.query_one(TextView).focus()
        self.action_reload()

    def action_reload(self) -> None:
        """Read the settings again."""
        self.ask(partial(_described, self.source), self._show, group="settings")

    def _show(self, found: list[Setting]) -> None:
        self.trouble(None)
        self.query_one(TextView).show(settings_lines(found, str(self.source.home.root)), top=False)
        self.say(standing=f"theme {self.app.theme}")

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
        self.query_one(FindLine).edit(self.query_one(TextView))


def _described(source: Source) -> list[Setting]:
    from workbench.settings import describe

    return list(describe(source.settings()))


def settings_lines(found: list[Setting], home: str) -> Lines:
    """Return the settings, a heading for each section."""
    lines = Lines([Line(clean(home), "dim", 10, "  home", "dim")])
    section = ""
    for setting in found:
        name, _, key = setting.name.partition(".")
        if name != section:
            section = name
            lines.lines += [Line(""), Line(name, "bold accent")]
        changed = setting.value != setting.default
        value = "–" if setting.value is None else clean(str(setting.value))
        note = f"   (default {setting.default})" if changed else ""
        lines.lines.append(
            Line(value + clean(note), "bold mark" if changed else "text", 28, f"  {key}", "bold")
        )
        lines.lines.append(Line(clean(setting.sentence), "dim", 28))
    return lines
