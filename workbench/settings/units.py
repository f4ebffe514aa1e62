"""Sizes and durations as people write them in settings."""

from __future__ import annotations

import re

from workbench.domain.times import parse_duration_us


def parse_size(text: str) -> int:
    """Return bytes for ``5GB``, ``500 MB``, ``2GiB`` or a bare number. Raises ValueError otherwise."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s?([kKMGT]?)(i?)B?", text.strip())
    if match is None:
        msg = f"not a size: {text!r} (write 500MB or 5GB)"
        raise ValueError(msg)
    power = " kMGT".index(match[2].replace("K", "k")) if match[2] else 0
    return int(float(match[1]) * (1024 if match[3] else 1000) ** power)


def seconds(duration: str) -> float:
    """Return the seconds of a setting such as ``10m``. Raises ValueError for what is no duration."""
    return parse_duration_us(duration) / 1e6
