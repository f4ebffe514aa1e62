"""The rows of a list as strips, remembered: scrolling shows most of them again."""

from __future__ import annotations

from rich.style import Style
from textual.strip import Strip

from workbench.tui.paint import Paint, Piece

LIMIT = 200
"""Rows remembered, a few screens' worth: one takes about 8 KB."""


class RowStrips:
    """Makes strips of rows; what Textual keeps with a strip is kept with it."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], Strip] = {}
        self._of: tuple[Paint, Style] | None = None

    def draw(
        self, paint: Paint, base: Style, row: list[Piece], end: Piece, *, width: int, ground: str
    ) -> Strip:
        """Return `row` on the style named `ground`, filled to `width` cells of which the last is `end`."""
        if self._of is None or self._of[0] is not paint or self._of[1] != base:
            self._kept.clear()
            self._of = paint, base
        key = (width, ground, end, *row)
        strip = self._kept.get(key)
        if strip is None:
            if len(self._kept) >= LIMIT:
                self._kept.clear()
            line = paint.strip(row, width - 1, base + paint.style(ground))
            strip = self._kept[key] = Strip([*line, *paint.over((end,), base)], width)
        return strip
