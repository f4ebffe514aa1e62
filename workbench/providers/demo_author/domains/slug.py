"""Slugs; the brief decides separator, length and samples."""

from __future__ import annotations

from workbench.providers.demo_author import quoting
from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.command import Command, Commands, Param
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


def commands(brief: Brief, values: dict[str, str]) -> Commands:
    """Return what a program around the library can do."""
    word, separator = brief.words[0], values["separator"]
    title = Param("title", help="the words to make a slug of")
    make = Command(
        name="make",
        help="Make a slug of a title.",
        params=(title, Param("max_length", "int", "MAX_LENGTH", "longest slug")),
        body="return slugify(title, max_length=max_length)",
        given={"title": f"Hello {word.upper()}!"},
        result=f"hello{separator}{word}",
        refused={"title": word, "max_length": "0"},
        problem="at least 1",
    )
    unique = Command(
        name="unique",
        help="Make a slug that is not taken yet.",
        params=(title, Param("taken", "list[str]", help="slugs that are in use")),
        body="return unique_slug(title, taken)",
        given={"title": word, "taken": [word, "other"]},
        result=f"{word}{separator}2",
        refused={"title": "?!", "taken": [word]},
        problem="no letter or digit",
    )
    return Commands(commands=(make, unique))


def _slug(title: str, separator: str, length: int) -> str:
    kept = "".join(char if char.isalnum() else " " for char in title.lower())
    return separator.join(kept.split())[:length].rstrip(separator)
