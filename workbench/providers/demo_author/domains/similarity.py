"""Likeness of words; the brief decides the cutoff and the words."""

from __future__ import annotations

from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.command import Command, Commands, Param
from workbench.providers.demo_author.domains.library import Library


def library(brief: Brief) -> Library:
    """Return a library that compares words."""
    words = brief.first_words(5, "garden", "river", "window")
    word = max(words, key=len)
    percent = brief.number(30, 95, brief.pick((50, 60, 70, 75), "cutoff"))
    return Library(
        module="similarity",
        summary=f"How alike words are, and the one that was meant if it is {percent} % alike.",
        exports=("CUTOFF", "closest", "distance", "similarity"),
        values={
            "cutoff": str(percent / 100),
            "words": ", ".join(f'"{word}"' for word in words),
            "word": word,
            "typo": f"{word[:-1]}#",
        },
        right="changed = previous[column - 1] + (char != other)",
        wrong="changed = previous[column] + (char != other)",
        caught_by="test_known_distances",
        acceptance=(
            "known distances hold, in both directions",
            "a typo finds the word that was meant, and nothing is found below the cutoff",
        ),
    )


def commands(_brief: Brief, values: dict[str, str]) -> Commands:
    """Return what a program around the library can do."""
    compare = Command(
        name="compare",
        help="Say how alike two words are, in percent.",
        params=(Param("left"), Param("right")),
        body=(
            "if not (left and right):\n"
            '    raise ValueError("two words are needed")\n'
            'return f"{similarity(left, right):.0%}"'
        ),
        given={"left": values["word"], "right": values["word"].upper()},
        result="100%",
        refused={"left": "", "right": "word"},
        problem="two words",
    )
    guess = Command(
        name="guess",
        help="Find the word that was meant.",
        params=(
            Param("word"),
            Param("choices", "list[str]", help="words that it may be"),
            Param("cutoff", "float", "CUTOFF", "least likeness, 0 to 1"),
        ),
        body=(
            "found = closest(word, choices, cutoff=cutoff)\n"
            "if found is None:\n"
            '    raise ValueError(f"nothing is like {word!r}")\n'
            "return found"
        ),
        given={"word": values["typo"], "choices": ["#", values["word"]], "cutoff": "0.3"},
        result=values["word"],
        refused={"word": "#", "choices": [values["word"]]},
        problem="nothing is like",
    )
    return Commands(commands=(compare, guess))
