"""Completing a filter: names of fields, and values that exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FIELDS = (
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
    "pinned",
    "tool",
    "error",
    "id",
)
VALUES: dict[str, tuple[str, ...]] = {
    "state": ("running", "complete", "interrupted", "failed"),
    "status": (">=400", "200", "429", "500"),
    "since": ("1h", "15m", "24h", "7d"),
    "cache": ("hit", "miss", "off"),
    "stream": ("true", "false"),
    "pinned": ("true", "false"),
    "latency": (">1s", ">10s"),
    "tokens": (">1000", ">10000"),
}


def complete(text: str, values: Mapping[str, Sequence[str]], history: Sequence[str] = ()) -> str | None:
    """Return `text` with its last word completed, or None when nothing fits."""
    for old in history:
        if text and old.startswith(text) and old != text:
            return old
    head, space, word = text.rpartition(" ")
    negated = word[:1] if word[:1] in {"!", "("} else ""
    name, colon, value = word[len(negated) :].partition(":")
    found = _value(name, value, values) if colon else _field(name)
    return None if found is None else head + space + negated + found


def _field(name: str) -> str | None:
    if not name:
        return None
    return next((f"{field}:" for field in FIELDS if field.startswith(name) and field != name), None)


def _value(name: str, value: str, values: Mapping[str, Sequence[str]]) -> str | None:
    known = [*values.get(name, ()), *VALUES.get(name, ())]
    found = next((item for item in known if item.startswith(value) and item != value), None)
    return None if found is None else f"{name}:{found}"
