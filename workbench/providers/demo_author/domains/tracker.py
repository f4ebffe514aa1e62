"""A general composition: things that go through stages, which the brief's words name."""

from __future__ import annotations

import json

from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.library import Library
from workbench.providers.demo_author.domains.nouns import main_noun


def library(brief: Brief) -> Library:
    """Return a library that follows things from stage to stage."""
    noun = main_noun(brief)
    own = [word for word in brief.words[1:4] if word not in {"new", "done"}]
    stages = ("new", *(own or ["started", "checked"]), "reviewed", "done")
    stages = tuple(dict.fromkeys(stages))
    skip = brief.number(0, len(stages) - 3, brief.seed % (len(stages) - 2))
    exports = ("MAX_SKIP", "STAGES", noun.class_name, "WrongMove", "progress", "summary")
    return Library(
        module="tracker",
        summary=f"Following {noun.many} through {len(stages)} stages, from {stages[0]} to {stages[-1]}.",
        exports=exports,
        tested=exports,
        values={
            "thing": noun.one,
            "things": noun.many,
            "a_thing": noun.with_article,
            "Thing": noun.class_name,
            "stages": ", ".join(map(json.dumps, stages)),
            "skip": str(skip),
            "first": stages[0],
            "reachable": stages[skip + 1],
            "name_1": f"{noun.one} {1 + brief.seed % 89}",
            "name_2": f"{noun.one} {90 + brief.seed % 9}",
        },
        right="if not 1 <= steps <= MAX_SKIP + 1:",
        wrong="if not 1 <= steps <= MAX_SKIP + 2:",
        caught_by="test_more_than_that_is_too_far",
        acceptance=(
            f"stages are {', '.join(stages)}, in this order",
            f"at most {skip} stages are passed over in one step",
            "a step can be undone, and the history tells all stages so far",
        ),
    )
