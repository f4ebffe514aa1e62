"""Turning a section of the file into its type, with errors that name file, line, path and the nearest key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from workbench.domain.yaml_position import nearest, split_path
from workbench.routing.config_notice import Notice
from workbench.routing.config_schema import (
    IGNORED_GENERAL,
    IGNORED_LITELLM,
    IGNORED_ROUTER,
    IGNORED_TOP,
    TOP_LEVEL,
    GeneralSection,
    LitellmSection,
    RouterSection,
    field_names,
)
from workbench.routing.config_yaml import Document, dotted

T = TypeVar("T", bound=msgspec.Struct)
Steps = list[str | int]

_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.S)
_MISSING = re.compile(r"missing required field `([^`]*)`")


def convert(document: Document, data: Any, schema: type[T], steps: Steps) -> T:
    """Return `data` as `schema`; nulls count as not given. Raises ConfigError for a wrong type."""
    try:
        return msgspec.convert(_without_nulls(data), schema, strict=False)
    except msgspec.ValidationError as error:
        raise _explain(document, error, data, steps) from None


def _without_nulls(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_nulls(value) for key, value in data.items() if value is not None}
    return data


def _explain(document: Document, error: msgspec.ValidationError, data: Any, steps: Steps) -> Exception:
    match = _AT.match(str(error))
    what, path = (match["what"], match["path"] or "$") if match else (str(error), "$")
    at = steps + split_path(path)
    hint = None
    if missing := _MISSING.search(what):
        what = f"{missing[1]} is missing"
        here = _follow(data, split_path(path))
        near = nearest(missing[1], here) if isinstance(here, Mapping) else None
        if near:
            at, hint = [*at, near], f"did you mean {missing[1]!r} instead of {near!r}?"
    return document.error(what[:1].lower() + what[1:], at, hint=hint)


def _follow(data: Any, steps: Steps) -> Any:
    for step in steps:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def check_top_level(document: Document) -> list[Notice]:
    """Refuse a top-level key that is a slip of a known one; tell of those that are not used."""
    notices = []
    for key in document.data:
        if key in TOP_LEVEL:
            continue
        near = nearest(key, TOP_LEVEL)
        if key not in IGNORED_TOP and near and near not in document.data:
            raise document.error(f"unknown key {key!r}", [key], hint=f"did you mean {near!r}?")
        notices.append(_notice(document, [key], IGNORED_TOP.get(key, "unknown key"), near))
    return notices


def check_entry_keys(document: Document, index: int, entry: Mapping[str, Any]) -> list[Notice]:
    """Refuse slips in the fixed keys of a ``model_list`` entry."""
    known = ("model_name", "litellm_params", "model_info", "blocked")
    notices = []
    for key in entry:
        if key in known:
            continue
        steps: Steps = ["model_list", index, key]
        near = nearest(key, known)
        if near and near not in entry:
            raise document.error(f"unknown key {key!r}", steps, hint=f"did you mean {near!r}?")
        notices.append(_notice(document, steps, "not used by this router", near))
    return notices


def check_sections(document: Document) -> list[Notice]:
    """Tell of every key of the three settings sections that is not acted on."""
    notices: list[Notice] = []
    for section, schema, ignored in (
        ("router_settings", RouterSection, IGNORED_ROUTER),
        ("litellm_settings", LitellmSection, IGNORED_LITELLM),
        ("general_settings", GeneralSection, IGNORED_GENERAL),
    ):
        data = document.data.get(section) or {}
        if not isinstance(data, dict):
            raise document.error("a mapping is needed", [section])
        notices += _unused(document, section, data, ignored, field_names(schema))
    return notices


def _unused(
    document: Document,
    section: str,
    data: Mapping[str, Any],
    ignored: Mapping[str, str],
    known: Iterable[str],
) -> list[Notice]:
    acted_on = set(known) - ignored.keys()
    notices = []
    for key in data:
        if key in acted_on:
            continue
        if key in ignored:
            notices.append(_notice(document, [section, key], f"ignored: {ignored[key]}", None))
        else:
            notices.append(
                _notice(document, [section, key], "ignored: not a key this router knows", nearest(key, known))
            )
    return notices


def _notice(document: Document, steps: Steps, message: str, near: str | None) -> Notice:
    file, line = document.where(steps)
    hint = f"did you mean {near!r}?" if near else None
    return Notice(message=message, file=file, path=dotted(steps), line=line, hint=hint)
