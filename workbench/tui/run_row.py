"""How a run looks as one line."""

from __future__ import annotations

from workbench.domain.run import Run
from workbench.domain.text import one_line
from workbench.tui import format as fmt
from workbench.tui.paint import Piece, fit

GLYPHS: dict[str, tuple[str, str]] = {
    "running": ("◌", "second"),
    "waiting": ("◇", "mark"),
    "passed": ("✓", "ok"),
    "failed": ("✗", "bad"),
    "cancelled": ("⊘", "warn"),
    "interrupted": ("!", "warn"),
    "open": ("○", "second"),
    "closed": ("●", "dim"),
    "pending": ("·", "faint"),
    "skipped": ("»", "faint"),
    "written": ("✓", "ok"),
    "writing": ("◌", "second"),
    "refused": ("✗", "bad"),
}


def glyph(status: str) -> Piece:
    """Return the sign of a run's, step's, file's or gate's status."""
    return GLYPHS.get(status, ("?", "faint"))


class RunRow:
    """Draws runs; a fork or replay of another run is set in."""

    def head(self, width: int) -> list[Piece]:
        names = fit("started", 11) + " " + fit("status", 13) + " " + fit("kind", 8) + " "
        return [(names + self._tail(width, "exch", "tokens", "cost", "took") + " what", "")]

    def row(self, item: Run, width: int) -> list[Piece]:
        sign, style = glyph(item.status)
        took = ((item.ended_at or fmt.now_us()) - item.started_at) / 1000
        tail = self._tail(
            width,
            fmt.count(item.exchanges),
            fmt.count(item.input_tokens + item.output_tokens),
            fmt.money(item.cost_usd),
            fmt.duration(took) if item.kind != "session" else "",
        )
        return [
            (fit(fmt.clock(item.started_at), 11) + " ", "dim"),
            (fit(f"{sign} {item.status}", 13) + " ", style),
            (fit(item.kind, 8) + " ", "faint"),
            (tail, "dim"),
            (" ★" if item.pinned else "", "mark"),
            (" ↳" if item.parent else "", "faint"),
            (
                " " + one_line(item.name or item.title or item.id, 300),
                "bold" if item.kind == "workflow" else "",
            ),
        ]

    def _tail(self, width: int, exchanges: str, tokens: str, cost: str, took: str) -> str:
        if width < 92:
            return fit(exchanges, 5, right=True)
        cells = ((exchanges, 5), (tokens, 6), (cost, 8), (took, 7))
        return " ".join(fit(text, size, right=True) for text, size in cells)
