"""What can be written in a filter: for each list its keys and values, and how it is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Language(NamedTuple):
    """A filter's words as the line in which it is typed needs them."""

    fields: tuple[str, ...]
    """Keys, the most used first."""
    values: Mapping[str, tuple[str, ...]]
    """Key -> values worth offering."""
    hint: str
    check: Callable[[str, int], object]
    """Takes a text and the moment; raises FilterError."""


def _check_exchanges(text: str, now_us: int) -> object:
    from workbench.store.filter import parse

    return parse(text, now_us)


def _check_runs(text: str, now_us: int) -> object:
    from workbench.store.run_filter import parse_runs

    return parse_runs(text, now_us)


_AGES = ("1h", "15m", "24h", "7d")
EXCHANGES = Language(
    fields=(
        "model",
        "status",
        "state",
        "since",
        "until",
        "text",
        "provider",
        "deployment",
        "endpoint",
        "run",
        "session",
        "tenant",
        "tag",
        "tokens",
        "input",
        "output",
        "cost",
        "latency",
        "ttft",
        "stream",
        "cache",
        "is",
        "has",
        "tool",
        "error",
        "note",
        "id",
    ),
    values={
        "state": ("running", "complete", "interrupted", "failed"),
        "status": (">=400", "200", "429", "500"),
        "since": _AGES,
        "cache": ("hit", "miss", "off"),
        "stream": ("yes", "no"),
        "is": ("pinned", "replay", "error", "redacted", "cached"),
        "has": ("note", "tag", "tool", "replay", "session", "run"),
        "latency": (">1s", ">10s"),
        "tokens": (">1000", ">10000"),
    },
    hint='model:demo  status:>=400  state:failed  since:2h  tokens:>1000  text:"timeout"  !term  OR  ( )',
    check=_check_exchanges,
)
_RUN_STATES = ("failed", "running", "waiting", "passed", "cancelled", "interrupted", "open", "closed")
RUNS = Language(
    fields=(
        "kind",
        "state",
        "since",
        "until",
        "text",
        "recipe",
        "model",
        "step",
        "gate",
        "took",
        "cost",
        "tokens",
        "exchanges",
        "tag",
        "name",
        "note",
        "is",
        "has",
        "parent",
        "tenant",
        "steps",
        "status",
        "id",
    ),
    values={
        "kind": ("workflow", "session", "replay"),
        "state": _RUN_STATES,
        "status": _RUN_STATES,
        "since": _AGES,
        "is": ("pinned", "fork"),
        "has": ("note", "tag", "parent", "child"),
        "step": ("repair", "smoke"),
        "took": (">1m", ">10m"),
        "cost": (">0.1", ">1"),
    },
    hint="kind:session  state:failed  since:2d  gate:tests  took:>10m  cost:>0.5  words  !term  OR  ( )",
    check=_check_runs,
)


def complete(
    text: str,
    values: Mapping[str, Sequence[str]],
    history: Sequence[str] = (),
    language: Language = EXCHANGES,
) -> str | None:
    """Return `text` with its last word completed, or None when nothing fits."""
    for old in history:
        if text and old.startswith(text) and old != text:
            return old
    head, space, word = text.rpartition(" ")
    negated = word[:1] if word[:1] in {"!", "("} else ""
    name, colon, value = word[len(negated) :].partition(":")
    found = _value(name, value, values, language) if colon else _field(name, language)
    return None if found is None else head + space + negated + found


def _field(name: str, language: Language) -> str | None:
    if not name:
        return None
    return next((f"{field}:" for field in language.fields if field.startswith(name) and field != name), None)


def _value(name: str, value: str, values: Mapping[str, Sequence[str]], language: Language) -> str | None:
    known = [*values.get(name, ()), *language.values.get(name, ())]
    found = next((item for item in known if item.startswith(value) and item != value), None)
    return None if found is None else f"{name}:{found}"
