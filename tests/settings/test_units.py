"""Sizes and durations."""

from __future__ import annotations

import pytest

from workbench.settings.units import parse_size, seconds


def test_sizes_and_durations() -> None:
    """Decimal units by default, binary with an i."""
    assert (parse_size("5GB"), parse_size("2GiB"), parse_size("1.5 MB"), parse_size("12")) == (
        5_000_000_000,
        2_147_483_648,
        1_500_000,
        12,
    )
    assert seconds("10m") == 600
    with pytest.raises(ValueError, match="not a size"):
        parse_size("lots")
