"""Figures and moments as people read them; each fits a known width."""

from __future__ import annotations

import time


def now_us() -> int:
    """Return the moment; the one clock of everything that is drawn."""
    return time.time_ns() // 1000


_AGES = ((86_400 * 365, "y"), (86_400 * 7, "w"), (86_400, "d"), (3_600, "h"), (60, "m"))


def clock(at_us: int) -> str:
    """Return local ``HH:MM:SS`` for today, else ``MM-DD HH:MM``; at most 11 characters."""
    moment, today = time.localtime(at_us / 1e6), time.localtime(now_us() / 1e6)
    if moment[:3] == today[:3]:
        return time.strftime("%H:%M:%S", moment)
    return time.strftime("%m-%d %H:%M", moment)


def clock_within(at_us: int, begun_us: int) -> str:
    """Return local ``HH:MM:SS`` on the day something began, which is said elsewhere, else as `clock` does."""
    moment, begun = time.localtime(at_us / 1e6), time.localtime(begun_us / 1e6)
    return time.strftime("%H:%M:%S", moment) if moment[:3] == begun[:3] else clock(at_us)


def stamp(at_us: int) -> str:
    """Return ``HH:MM:SS`` for the last 18 hours, else ``Nov 19`` or ``2025-11``; at most 8 characters."""
    past = (now_us() - at_us) / 1e6
    form = "%H:%M:%S" if past < 64_800 else "%b %d" if past < 86_400 * 300 else "%Y-%m"
    return time.strftime(form, time.localtime(at_us / 1e6))


def moment(at_us: int | None) -> str:
    """Return the whole local date and time, with milliseconds."""
    if at_us is None:
        return "–"
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_us / 1e6))
    return f"{stamp}.{at_us // 1000 % 1000:03d}"


def age(seconds: float) -> str:
    """Return ``3d``, ``2h``, ``5m`` or ``now``; at most 4 characters."""
    for size, unit in _AGES:
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s" if seconds >= 1 else "now"


def duration(ms: float | None) -> str:
    """Return ``640 µs``, ``12 ms``, ``1.24 s`` or ``2m 05s``; at most 7 characters."""
    if ms is None:
        return "–"
    if ms < 1:
        return f"{ms * 1000:.0f} µs"
    if ms < 1000:
        return f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{ms / 1000:.2f} s" if ms < 10_000 else f"{ms / 1000:.1f} s"
    minutes, rest = divmod(round(ms / 1000), 60)
    return f"{minutes}m {rest:02d}s" if minutes < 100 else f"{minutes // 60}h {minutes % 60:02d}m"


def count(value: float | None) -> str:
    """Return ``999``, ``1.2k``, ``3.4M``; at most 5 characters."""
    if value is None:
        return "–"
    if value < 1000:
        return f"{value:.0f}"
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.1f}{unit}" if value < size * 100 else f"{value / size:.0f}{unit}"
    return "–"


def exact(value: int | None) -> str:
    """Return ``1,234,567``."""
    return "–" if value is None else f"{value:,}"


def size(value: float | None) -> str:
    """Return ``512 B``, ``1.2 kB``, ``3.4 MB``; at most 8 characters."""
    if value is None:
        return "–"
    if value < 1000:
        return f"{value:.0f} B"
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= limit:
            return f"{value / limit:.1f} {unit}"
    return "–"


def money(usd: float | None) -> str:
    """Return dollars with as many digits as mean something; at most 9 characters."""
    if usd is None:
        return "–"
    if usd == 0:
        return "$0"
    if usd < 0.0001:
        return "<$0.0001"
    return f"${usd:.4f}" if usd < 1 else f"${usd:,.2f}"


def percent(part: float, whole: float) -> str:
    """Return ``12 %``, and a dash where there is no whole."""
    return f"{100 * part / whole:.0f} %" if whole else "–"


BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: list[float], width: int) -> str:
    """Return the last `width` values as bars, scaled to their own maximum; empty values are a dot."""
    shown = values[-width:]
    top = max(shown, default=0)
    bars = "".join("·" if value <= 0 else BARS[min(7, int(value / top * 7.99))] for value in shown)
    return bars.rjust(width, " ")
