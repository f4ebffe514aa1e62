"""Intervals; the brief decides how far apart they are joined, and the samples."""

from __future__ import annotations

from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.command import Command, Commands, Param
from workbench.providers.demo_author.domains.library import Library


def library(brief: Brief) -> Library:
    """Return a library that merges intervals."""
    gap = brief.number(0, 60, brief.pick((0, 0, 1, 2, 5), "gap"))
    start = brief.seed % 40
    middle = start + 4 + brief.seed // 40 % 20
    end = middle + gap + 10 + brief.seed // 800 % 20
    return Library(
        module="intervals",
        summary=f"Intervals joined where they overlap or are {gap} apart, their gaps and what they cover.",
        exports=("MAX_GAP", "Interval", "covered", "gaps", "merge"),
        values={
            "gap": str(gap),
            "gap_note": "" if gap else ": those that touch",
            "a": str(start),
            "b": str(middle),
            "c": str(end),
            "covered": str(middle - start + end - (middle + gap + 1)),
        },
        right="interval = Interval(last.start, max(last.end, interval.end))",
        wrong="interval = Interval(last.start, interval.end)",
        caught_by="test_an_interval_inside_another_vanishes",
        acceptance=(
            "overlapping intervals become one, whatever their order",
            "gaps and coverage agree with the merged intervals",
            "an interval that ends before it starts is refused",
        ),
    )


def commands(_brief: Brief, values: dict[str, str]) -> Commands:
    """Return what a program around the library can do."""
    a, b, c = (int(values[name]) for name in "abc")
    spans = (Param("spans", "list[str]", help="intervals such as 3-9"),)
    shared = (
        "def _interval(text: str) -> Interval:\n"
        '    start, dash, end = text.partition("-")\n'
        "    if not (dash and start.isdecimal() and end.isdecimal()):\n"
        '        raise ValueError(f"an interval looks like 3-9, not {text!r}")\n'
        "    return Interval(int(start), int(end))"
    )
    join = Command(
        name="join",
        help="Join intervals that overlap or are close.",
        params=spans,
        body=(
            "joined = merge(map(_interval, spans))\n"
            'return " ".join(f"{interval.start}-{interval.end}" for interval in joined)'
        ),
        given={"spans": [f"{b - 1}-{c}", f"{a}-{b}"]},
        result=f"{a}-{c}",
        refused={"spans": [f"{b}-{a}"]},
        problem="before it starts",
    )
    measure = Command(
        name="measure",
        help="Measure what intervals cover together.",
        params=spans,
        body="return str(covered(map(_interval, spans)))",
        given={"spans": [f"{a}-{b}", f"{a}-{b}"]},
        result=str(b - a),
        refused={"spans": ["soon"]},
        problem="looks like 3-9",
    )
    return Commands(commands=(join, measure), shared=shared)
