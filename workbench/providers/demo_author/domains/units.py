"""Units; the brief decides the quantity, and with it the table, and the samples."""

from __future__ import annotations

from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.command import Command, Commands, Param
from workbench.providers.demo_author.domains.library import Library

_TABLES: dict[str, tuple[tuple[str, ...], dict[str, float]]] = {
    "weight": (
        ("weight", "mass", "gram", "kilogram", "pound", "ounce", "baking", "kitchen"),
        {"g": 1.0, "kg": 1000.0, "t": 1_000_000.0, "oz": 28.349523125, "lb": 453.59237},
    ),
    "volume": (
        ("volume", "litre", "liter", "gallon", "pint", "cup", "cooking"),
        {"ml": 1.0, "cl": 10.0, "l": 1000.0, "pint": 568.26125, "gallon": 4546.09},
    ),
    "time": (
        ("time", "second", "minute", "hour", "week"),
        {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0, "week": 604_800.0},
    ),
    "data": (
        ("byte", "data", "file", "disk", "storage", "bandwidth"),
        {"b": 1.0, "kb": 1000.0, "mb": 1_000_000.0, "kib": 1024.0, "mib": 1_048_576.0},
    ),
    "length": (
        (),
        {"mm": 0.001, "cm": 0.01, "m": 1.0, "km": 1000.0, "inch": 0.0254, "ft": 0.3048, "mile": 1609.344},
    ),
}
"""Quantity -> the words that ask for it, and its units; the one of factor 1 is the base."""


def library(brief: Brief) -> Library:
    """Return a library that converts units of one quantity."""
    quantity = next((name for name, (stems, _) in _TABLES.items() if stems and brief.has(*stems)), "length")
    factors = _TABLES[quantity][1]
    base = next(unit for unit, factor in factors.items() if factor == 1.0)
    sample = brief.pick((1.5, 2.5, 7.5, 12.5, 40.0), "sample")
    largest = max(factors, key=lambda unit: factors[unit])
    pairs = [(base, unit) for unit in factors if unit != base] + [(largest, base)]
    return Library(
        module="units",
        summary=f"Units of {quantity}: {', '.join(factors)}; converted, parsed, and the handiest one chosen.",
        exports=("BASE", "FACTORS", "UnknownUnit", "best_unit", "convert", "parse"),
        values={
            "quantity": quantity,
            "base": base,
            "base_upper": base.upper(),
            "factors": "\n".join(f'    "{unit}": {_literal(factor)},' for unit, factor in factors.items()),
            "cases": "\n".join(_case(sample, source, target, factors) for source, target in pairs),
            "sample": str(sample),
            "best_in": f'({_literal(factors[largest] * 2)}, "{base}")',
            "best_out": f'(2.0, "{largest}")',
            "unit_1": base,
            "unit_2": largest,
        },
        right="return value * _factor(source) / _factor(target)",
        wrong="return value * _factor(target) / _factor(source)",
        caught_by="test_known_conversions",
        acceptance=(
            "every unit converts to every other and back",
            "an unknown unit is refused with the names of the known ones",
        ),
    )


def commands(_brief: Brief, values: dict[str, str]) -> Commands:
    """Return what a program around the library can do."""
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


def _case(value: float, source: str, target: str, factors: dict[str, float]) -> str:
    expected = value * factors[source] / factors[target]
    return f'        ({value}, "{source}", "{target}", {expected!r}),'


def _literal(number: float) -> str:
    return f"{number:_}" if number.is_integer() else repr(number)
