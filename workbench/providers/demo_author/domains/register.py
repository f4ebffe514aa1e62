"""A general composition: a register of whatever the brief is about, with its words as labels."""

from __future__ import annotations

import json

from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.command import Command, Commands, Param
from workbench.providers.demo_author.domains.library import Library
from workbench.providers.demo_author.domains.nouns import main_noun, other_words


def library(brief: Brief) -> Library:
    """Return a library that keeps, finds and ranks things."""
    noun = main_noun(brief)
    own = other_words(brief, 5)
    labels = tuple(dict.fromkeys((*own, "new", "regular", "urgent")))[: max(3, len(own))]
    bonus = brief.pick((2, 3, 5, 10), "bonus")
    names = (f"first {noun.one}", f"second {noun.one}")
    amounts = (1 + brief.seed % 5, 1 + brief.seed // 5 % 5)
    scores = (
        amounts[0] * bonus + len(labels),
        amounts[1] * bonus + sum(range(1, len(labels) + 1)),
    )
    capacity = brief.number(2, 9999, brief.pick((20, 24, 50, 64, 100, 250), "capacity"))
    class_names = (noun.class_name, f"{noun.class_name}Register")
    return Library(
        module="register",
        summary=f"A register of up to {capacity} {noun.many}: kept, labelled, found and ranked.",
        tested=("LABELS", "RegisterError", *class_names),
        exports=("CAPACITY", "LABELS", "RegisterError", *class_names),
        values={
            "thing": noun.one,
            "things": noun.many,
            "a_thing": noun.with_article,
            "Thing": noun.class_name,
            "labels": ", ".join(map(json.dumps, labels)),
            "label_1": labels[0],
            "capacity": str(capacity),
            "bonus": str(bonus),
            "name_1": names[0],
            "name_2": names[1],
            "NAME_1": names[0].upper(),
            "NAME_2": names[1].upper(),
            "amount_1": str(amounts[0]),
            "amount_2": str(amounts[1]),
            "score_1": str(scores[0]),
            "score_2": str(scores[1]),
            "ranked": "FIRST, SECOND" if scores[0] >= scores[1] else "SECOND, FIRST",
            "used": ", ".join(class_names),
        },
        right="key = entry.name.casefold()",
        wrong="key = entry.name",
        caught_by="test_a_name_is_kept_once",
        acceptance=(
            f"each of the {noun.many} is kept once, whatever the case of its name",
            f"labels are among {', '.join(labels)}",
            "ranking follows amount and labels, ties by name",
            f"more than {capacity} are refused",
        ),
    )


def commands(_brief: Brief, values: dict[str, str]) -> Commands:
    """Return what a program around the library can do."""
    thing, bonus, label = values["Thing"], int(values["bonus"]), values["label_1"]
    shared = (
        f"def _register(entries: list[str], labels: frozenset[str] = frozenset()) -> {thing}Register:\n"
        f"    register = {thing}Register()\n"
        "    for entry in entries:\n"
        '        name, _, amount = entry.partition("=")\n'
        f'        register.add({thing}(name, int(amount or "1"), labels))\n'
        "    return register"
    )
    rank = Command(
        name="rank",
        help=f"Rank {values['things']}, each given as NAME=AMOUNT.",
        params=(Param("entries", "list[str]", help="NAME=AMOUNT"),),
        body='return ", ".join(f"{entry.name} ({entry.score})" for entry in _register(entries).ranked())',
        given={"entries": ["small=1", "large=9"]},
        result=f"large ({9 * bonus}), small ({bonus})",
        refused={"entries": ["none=0"]},
        problem="at least 1",
    )
    mark = Command(
        name="mark",
        help=f"Label {values['things']} and show how they score.",
        params=(Param("label"), Param("entries", "list[str]", help="NAME=AMOUNT")),
        body=(
            "register = _register(entries, frozenset({label}))\n"
            'return ", ".join(f"{entry.name} ({entry.score})" for entry in register.labelled(label))'
        ),
        given={"label": label, "entries": ["one"]},
        result=f"one ({bonus + len(values['labels'].split(', '))})",
        refused={"label": "no such label", "entries": ["one"]},
        problem="unknown labels",
    )
    return Commands(commands=(rank, mark), shared=shared)
