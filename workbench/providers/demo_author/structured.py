"""Answers as JSON where the request asks for it, and the few members of a request that the author reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from workbench.domain.message import Message, as_dict, as_list
from workbench.domain.text import one_line
from workbench.providers.demo_author.chat import ABOUT, last_user_text

MAX_DEPTH = 8
MAX_ITEMS = 50
MAX_VALUES = 5_000
MAX_LENGTH = 10_000


def max_tokens(request: dict[str, Any]) -> int | None:
    """Return the request's cap on the answer, under whichever name its dialect has for it."""
    for name in ("max_completion_tokens", "max_output_tokens", "max_tokens"):
        value = request.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def form(request: dict[str, Any]) -> dict[str, Any] | None:
    """Return the JSON schema that the answer must fit; empty: any object; None: words are wanted."""
    wanted = as_dict(request.get("response_format")) or as_dict(as_dict(request.get("text")).get("format"))
    if wanted.get("type") == "json_object":
        return {}
    if wanted.get("type") == "json_schema":
        return as_dict(as_dict(wanted.get("json_schema")).get("schema")) or as_dict(wanted.get("schema"))
    return None


def reply(schema: dict[str, Any], messages: Sequence[Message]) -> str:
    """Return a JSON text that fits `schema`, with the user's words where it has room for a string."""
    said = one_line(last_user_text(messages), 120)
    value = example(schema, said, schema) if schema else {"answer": said, "note": ABOUT}
    return json.dumps(value, ensure_ascii=False)


def example(schema: dict[str, Any], said: str, root: dict[str, Any]) -> Any:
    """Return the smallest value that fits `schema`: references, enums, bounds and members kept.

    Below `MAX_DEPTH` (a schema that refers to itself) the value is null, and so is what comes after
    `MAX_VALUES`: a short schema can ask for more values than there are atoms.
    """
    return _Example(said, root).value(schema, 0)


class _Example:
    """One value in the making: the words for its strings, what references point into, the values left."""

    def __init__(self, said: str, root: dict[str, Any]) -> None:
        self._said = said
        self._root = root
        self._left = MAX_VALUES

    def value(self, schema: dict[str, Any], depth: int) -> Any:
        """Return a value for `schema`, `depth` levels down."""
        schema = _resolved(schema, self._root)
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            return None
        for fixed in ("const", "default"):
            if fixed in schema:
                return schema[fixed]
        if choices := as_list(schema.get("enum")):
            return choices[0]
        for several in ("anyOf", "oneOf", "allOf"):
            if options := as_list(schema.get(several)):
                return self.value(as_dict(options[0]), depth + 1)
        return self._typed(schema, depth)

    def _typed(self, schema: dict[str, Any], depth: int) -> Any:
        kind = schema.get("type")
        kind = str(next(iter(kind), None) if isinstance(kind, list) else kind)
        if kind == "object" or "properties" in schema:
            members = as_dict(schema.get("properties"))
            return {name: self.value(as_dict(inner), depth + 1) for name, inner in members.items()}
        if kind == "array":
            count = max(1, _bound(schema, "minItems", 1)) if depth < MAX_DEPTH else 0
            items = as_dict(schema.get("items"))
            return [self.value(items, depth + 1) for _ in range(min(count, MAX_ITEMS)) if self._left > 0]
        if kind in {"integer", "number"}:
            return _bound(schema, "minimum", _bound(schema, "exclusiveMinimum", -1) + 1)
        if kind == "string":
            return _string(schema, self._said)
        return {"boolean": True, "null": None}.get(kind, self._said)


def _string(schema: dict[str, Any], said: str) -> str:
    text = said or "demo"
    text = text.ljust(min(_bound(schema, "minLength", 0), MAX_LENGTH), ".")
    return text[: _bound(schema, "maxLength", len(text))]


def _bound(schema: dict[str, Any], name: str, default: int) -> int:
    value = schema.get(name)
    return int(value) if isinstance(value, int | float) and abs(value) < 1e6 else default


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return schema
    target: Any = root
    for part in reference[2:].split("/"):
        target = as_dict(target).get(part)
    return as_dict(target)
