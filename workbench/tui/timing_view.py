"""When what happened: attempts as a waterfall, the first byte, and how fast the tokens came."""

from __future__ import annotations

from itertools import pairwise

from workbench.domain.exchange import Attempt, Exchange, Write
from workbench.domain.text import one_line
from workbench.tui import format as fmt
from workbench.tui.document import Line, Lines
from workbench.tui.paint import fit

_BAR = 48


def timing(exchange: Exchange, attempts: list[Attempt], writes: list[Write]) -> Lines:
    """Return the timing of an exchange as lines."""
    lines = Lines()
    total = exchange.latency_ms or max((write.at_us / 1000 for write in writes), default=0) or 1.0
    _facts(lines, exchange, writes, total)
    _waterfall(lines, exchange, attempts, total)
    _chunks(lines, writes, total)
    return lines


def _facts(lines: Lines, exchange: Exchange, writes: list[Write], total: float) -> None:
    facts = [
        ("started", fmt.moment(exchange.started_at)),
        ("first byte", fmt.duration(exchange.ttft_ms)),
        ("whole answer", fmt.duration(exchange.latency_ms)),
    ]
    speed = _speed(exchange, total)
    if speed is not None:
        facts.append(("speed", f"{speed:.1f} tokens/s after the first byte"))
    facts.append(("writes", f"{fmt.exact(len(writes))} to the client"))
    for name, value in facts:
        lines.lines.append(Line(value, "text", 16, f"  {name}", "dim"))


def _speed(exchange: Exchange, total: float) -> float | None:
    span = total - (exchange.ttft_ms or 0)
    if not exchange.output_tokens or not exchange.stream or span <= 0:
        return None
    return exchange.output_tokens / (span / 1000)


def _waterfall(lines: Lines, exchange: Exchange, attempts: list[Attempt], total: float) -> None:
    lines.lines += [Line(""), Line("attempts", "bold accent")]
    if not attempts:
        lines.lines.append(Line("none: answered without an upstream", "faint", 2))
    for attempt in attempts:
        start = (attempt.started_at - exchange.started_at) / 1000
        took = attempt.latency_ms
        if took is None:
            took = (attempt.ended_at - attempt.started_at) / 1000 if attempt.ended_at else total - start
        bad = attempt.error is not None or (attempt.status or 0) >= 400
        bar = _bar(start, attempt.ttft_ms, took, total)
        outcome = f"{attempt.status or '–'} {fmt.duration(took)}"
        name = one_line(f"{attempt.deployment} ({attempt.model})", 60)
        lines.lines.append(Line(f"{bar}  {outcome}", "bad" if bad else "ok", 6, f"  {attempt.number}", "dim"))
        lines.lines.append(Line(f"{name}  {one_line(attempt.reason, 80)}".rstrip(), "dim", 6))
        if attempt.error:
            code = f"{attempt.error_code}: " if attempt.error_code else ""
            lines.lines.append(Line(one_line(code + attempt.error, 400), "bad", 6))


def _bar(start: float, first: float | None, took: float, total: float) -> str:
    """Blank until the attempt began, light until its first byte, full while bytes came."""
    scale = _BAR / max(total, 0.001)
    lead = min(_BAR - 1, int(start * scale))
    wait = int((took if first is None else first) * scale)
    body = max(1, int(took * scale))
    wait = min(wait, body)
    bar = "·" * lead + "▒" * wait + "█" * max(0, body - wait)
    return fit(bar[:_BAR], _BAR)


def _chunks(lines: Lines, writes: list[Write], total: float) -> None:
    """Bytes over time: one bar for each slice of the whole time."""
    if len(writes) < 2:
        return
    slots = [0.0] * _BAR
    for write in writes:
        slots[min(_BAR - 1, int(write.at_us / 1000 / total * _BAR))] += write.length
    gaps = [(b.at_us - a.at_us) / 1000 for a, b in pairwise(writes)]
    gaps.sort()
    lines.lines += [Line(""), Line("bytes to the client over time", "bold accent")]
    lines.lines.append(Line(fmt.sparkline(slots, _BAR), "assistant", 6))
    lines.lines.append(Line(f"0{fmt.duration(total):>{_BAR - 1}}", "faint", 6))
    lines.lines.append(Line(""))
    for name, value in (
        ("median gap", fmt.duration(gaps[len(gaps) // 2])),
        ("p95 gap", fmt.duration(gaps[int(len(gaps) * 0.95)])),
        ("longest gap", fmt.duration(gaps[-1])),
        ("bytes", fmt.size(sum(write.length for write in writes))),
    ):
        lines.lines.append(Line(value, "text", 16, f"  {name}", "dim"))
