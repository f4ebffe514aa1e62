"""A general composition: things that go through stages, which the brief's words name."""

from __future__ import annotations

import json

from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.command import Command, Commands, Param
from workbench.providers.demo_author.domains.library import Library
from workbench.providers.demo_author.domains.nouns import main_noun, other_words


def library(brief: Brief) -> Library:
    """Return a library that follows things from stage to stage."""
    noun = main_noun(brief)
    own = [word for word in other_words(brief, 3) if word not in {"new", "done"}]
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


def commands(_brief: Brief, values: dict[str, str]) -> Commands:
    """Return what a program around the library can do."""
    second = values["stages"].split(", ")[1].strip('"')
    walk = Command(
        name="walk",
        help=f"Take {values['a_thing']} through stages and show its way.",
        params=(Param("name"), Param("stages", "list[str]")),
        body=(
            f"entry = {values['Thing']}(name)\n"
            "for stage in stages:\n"
            "    entry.advance(stage)\n"
            'return " > ".join(entry.history)'
        ),
        given={"name": values["name_1"], "stages": [second]},
        result=f"{values['first']} > {second}",
        refused={"name": values["name_1"], "stages": ["no such stage"]},
        problem="no stage",
    )
    begin = Command(
        name="begin",
        help=f"Show where {values['a_thing']} begins and what comes next.",
        params=(Param("name"),),
        body=(
            f"entry = {values['Thing']}(name)\n"
            'return f"{entry.name}: {entry.stage}, next {entry.advance()}"'
        ),
        given={"name": values["name_2"]},
        result=f"{values['name_2']}: {values['first']}, next {second}",
        refused={"name": " "},
        problem="name is needed",
    )
    return Commands(commands=(walk, begin))
