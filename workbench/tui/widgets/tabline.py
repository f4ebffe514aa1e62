"""A line of tabs: what is shown is one of several views of the same thing."""

from __future__ import annotations

from rich.cells import cell_len
from textual.message import Message
from textual.reactive import reactive

from workbench.tui.widgets.chrome import Line, Part


class TabLine(Line):
    """Tabs by name; `active` is the index of the one that is shown. Keys are the screen's."""

    active: reactive[int] = reactive(0)

    class Changed(Message):
        """Another tab is shown."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self, names: tuple[str, ...], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.names = names
        self.note = ""

    @property
    def tab(self) -> str:
        """The name of the tab that is shown."""
        return self.names[self.active]

    def put(self, tab: str, note: str) -> None:
        """Show a tab without telling the screen, and a note at the right edge."""
        self.set_reactive(TabLine.active, self.names.index(tab))
        self.note = note
        self.refresh()

    def action_show(self, index: int) -> None:
        self.active = index % len(self.names)

    def step(self, by: int) -> None:
        """Go to a neighbour, round and round."""
        self.active = (self.active + by) % len(self.names)

    def tab_places(self) -> list[tuple[int, int]]:
        """Return (index, column) of every tab that fits on the screen."""
        found: list[tuple[int, int]] = []
        at = 0
        for index, name in enumerate(self.names):
            found.append((index, at + 1))
            at += cell_len(name) + 3
        return [(index, column) for index, column in found if column < self.size.width]

    def watch_active(self) -> None:
        """Tell the screen."""
        self.post_message(self.Changed(self.tab))

    def left(self, width: int) -> list[Part]:
        parts: list[Part] = [(" ", "", None)]
        for index, name in enumerate(self.names):
            here = index == self.active
            parts.append((f" {name} ", "bold underline accent" if here else "dim", f"show({index})"))
            parts.append((" ", "", None))
        return parts

    def right(self, width: int) -> list[Part]:
        return [(f"{self.note} ", "dim", None)] if self.note else []
