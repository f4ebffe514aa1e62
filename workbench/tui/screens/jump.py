"""Jump mode: letters over everything that can be gone to; typing one goes there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.color import Color, ColorParseError
from textual.screen import ModalScreen, Screen
from textual.strip import Strip
from textual.widget import Widget

from workbench.tui.jump import Target, labels, targets

_DIM = Style(dim=True)
Jump = tuple[Target, bool]
"""(where to, whether it is to be opened too)"""


class Overlay(Widget):
    """The screen below as it was, dimmed, with labels over it."""

    DEFAULT_CSS = "Overlay { width: 100%; height: 100%; }"

    def __init__(self, below: list[Strip], labelled: dict[str, Target]) -> None:
        super().__init__()
        self._below = below
        self._labelled = labelled
        self.typed = ""

    def render_line(self, y: int) -> Strip:
        base = self._below[y] if y < len(self._below) else Strip.blank(self.size.width)
        style = _label_style(self.app.theme_variables)
        shown = sorted(
            (target.x, label)
            for label, target in self._labelled.items()
            if target.y == y and label.startswith(self.typed)
        )
        strip = base.apply_style(_DIM)
        for x, label in shown:
            rest = label[len(self.typed) :]
            mark = Strip([Segment(rest, style)])
            end = x + len(rest)
            strip = Strip.join([strip.crop(0, x), mark, strip.crop(end, max(end, strip.cell_length))])
        return strip


def _label_style(variables: Mapping[str, str]) -> Style:
    """The theme's own colours the other way round; where they are the terminal's, its reverse."""
    try:
        accent, back = Color.parse(variables["primary"]), Color.parse(variables["background"])
    except (ColorParseError, KeyError):
        return Style(bold=True, reverse=True)
    if accent.ansi is not None or back.ansi is not None:
        return Style(bold=True, reverse=True)
    return Style(bold=True, color=back.rich_color, bgcolor=accent.rich_color)


class JumpScreen(ModalScreen[Jump | None]):
    """A letter goes there, the same letter with shift opens what is there; anything else leaves."""

    DEFAULT_CSS = "JumpScreen { background: $background; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Leave", show=False, id="jump.leave")
    ]

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__()
        self._size_below = below.size
        found = targets(below)
        self.labelled = dict(zip(labels(len(found)), found, strict=False))
        self._overlay = Overlay(below._compositor.render_strips(), self.labelled)

    def compose(self) -> ComposeResult:
        yield self._overlay

    def on_key(self, event: events.Key) -> None:
        """Take a letter."""
        if event.key == "escape":
            return
        event.stop()
        event.prevent_default()
        typed = self._overlay.typed + (event.character or " ").lower()
        if typed in self.labelled:
            self.dismiss((self.labelled[typed], (event.character or "").isupper()))
        elif any(label.startswith(typed) for label in self.labelled):
            self._overlay.typed = typed
            self._overlay.refresh()
        else:
            self.dismiss(None)

    def on_resize(self, event: events.Resize) -> None:
        """What the labels stand on has moved."""
        if event.size != self._size_below and self.is_current:
            self.dismiss(None)
