"""Widgets that draw their lines themselves, in the named styles of the theme."""

from __future__ import annotations

from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from workbench.tui.paint import Paint


class Drawn(Widget):
    """Has the theme's `paint`, and its own style as `base` while its lines are drawn."""

    _paint: Paint | None = None
    _base: Style | None = None

    @property
    def paint(self) -> Paint:
        """The styles of the theme that is on."""
        if self._paint is None:
            self._paint = Paint(self.app.theme_variables)
        return self._paint

    @property
    def base(self) -> Style:
        """What everything is drawn on. Working it out walks up to the screen: it is done once a repaint."""
        if self._base is None:
            self._base = self.rich_style
        return self._base

    def on_mount(self) -> None:
        """Follow the theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._repaint())

    def _repaint(self) -> None:
        self._paint = None
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the lines of a region."""
        self._base = None
        return super().render_lines(crop)
