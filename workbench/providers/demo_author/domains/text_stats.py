"""Figures about texts; the brief decides the reading speed, the ranking's length and the sample."""

from __future__ import annotations

import json
from collections import Counter

from workbench.providers.demo_author import quoting
from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.command import Command, Commands, Param
from workbench.providers.demo_author.domains.library import Library

_COMMON = frozenset({"a", "an", "and", "the", "of", "to", "in", "is", "it", "on", "for", "with"})


def library(brief: Brief) -> Library:
    """Return a library that measures texts."""
    one, two, three = brief.first_words(3, "garden", "river", "window")
    sample = f"The {one} and the {two}. A {one} with {three}! Is it on?"
    found = "".join(char if char.isalnum() else " " for char in sample.lower()).split()
    counts = Counter(word for word in found if word not in _COMMON)
    top_words = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:2]
    speed = brief.number(100, 600, brief.pick((180, 200, 220, 240), "speed"))
    return Library(
        module="text_stats",
        summary=f"Figures about a text: words, sentences, top words, reading time at {speed} words a minute.",
        exports=("COMMON", "TOP", "WORDS_PER_MINUTE", "TextStats", "analyse", "sentences", "words"),
        values={
            "speed": str(speed),
            "top": str(brief.number(3, 20, brief.pick((3, 5, 8, 10), "top"))),
            "sample": quoting.python(sample),
            "words": str(len(found)),
            "unique": str(len(set(found))),
            "sentences": "3",
            "longest": max(found, key=len),
            "top_words": "(" + ", ".join(f"({json.dumps(word)}, {count})" for word, count in top_words) + ")",
            "word_1": one,
        },
        right="key=lambda item: (-item[1], item[0])",
        wrong="key=lambda item: (item[1], item[0])",
        caught_by="test_top_words_leave_out_common_ones",
        acceptance=(
            "words, unique words and sentences are counted",
            "common words are never among the top words",
            "an empty text has figures too, all of them nothing",
        ),
    )


def commands(brief: Brief, _values: dict[str, str]) -> Commands:
    """Return what a program around the library can do."""
    word = brief.words[0]
    count = Command(
        name="count",
        help="Count words and sentences, and estimate the reading time.",
        params=(Param("text", "list[str]"), Param("speed", "int", "WORDS_PER_MINUTE", "words a minute")),
        body=(
            'stats = analyse(" ".join(text), speed=speed)\n'
            'return f"{stats.words} words, {stats.sentences} sentences, {stats.reading_seconds} s to read"'
        ),
        given={"text": ["One", f"{word}.", "Two!"], "speed": "60"},
        result="3 words, 2 sentences, 3 s to read",
        refused={"text": [word], "speed": "0"},
        problem="speed must be at least 1",
    )
    top = Command(
        name="ranking",
        help="List the words that matter most.",
        params=(Param("text", "list[str]"), Param("top", "int", "TOP", "how many")),
        body=(
            'stats = analyse(" ".join(text), top=top)\n'
            'return ", ".join(f"{word} ({count})" for word, count in stats.top_words)'
        ),
        given={"text": [word, "the", word], "top": "1"},
        result=f"{word} (2)",
        refused={"text": [word], "top": "-1"},
        problem="top at least 0",
    )
    return Commands(commands=(count, top))
