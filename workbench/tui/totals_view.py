"""Sums as lines: the whole, bars over time, and a table for models and tenants."""

from __future__ import annotations

import time

from workbench.domain.text import one_line
from workbench.tui import format as fmt
from workbench.tui.document import Line, Lines
from workbench.tui.facts_view import fact
from workbench.tui.paint import fit
from workbench.tui.totals import Total, Totals

SLOTS = 60
_ROWS = 6
_NAME = 26


def totals_lines(found: Totals) -> Lines:
    """Return the Stats screen's text."""
    whole = found.whole
    lines = Lines(
        [
            fact("requests", f"{whole.requests:,}   {whole.failed:,} failed", "bold"),
            fact("tokens", f"{whole.input_tokens:,} in   {whole.output_tokens:,} out"),
            fact("cost", fmt.money(whole.cost_usd)),
            fact("took", f"{_ms(whole, 0.5)} median   {_ms(whole, 0.95)} for 95 %"),
        ]
    )
    if not found.complete:
        lines.lines.append(Line(f"the newest {whole.requests:,} only; older ones are left out", "warn", 2))
    if not whole.requests:
        lines.lines += [Line(""), Line("Nothing in this time.", "dim", 2)]
        return lines
    _chart(lines, "requests", [float(slot.requests) for slot in found.slots], found)
    if whole.input_tokens or whole.output_tokens:
        tokens = [float(slot.input_tokens + slot.output_tokens) for slot in found.slots]
        _chart(lines, "tokens", tokens, found)
    _table(lines, "by model", found.models, whole)
    if len(found.tenants) > 1:
        _table(lines, "by tenant", found.tenants, whole)
    return lines


def _chart(lines: Lines, title: str, values: list[float], found: Totals) -> None:
    """Columns of blocks, eight steps a row, the scale at the left."""
    top = max(values, default=0.0) or 1.0
    lines.lines += [Line(""), Line(title, "bold accent")]
    for row in range(_ROWS - 1, -1, -1):
        bars = "".join(_block(value / top * _ROWS - row) for value in values)
        scale = fmt.count(top) if row == _ROWS - 1 else "0" if row == 0 else ""
        lines.lines.append(Line(bars, "accent", 10, f"{scale:>8}"))
    left, right = _when(found.from_us, found), _when(found.to_us, found)
    lines.lines.append(Line(left + " " * max(1, len(values) - len(left) - len(right)) + right, "faint", 10))


def _block(height: float) -> str:
    if height <= 0:
        return " "
    return fmt.BARS[min(7, int(height * 8))]


def _when(at_us: int, found: Totals) -> str:
    long = found.to_us - found.from_us > 2 * 86_400_000_000
    return time.strftime("%b %d" if long else "%H:%M", time.localtime(at_us / 1e6))


def _table(lines: Lines, title: str, rows: list[Total], whole: Total) -> None:
    head = "".join(
        fit(name, width, right=True)
        for name, width in (
            ("requests", 10),
            ("share", 7),
            ("failed", 8),
            ("in", 8),
            ("out", 8),
            ("cost", 11),
            ("p50", 9),
            ("p95", 9),
        )
    )
    lines.lines += [Line(""), Line(head, "faint", _NAME + 2, title, "bold accent")]
    for row in rows[:40]:
        cells = (
            (f"{row.requests:,}", 10),
            (fmt.percent(row.requests, whole.requests), 7),
            (fmt.exact(row.failed), 8),
            (fmt.count(row.input_tokens), 8),
            (fmt.count(row.output_tokens), 8),
            (fmt.money(row.cost_usd), 11),
            (_ms(row, 0.5), 9),
            (_ms(row, 0.95), 9),
        )
        text = "".join(fit(cell, width, right=True) for cell, width in cells)
        lines.lines.append(Line(text, "text", _NAME + 2, "  " + one_line(row.name or "–", _NAME - 2), "bold"))


def _ms(total: Total, share: float) -> str:
    return fmt.duration(total.latency(share))
