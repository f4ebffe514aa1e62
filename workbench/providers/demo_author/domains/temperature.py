"""Temperatures; the brief decides the scales, the digits and the samples."""

from __future__ import annotations

from workbench.providers.demo_author.brief import Brief
from workbench.providers.demo_author.domains.command import Command, Commands, Param
from workbench.providers.demo_author.domains.library import Library

_SCALES = {
    "celsius": ("273.15", "1.0", 273.15, 1.0),
    "fahrenheit": ("459.67", "5 / 9", 459.67, 5 / 9),
    "kelvin": ("0.0", "1.0", 0.0, 1.0),
    "rankine": ("0.0", "5 / 9", 0.0, 5 / 9),
    "reaumur": ("218.52", "1.25", 218.52, 1.25),
}
"""Scale -> offset and factor to kelvin, as source and as numbers."""


def library(brief: Brief) -> Library:
    """Return a library that converts temperatures."""
    extra = [name for name in ("rankine", "reaumur") if brief.has(name)]
    scales = ["celsius", "fahrenheit", "kelvin", *(extra[:1] or brief.pick(([], ["rankine"]), "scale"))]
    digits = brief.number(1, 6, brief.pick((1, 2, 3, 4), "digits"))
    sample = brief.pick((12.5, 18.0, 21.5, 23.0, 36.6, 37.5), "sample")
    cases = [(0.0, "celsius", "fahrenheit"), (-40.0, "fahrenheit", "celsius"), (0.0, "kelvin", "celsius")]
    cases += [(sample, "celsius", name) for name in scales[1:]]
    values = {
        "digits": str(digits),
        "members": "\n".join(f'    {name.upper()} = "{name}"' for name in scales),
        "factors": "\n".join(
            f"    Scale.{name.upper()}: ({_SCALES[name][0]}, {_SCALES[name][1]})," for name in scales
        ),
        "cases": "\n".join(_case(*case, digits) for case in cases),
        "sample": str(sample),
        "sample_fahrenheit": str(_convert(sample, "celsius", "fahrenheit", digits)),
    }
    return Library(
        module="temperature",
        summary=f"Temperatures between {', '.join(scales[:-1])} and {scales[-1]}, checked at absolute zero.",
        exports=("DIGITS", "Scale", "absolute_zero", "convert", "parse"),
        values=values,
        right="return round(kelvin / factor - offset, digits)",
        wrong="return round(kelvin / factor + offset, digits)",
        caught_by="test_known_points",
        acceptance=(
            "known points such as 0 degrees Celsius = 32 degrees Fahrenheit hold",
            "a conversion and its way back end at the same temperature",
            "nothing below absolute zero is accepted",
        ),
    )


def commands(_brief: Brief, _values: dict[str, str]) -> Commands:
    """Return what a program around the library can do."""
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


def _case(degrees: float, source: str, target: str, digits: int) -> str:
    expected = _convert(degrees, source, target, digits)
    return f"        ({degrees}, Scale.{source.upper()}, Scale.{target.upper()}, {expected}),"


def _convert(degrees: float, source: str, target: str, digits: int) -> float:
    (_, _, offset, factor), (_, _, target_offset, target_factor) = _SCALES[source], _SCALES[target]
    return round((degrees + offset) * factor / target_factor - target_offset, digits)
