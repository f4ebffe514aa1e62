"""Durations; the brief decides whether there are weeks, how many parts are written, and the sample."""

from __future__ import annotations

from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.command import Command, Commands, Param
from workbench.providers.demo_author.domains.library import Library

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}


def library(brief: Brief) -> Library:
    """Return a library that reads and writes durations."""
    units = {name: size for name, size in _UNITS.items() if name != "w" or brief.has("week", "sprint")}
    parts = brief.number(1, 3, brief.pick((2, 2, 3), "parts"))
    sample = 3_600 * (1 + brief.seed % 20) + 60 * (1 + brief.seed // 20 % 50)
    return Library(
        module="duration",
        summary=f"Durations such as {_shown(sample)}, read in any order, written in up to {parts} parts.",
        exports=("MAX_PARTS", "UNITS", "parse", "show", "total"),
        values={
            "units": "\n".join(f'    "{name}": {size:_},' for name, size in units.items()),
            "parts": str(parts),
            "sample": str(sample),
            "sample_text": _shown(sample),
        },
        right="count, seconds = divmod(seconds, size)",
        wrong="count, _ = divmod(seconds, size)",
        caught_by="test_(seconds_are_written|what_is_written_in_full_reads_back)",
        acceptance=(
            "what is written in full reads back as the same seconds",
            "a unit that is there twice or not known is refused",
        ),
    )


def commands(_brief: Brief, values: dict[str, str]) -> Commands:
    """Return what a program around the library can do."""
    seconds = Command(
        name="seconds",
        help="Say how many seconds a duration has.",
        params=(Param("text", help="a duration such as 1h 30m"),),
        body="return str(parse(text))",
        given={"text": values["sample_text"]},
        result=values["sample"],
        refused={"text": "soon"},
        problem="not a duration",
    )
    write = Command(
        name="write",
        help="Write seconds as a duration.",
        params=(Param("seconds", "int"), Param("parts", "int", "MAX_PARTS", "most units to use")),
        body="return show(seconds, max_parts=parts)",
        given={"seconds": "3661", "parts": "1"},
        result="1h",
        refused={"seconds": "1", "parts": "0"},
        problem="one part is the least",
    )
    return Commands(commands=(seconds, write))


def _shown(seconds: int) -> str:
    return f"{seconds // 3_600}h {seconds // 60 % 60}m"
