"""The commands of each domain, for programs that wrap its library: a command line, a service."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.command import Command, Commands, Param
from workbench.providers.demo_author.domains.library import Library


def of(brief: Brief, library: Library) -> Commands:
    """Return the commands that `library` offers."""
    return _MAKERS[library.module](brief, library.values)


def _slug(brief: Brief, values: dict[str, str]) -> Commands:
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


def _temperature(_brief: Brief, _values: dict[str, str]) -> Commands:
    target = Param("target", "Scale", help="scale to convert to")
    change = Command(
        name="change",
        help="Convert a temperature to another scale.",
        params=(Param("degrees", "float"), Param("source", "Scale", help="its scale"), target),
        body='return f"{convert(degrees, source, target):g} {target}"',
        given={"degrees": "100", "source": "celsius", "target": "fahrenheit"},
        result="212 fahrenheit",
        refused={"degrees": "-5", "source": "kelvin", "target": "celsius"},
        problem="below absolute zero",
    )
    read = Command(
        name="read",
        help="Read a temperature such as 70f and convert it.",
        params=(Param("text"), target),
        body='degrees, source = parse(text)\nreturn f"{convert(degrees, source, target):g} {target}"',
        given={"text": "50f", "target": "celsius"},
        result="10 celsius",
        refused={"text": "12 parsecs", "target": "celsius"},
        problem="no known scale",
    )
    return Commands(commands=(change, read))


def _text_stats(brief: Brief, _values: dict[str, str]) -> Commands:
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


def _roman(_brief: Brief, values: dict[str, str]) -> Commands:
    write = Command(
        name="write",
        help="Write a number as a Roman numeral.",
        params=(Param("number", "int"),),
        body="return to_roman(number)",
        given={"number": values["sample"]},
        result=values["sample_roman"],
        refused={"number": "0"},
        problem="is not between",
    )
    read = Command(
        name="read",
        help="Read a Roman numeral.",
        params=(Param("numeral"),),
        body="return str(from_roman(numeral))",
        given={"numeral": values["sample_roman"].lower()},
        result=values["sample"],
        refused={"numeral": values["wrong"]},
        problem="not a Roman numeral",
    )
    return Commands(commands=(write, read))


def _caesar(_brief: Brief, _values: dict[str, str]) -> Commands:
    params = (Param("text"), Param("shift", "int", "SHIFT", "places to move each letter"))
    shared = (
        "def _with_letters(text: str) -> str:\n"
        "    if not any(char.isalpha() for char in text):\n"
        '        raise ValueError("there is no letter in the text")\n'
        "    return text"
    )
    encode = Command(
        name="encode",
        help="Encrypt a text.",
        params=params,
        body="return encrypt(_with_letters(text), shift)",
        given={"text": "Abc, xyz", "shift": "3"},
        result="Def, abc",
        refused={"text": "!?"},
        problem="no letter",
    )
    decode = Command(
        name="decode",
        help="Decrypt a text.",
        params=params,
        body="return decrypt(_with_letters(text), shift)",
        given={"text": "Def, abc", "shift": "3"},
        result="Abc, xyz",
        refused={"text": "..."},
        problem="no letter",
    )
    crack = Command(
        name="crack",
        help="Decrypt a longer English text without its key.",
        params=(Param("text"),),
        body="return decrypt(text, guess_shift(text))",
        given={"text": "wkh uhvw ri wkh ohwwhuv duh wkhuh wr eh frxqwhg dqg qrwklqj hovh"},
        result="the rest of the letters are there to be counted and nothing else",
        refused={"text": "12 34"},
        problem="no letters to judge by",
    )
    return Commands(commands=(encode, decode, crack), shared=shared)


def _units(_brief: Brief, values: dict[str, str]) -> Commands:
    base, largest = values["unit_1"], values["unit_2"]
    change = Command(
        name="change",
        help="Convert an amount to another unit.",
        params=(
            Param("value", "float"),
            Param("source", help="its unit"),
            Param("target", help="unit to have"),
        ),
        body='return f"{convert(value, source, target):g} {target}"',
        given={"value": "3", "source": largest, "target": largest},
        result=f"3 {largest}",
        refused={"value": "1", "source": base, "target": "bananas"},
        problem="unknown unit",
    )
    best = Command(
        name="best",
        help="Show an amount in the handiest unit.",
        params=(Param("text", help="an amount with its unit"),),
        body='value, unit = best_unit(*parse(text))\nreturn f"{value:g} {unit}"',
        given={"text": f"4 {largest}"},
        result=f"4 {largest}",
        refused={"text": "a lot"},
        problem="expected a number",
    )
    return Commands(commands=(change, best))


def _money(_brief: Brief, values: dict[str, str]) -> Commands:
    unit, currency = Decimal(values["unit"]), values["currency"]
    two, six = (f"{Decimal(number).quantize(unit)} {currency}" for number in (2, 6))
    shared = (
        "def _decimal(text: str) -> Decimal:\n"
        "    try:\n"
        "        return Decimal(text)\n"
        "    except InvalidOperation:\n"
        '        raise ValueError(f"not an amount: {text!r}") from None'
    )
    split = Command(
        name="split",
        help="Split an amount evenly.",
        params=(Param("amount"), Param("people", "int")),
        body='return ", ".join(map(show, split_evenly(_decimal(amount), people)))',
        given={"amount": "8", "people": "4"},
        result=", ".join([two] * 4),
        refused={"amount": "8", "people": "0"},
        problem="at least one person",
    )
    weigh = Command(
        name="weigh",
        help="Split an amount in proportion to weights.",
        params=(Param("amount"), Param("weights", "list[str]")),
        body=(
            "shares = split_by_weight(_decimal(amount), [int(weight) for weight in weights])\n"
            'return ", ".join(map(show, shares))'
        ),
        given={"amount": "8", "weights": ["3", "1"]},
        result=f"{six}, {two}",
        refused={"amount": "eight", "weights": ["1"]},
        problem="not an amount",
    )
    return Commands(commands=(split, weigh), shared=shared)


def _intervals(_brief: Brief, values: dict[str, str]) -> Commands:
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


def _register(_brief: Brief, values: dict[str, str]) -> Commands:
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


def _tracker(_brief: Brief, values: dict[str, str]) -> Commands:
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


_MAKERS: dict[str, Callable[[Brief, dict[str, str]], Commands]] = {
    "slug": _slug,
    "temperature": _temperature,
    "text_stats": _text_stats,
    "roman": _roman,
    "caesar": _caesar,
    "units": _units,
    "money": _money,
    "intervals": _intervals,
    "register": _register,
    "tracker": _tracker,
}
