"""Choosing one or several of some names: space marks, enter takes."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from workbench.domain.text import one_line
from workbench.tui.widgets.itemlist import Item, ItemList


class Picker(ModalScreen[list[str] | None]):
    """Returns the chosen names in the order offered; none means no choice; None when dropped."""

    DEFAULT_CSS = """
    Picker { align: center middle; background: $background 60%; }
    Picker > Vertical {
        width: 60; max-width: 94%; height: auto; background: $panel; border: round $border; padding: 1 2;
    }
    Picker .head { text-style: bold; color: $primary; margin-bottom: 1; }
    Picker ItemList { height: 12; background: $panel; }
    Picker .keys { color: $foreground 60%; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,m", "mark", "Mark", show=False, id="picker.mark"),
        Binding("escape,q", "drop", "Drop", show=False, id="picker.drop"),
    ]

    def __init__(self, title: str, names: list[str], chosen: list[str], *, one: bool = False) -> None:
        """`one`: exactly one can be chosen."""
        super().__init__()
        self._title, self._names, self._chosen, self._one = title, names, set(chosen), one

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Text(self._title), classes="head")
            yield ItemList()
            mark = "" if self._one else "space  mark    "
            yield Static(Text(f"{mark}enter  take    esc  drop"), classes="keys")

    def on_mount(self) -> None:
        """Show the names."""
        self.query_one(ItemList).focus()
        self._draw()

    def _draw(self) -> None:
        rows = [
            Item(name, (("◆ " if name in self._chosen else "  ", "mark"), (one_line(name, 50), "")))
            for name in self._names
        ]
        self.query_one(ItemList).put(rows or [Item("", (("the router offers no models", "dim"),))])

    def action_mark(self) -> None:
        name = self.query_one(ItemList).key
        if name and not self._one:
            self._chosen ^= {name}
            self._draw()
            self.query_one(ItemList).action_move(1)

    @on(ItemList.Chosen)
    def _take(self, message: ItemList.Chosen) -> None:
        chosen = self._chosen or {message.key}
        self.dismiss([name for name in self._names if name in chosen])

    def action_drop(self) -> None:
        self.dismiss(None)
