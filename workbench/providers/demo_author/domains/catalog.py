"""Which domain answers a brief: the one whose words it uses most, else a general composition."""

from __future__ import annotations

from typing import Protocol

from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains import (
    cache,
    caesar,
    duration,
    intervals,
    money,
    primes,
    register,
    roman,
    similarity,
    slug,
    temperature,
    text_stats,
    tracker,
    units,
)
from workbench.providers.demo_author.domains.command import Commands
from workbench.providers.demo_author.domains.library import Library


class Domain(Protocol):
    """What each module of this package can do: a library for a brief, and commands to wrap it in."""

    def library(self, brief: Brief, /) -> Library:
        """Return the library that fits the brief."""
        ...

    def commands(self, brief: Brief, values: dict[str, str], /) -> Commands:
        """Return what a program around that library can do; `values` are the library's."""
        ...


_DOMAINS: tuple[tuple[Domain, tuple[str, ...]], ...] = (
    (slug, ("slug", "permalink", "urlsafe")),
    (temperature, ("temperature", "celsius", "fahrenheit", "kelvin", "thermomet")),
    (roman, ("roman", "numeral")),
    (caesar, ("caesar", "cipher", "rot13", "encrypt", "decrypt")),
    (intervals, ("interval", "overlap", "timeslot", "calendar", "booking")),
    (money, ("money", "bill", "expense", "invoice", "currency", "euro", "dollar", "price")),
    (duration, ("duration", "stopwatch", "countdown", "timespan", "elapsed")),
    (similarity, ("fuzzy", "levenshtein", "similar", "spell", "typo", "autocorrect")),
    (cache, ("cache", "caching", "lru", "ttl", "memoi")),
    (primes, ("prime", "factoris", "factoriz", "sieve")),
    (text_stats, ("statistic", "stats", "readab", "wordcount", "sentence", "paragraph", "reading")),
    (units, ("unit", "metric", "imperial", "distance", "weight", "mass", "kilomet", "mile")),
)
"""Each domain with the beginnings of words that ask for it."""

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


def choose(brief: Brief) -> Domain:
    """Return the domain for `brief`, the same for the same brief."""
    scores = [sum(brief.has(stem) for stem in stems) for _, stems in _DOMAINS]
    if max(scores) > 0:
        return _DOMAINS[scores.index(max(scores))][0]
    if brief.has(*_TRACKED):
        return tracker
    if brief.has(*_KEPT):
        return register
    general: tuple[Domain, ...] = (register, tracker)
    return brief.pick(general, "composition")
