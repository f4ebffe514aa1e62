"""Primes; the brief decides the limit and the sample."""

from __future__ import annotations

from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.command import Command, Commands, Param
from workbench.providers.demo_author.domains.library import Library


def library(brief: Brief) -> Library:
    """Return a library about primes."""
    limit = brief.number(10_000, 999_999, brief.pick((100_000, 250_000, 1_000_000), "limit"))
    sample = 4 + 2 * (brief.seed % 4_000)
    return Library(
        module="primes",
        summary=f"Prime numbers up to {limit:,}: found, tested, and numbers taken apart into them.",
        exports=("LIMIT", "factors", "is_prime", "primes_up_to"),
        values={
            "limit": f"{limit:_}",
            "sample": str(sample),
            "factors": ", ".join(map(str, _factors(sample))),
        },
        right="while divisor * divisor <= number:",
        wrong="while divisor * divisor < number:",
        caught_by="test_(known_factors|factors_are_prime_and_multiply_to_the_number)",
        acceptance=(
            "sieve and test agree on every number up to 500",
            "factors are prime and multiply to the number",
        ),
    )


def commands(_brief: Brief, values: dict[str, str]) -> Commands:
    """Return what a program around the library can do."""
    take = Command(
        name="take",
        help="Take a number apart into prime factors.",
        params=(Param("number", "int"),),
        body='return " ".join(map(str, factors(number)))',
        given={"number": values["sample"]},
        result=values["factors"].replace(",", ""),
        refused={"number": "0"},
        problem="from 1 up",
    )
    find = Command(
        name="find",
        help="List the primes up to a number.",
        params=(Param("highest", "int"),),
        body='return " ".join(map(str, primes_up_to(highest)))',
        given={"highest": "12"},
        result="2 3 5 7 11",
        refused={"highest": "1000001"},
        problem="above the limit",
    )
    return Commands(commands=(take, find))


def _factors(number: int) -> list[int]:
    found, divisor = [], 2
    while number > 1:
        while number % divisor == 0:
            found.append(divisor)
            number //= divisor
        divisor += 1
    return found
