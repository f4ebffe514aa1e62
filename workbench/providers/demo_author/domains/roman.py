"""Roman numerals; the brief decides the limit and the samples."""

from __future__ import annotations

from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.command import Command, Commands, Param
from workbench.providers.demo_author.domains.library import Library

_SYMBOLS = (
    *((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L")),
    *((40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")),
)


def library(brief: Brief) -> Library:
    """Return a library that reads and writes Roman numerals."""
    limit = brief.number(1000, 3999, 3999)
    sample = 100 + brief.seed % 800
    numbers = sorted({sample, sample + 7, 400 + brief.seed % 77, 944})
    return Library(
        module="roman",
        summary=f"Roman numerals from I to {_roman(limit)}, read and written strictly.",
        exports=("LIMIT", "from_roman", "is_roman", "to_roman"),
        values={
            "limit": str(limit),
            "known": "\n".join(f'    ({number}, "{_roman(number)}"),' for number in numbers),
            "sample": str(sample),
            "sample_roman": _roman(sample),
            "wrong": brief.pick(("XXXX", "IIV", "VV", "LL", "IM", "DD"), "wrong"),
        },
        right='(900, "CM"),',
        wrong='(900, "DM"),',
        caught_by="test_known_numbers",
        acceptance=(
            f"every number from 1 to {limit} survives the way there and back",
            "wrong forms such as IIII are refused",
        ),
    )


def commands(_brief: Brief, values: dict[str, str]) -> Commands:
    """Return what a program around the library can do."""
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


def _roman(number: int) -> str:
    numeral = ""
    for value, symbol in _SYMBOLS:
        count, number = divmod(number, value)
        numeral += symbol * count
    return numeral
