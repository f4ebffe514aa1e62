"""Moments are integers: microseconds since 1970-01-01 UTC. Only what people or JSON see is text."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_UNITS_US = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 604_800_000_000}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|us|s|m|h|d|w)")


def iso(at_us: int | None) -> str | None:
    """Return ISO 8601 in UTC with milliseconds and ``Z``, or None for None."""
    if at_us is None:
        return None
    moment = datetime.fromtimestamp(at_us / 1e6, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse_iso(text: str) -> int:
    """Return the moment an ISO 8601 text names; without a zone it is read as local time.

    Raises ValueError when it is no such text.
    """
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1e6)


def parse_duration_us(text: str) -> int:
    """Return microseconds for ``90s``, ``1h30m``, ``250ms``, ``30d``. Raises ValueError otherwise."""
    position = total = 0
    for match in _DURATION.finditer(text):
        if match.start() != position:
            break
        number, unit = float(match[1]), match[2]
        total += round(number * {"ms": 1_000, "us": 1}.get(unit, _UNITS_US.get(unit, 0)))
        position = match.end()
    if position == 0 or position != len(text):
        msg = f"not a duration: {text!r} (write 90s, 15m, 2h, 30d or 1w)"
        raise ValueError(msg)
    return total
