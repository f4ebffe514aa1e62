"""Bars over time in blocks of eight steps a row: for every terminal, in every theme and without colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from workbench.tui import format as fmt
from workbench.tui.paint import fit

ROWS = 6
SCALE = 9
"""Cells at the left for the scale."""


class Chart(msgspec.Struct, frozen=True):
    """One value a slice of time as bars, maybe a second one as points."""

    title: str
    bars: Sequence[float]
    label: Callable[[float], str]
    """How a value is written at the scale."""
    points: Sequence[float] = ()
    note: str = ""

    def lines(self, width: int, edges: tuple[str, str]) -> list[tuple[str, str]]:
        """Return (scale, row) of every line: title, bars, and what the ends of the time axis are."""
        top = max(*self.bars, *self.points, 0.0) or 1.0
        each = max(1, min(3, (width - SCALE - 1) // max(1, len(self.bars))))
        made = [("", fit(f"{self.title}{f'   {self.note}' if self.note else ''}", width - SCALE))]
        for row in range(ROWS - 1, -1, -1):
            scale = self.label(top) if row == ROWS - 1 else "0" if row == 0 else ""
            cells = (self._cell(at, row, top) * each for at in range(len(self.bars)))
            made.append((f"{scale:>{SCALE - 1}}", "".join(cells)))
        left, right = edges
        made.append(("", left + right.rjust(len(self.bars) * each - len(left))))
        return made

    def _cell(self, at: int, row: int, top: float) -> str:
        height = self.bars[at] / top * ROWS - row
        if height > 0:
            return fmt.BARS[min(7, int(height * 8))]
        if self.points and self.points[at] > 0:
            place = min(self.points[at] / top * ROWS, ROWS - 0.01)
            return "•" if int(place) == row else " "
        return " "
