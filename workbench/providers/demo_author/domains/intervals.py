"""Intervals; the brief decides how far apart they are joined, and the samples."""

from __future__ import annotations

from workbench.providers.demo_author.brief import Brief
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
