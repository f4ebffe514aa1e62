"""Lists that `/` narrows: the line in which the filter is typed, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from workbench.tui import state as kept
from workbench.tui.completion import EXCHANGES, Language
from workbench.tui.screens.base import Place

if TYPE_CHECKING:
    from textual.widget import Widget

    from workbench.tui.widgets.filterline import FilterLine


class Filtering(Place):
    """Subclasses bind `filter`, and say what a filter does and where it is kept."""

    language: ClassVar[Language] = EXCHANGES

    @property
    def rows(self) -> Widget:
        """The list."""
        raise NotImplementedError

    @property
    def filters(self) -> list[str]:
        """Filters used before, newest first; the screen's own list, which grows."""
        raise NotImplementedError

    def filter(self, text: str) -> None:
        """Show what this filter lets through."""
        raise NotImplementedError

    def first_filter(self) -> str:
        """Return the filter that the screen begins with."""
        return ""

    def keep_filter(self, text: str) -> None:
        """Remember the filter for the next start."""

    def filter_values(self) -> dict[str, list[str]]:
        """Return values that exist, by key, for completion."""
        return {}

    # -- the line

    async def filter_line(self) -> FilterLine:
        """Return the filter line; it is made when it is first needed, which the first frame is not."""
        from workbench.tui.widgets.filterline import FilterLine

        for line in self.query(FilterLine):
            return line
        line = FilterLine(self.language, id="filter")
        line.history = self.filters
        line.values = self.filter_values()
        await self.mount(line, before="#split")
        return line

    async def show_filter(self, text: str) -> None:
        """Show a filter that is in force; an empty one hides the line."""
        (await self.filter_line()).put(text)

    def drop_filter(self) -> None:
        """Let everything through again."""
        self.call_later(self.show_filter, "")
        self.filter("")

    def on_filter_line_changed(self, message: FilterLine.Changed) -> None:
        """Filter while it is typed."""
        self.filter(message.text)

    def on_filter_line_done(self, message: FilterLine.Done) -> None:
        """The filter stands: keep it and go back to the list."""
        kept.remember_filter(self.filters, message.text)
        self.filter(message.text)
        self.rows.focus()

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`/` comes before all else, so that what is typed right after it is text."""
        return action != "filter" or not self.typing

    async def action_filter(self) -> None:
        """Type a filter."""
        (await self.filter_line()).edit()
