"""Which domain answers a brief: the one whose words it uses most, else a general composition."""

from __future__ import annotations

from collections.abc import Callable

from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains import (
    caesar,
    intervals,
    money,
    register,
    roman,
    slug,
    temperature,
    text_stats,
    tracker,
    units,
)
from workbench.providers.demo_author.domains.library import Library

_DOMAINS: tuple[tuple[Callable[[Brief], Library], tuple[str, ...]], ...] = (
    (slug.library, ("slug", "permalink", "urlsafe")),
    (temperature.library, ("temperature", "celsius", "fahrenheit", "kelvin", "thermomet")),
    (roman.library, ("roman", "numeral")),
    (caesar.library, ("caesar", "cipher", "rot13", "encrypt", "decrypt")),
    (intervals.library, ("interval", "overlap", "timeslot", "calendar", "booking")),
    (money.library, ("money", "bill", "expense", "invoice", "currency", "euro", "dollar", "price", "tip")),
    (text_stats.library, ("statistic", "stats", "readab", "wordcount", "sentence", "paragraph", "reading")),
    (
        units.library,
        ("unit", "metric", "imperial", "length", "distance", "weight", "mass", "kilomet", "mile"),
    ),
)
"""Each domain with the beginnings of words that ask for it."""

_GENERAL: tuple[Callable[[Brief], Library], ...] = (register.library, tracker.library)
_TRACKED = (
    "track",
    "workflow",
    "pipeline",
    "status",
    "stage",
    "order",
    "process",
    "progress",
    "todo",
    "task",
)

_KEPT = ("register", "inventory", "collection", "catalog", "book", "address", "stock", "list")


def choose(brief: Brief) -> Library:
    """Return the library for `brief`, the same for the same brief."""
    scores = [sum(brief.has(stem) for stem in stems) for _, stems in _DOMAINS]
    if max(scores) > 0:
        return _DOMAINS[scores.index(max(scores))][0](brief)
    if brief.has(*_TRACKED):
        return tracker.library(brief)
    if brief.has(*_KEPT):
        return register.library(brief)
    return brief.pick(_GENERAL, "composition")(brief)
