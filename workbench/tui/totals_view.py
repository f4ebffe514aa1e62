"""Sums as lines: the whole, charts over time, and tables by model, tenant and day."""

from __future__ import annotations

import time
from collections.abc import Callable

from workbench.domain.text import one_line
from workbench.tui import format as fmt
from workbench.tui.chart import SCALE, Chart
from workbench.tui.document import Line, Lines
from workbench.tui.facts_view import fact
from workbench.tui.paint import fit
from workbench.tui.totals import Span, Total, Totals

_SIDE_BY_SIDE = 144
_SHOWN = 40


def totals_lines(found: Totals, width: int) -> Lines:
    """Return the Stats screen's text for a screen of `width` cells."""
    whole = found.whole
    lines = Lines(
        [
            fact("requests", f"{whole.requests:,}   {whole.failed:,} failed", "bold"),
            fact("tokens", f"{whole.input_tokens:,} in   {whole.output_tokens:,} out"),
            fact("cost", fmt.money(whole.cost_usd)),
            fact("took", f"{_ms(whole, 0.5)} median   {_ms(whole, 0.95)} for 95 %"),
        ]
    )
    if not whole.requests:
        lines.lines += [Line(""), Line("Nothing in this time.", "dim", 2)]
        return lines
    _charts(lines, _made(found), found.span, width)
    _table(lines, "by model", found.models, whole, width)
    _table(lines, "by tenant", found.tenants, whole, width)
    _table(lines, "by day", found.days, whole, width)
    return lines


def _made(found: Totals) -> list[Chart]:
    slots = found.slots
    median = [slot.latency(0.5) or 0.0 for slot in slots]
    slow = [slot.latency(0.95) or 0.0 for slot in slots]
    return [
        Chart("requests", [float(slot.requests) for slot in slots], fmt.count),
        Chart("tokens", [float(slot.tokens) for slot in slots], fmt.count),
        Chart("cost", [slot.cost_usd for slot in slots], fmt.money),
        Chart("latency", median, fmt.duration, slow, "bars: median   •: 95 % are faster"),
    ]


def _charts(lines: Lines, charts: list[Chart], span: Span, width: int) -> None:
    """Two charts in a row where there is room."""
    edges = _when(span.from_us, span), _when(span.to_us, span)
    several = 2 if width >= _SIDE_BY_SIDE else 1
    each = (width - 4) // several
    for at in range(0, len(charts), several):
        rows = zip(*(chart.lines(each, edges) for chart in charts[at : at + several]), strict=True)
        lines.lines.append(Line(""))
        for number, row in enumerate(rows):
            kind = "bold accent" if number == 0 else "accent"
            (scale, first), *rest = row
            text = fit(first, each - SCALE) if rest else first
            text += "".join(f"{right_scale:>{SCALE}} {right}" for right_scale, right in rest)
            lines.lines.append(Line(text, kind, SCALE + 1, scale))


def _when(at_us: int, span: Span) -> str:
    long = span.to_us - span.from_us > 2 * 86_400_000_000
    return time.strftime("%b %d" if long else "%H:%M", time.localtime(at_us / 1e6))


def _table(lines: Lines, title: str, rows: list[Total], whole: Total, width: int) -> None:
    wide = width >= 104
    name = 28 if wide else 20
    columns: list[tuple[str, int, Callable[[Total], str]]] = [
        ("requests", 10, lambda row: f"{row.requests:,}"),
        *([("share", 7, lambda row: fmt.percent(row.requests, whole.requests))] if wide else []),
        ("failed", 8, lambda row: fmt.exact(row.failed)),
        ("in", 8, lambda row: fmt.count(row.input_tokens)),
        ("out", 8, lambda row: fmt.count(row.output_tokens)),
        ("cost", 11, lambda row: fmt.money(row.cost_usd)),
        *([("p50", 9, lambda row: _ms(row, 0.5))] if wide else []),
        ("p95", 9, lambda row: _ms(row, 0.95)),
    ]
    head = "".join(fit(column, size, right=True) for column, size, _ in columns)
    lines.lines += [Line(""), Line(head, "faint", name, title, "bold accent")]
    for row in rows[:_SHOWN]:
        text = "".join(fit(cell(row), size, right=True) for _, size, cell in columns)
        lines.lines.append(Line(text, "text", name, "  " + one_line(row.name or "–", name - 4), "bold"))
    if len(rows) > _SHOWN:
        lines.lines.append(Line(f"and {len(rows) - _SHOWN:,} more", "faint", 2))


def _ms(total: Total, share: float) -> str:
    return fmt.duration(total.latency(share))
