"""Caches; the brief decides capacity, time to live and samples."""

from __future__ import annotations

from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.command import Command, Commands, Param
from workbench.providers.demo_author.domains.library import Library


def library(brief: Brief) -> Library:
    """Return a library with a cache that forgets."""
    capacity = brief.number(1, 5000, brief.pick((64, 100, 128, 256), "capacity"))
    ttl = brief.pick((30, 60, 90, 300, 600), "ttl")
    first, second = brief.first_words(2, "garden", "river")
    return Library(
        module="cache",
        summary=f"A cache of up to {capacity} entries that forgets after {ttl} seconds, least used first.",
        exports=("CAPACITY", "TTL_S", "Cache", "Stats"),
        values={
            "capacity": str(capacity),
            "ttl": str(ttl),
            "first": first,
            "second": f"{second} 2",
            "value": str(1 + brief.seed % 99),
        },
        right="self._entries.popitem(last=False)",
        wrong="self._entries.popitem(last=True)",
        caught_by="test_the_least_recently_used_entry_goes_first",
        acceptance=(
            "an entry is forgotten when its time is over, to the moment",
            "the least recently used entry makes room for a new one",
            "hits and misses are counted",
        ),
    )


def commands(_brief: Brief, values: dict[str, str]) -> Commands:
    """Return what a program around the library can do."""
    simulate = Command(
        name="simulate",
        help="Ask a cache for keys in turn and say how often it could answer.",
        params=(
            Param("keys", "list[str]"),
            Param("capacity", "int", "CAPACITY", "entries that it keeps"),
        ),
        body=(
            "cache: Cache[str, str] = Cache(capacity)\n"
            "for key in keys:\n"
            "    if cache.get(key) is None:\n"
            "        cache.put(key, key)\n"
            'return f"{cache.stats.hits} hits, {cache.stats.misses} misses, {cache.stats.rate:.0%}"'
        ),
        given={"keys": [values["first"], "other", values["first"], values["first"]], "capacity": "2"},
        result="2 hits, 2 misses, 50%",
        refused={"keys": [values["first"]], "capacity": "0"},
        problem="capacity must be at least 1",
    )
    return Commands(commands=(simulate,))
