"""Slugs; the brief decides separator, length and samples."""

from __future__ import annotations

from workbench.providers.demo_author import quoting
from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.library import Library


def library(brief: Brief) -> Library:
    """Return a library that makes slugs."""
    separator = "_" if brief.has("underscore", "snake") else "-"
    words = [word.capitalize() for word in brief.words]
    first, second = " & ".join(words[:2]), f"{words[-1]}: {', '.join(words[:3])}!"
    length = brief.number(20, 400, brief.pick((40, 60, 64, 72, 80, 96), "length"))
    samples = {
        f"{kind}_{number}": value
        for number, title in ((1, first), (2, second))
        for kind, value in (("sample", quoting.python(title)), ("slug", _slug(title, separator, length)))
    }
    return Library(
        module="slug",
        summary=f"URL-safe slugs of at most {length} characters, and numbered ones where a slug is taken.",
        exports=("MAX_LENGTH", "SEPARATOR", "slugify", "unique_slug"),
        values=samples | {"separator": separator, "max_length": str(length)},
        right="return slug[:max_length].rstrip(separator)",
        wrong="return slug[:max_length]",
        caught_by="test_a_long_title_is_cut_without_a_trailing_separator",
        acceptance=(
            f"words are joined by {separator!r} in lower case, accents dropped",
            "a slug that is taken gets the next free number",
            "text without a letter or digit is refused where a slug is needed",
        ),
    )


def _slug(title: str, separator: str, length: int) -> str:
    kept = "".join(char if char.isalnum() else " " for char in title.lower())
    return separator.join(kept.split())[:length].rstrip(separator)
