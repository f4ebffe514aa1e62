"""Splitting money; the brief decides the currency, the amount and the people."""

from __future__ import annotations

from decimal import Decimal

from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.command import Command, Commands, Param
from workbench.providers.demo_author.domains.library import Library

_CURRENCIES = {
    "yen": ("JPY", "1", "yen"),
    "dollar": ("USD", "0.01", "cent"),
    "pound": ("GBP", "0.01", "penny"),
    "franc": ("CHF", "0.05", "coin"),
    "euro": ("EUR", "0.01", "cent"),
}
"""Word -> code, smallest amount that is paid, and what that is called."""


def library(brief: Brief) -> Library:
    """Return a library that splits amounts."""
    word = next((name for name in _CURRENCIES if brief.has(name)), "euro")
    currency, unit, minor = _CURRENCIES[word]
    step = Decimal(unit)
    people = brief.number(2, 40, brief.pick((3, 4, 6, 7), "people"))
    amount = (1000 + brief.seed % 9000) * step + 100 * step
    raw = 1234 * Decimal(1) + step
    return Library(
        module="money",
        summary=f"Amounts of {currency} split evenly or by weight, to the last {minor}.",
        exports=("CURRENCY", "UNIT", "show", "split_by_weight", "split_evenly"),
        values={
            "currency": currency,
            "unit": unit,
            "minor": minor,
            "amount": str(amount),
            "people": str(people),
            "heavy": str(brief.pick((2, 3, 5), "heavy")),
            "shares": "\n".join(f'        Decimal("{share}"),' for share in _even(amount, people, step)),
            "raw": str(raw),
            "shown": f"{raw.quantize(step):,} {currency}",
        },
        right="for index in by_remainder[: units - sum(shares)]:",
        wrong="for index in by_remainder[: units - sum(shares) - 1]:",
        caught_by="test_(even_shares|a_known_split|weights_decide)",
        acceptance=(
            "shares always add up to the amount",
            "even shares differ by at most the smallest unit",
            "negative amounts and impossible weights are refused",
        ),
    )


def commands(_brief: Brief, values: dict[str, str]) -> Commands:
    """Return what a program around the library can do."""
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


def _even(amount: Decimal, people: int, step: Decimal) -> list[Decimal]:
    share, rest = divmod(int(amount / step), people)
    return [(share + (index < rest)) * step for index in range(people)]
