"""Change one value of a JSON body and leave every other byte as it is.

A replay must differ from its original only where somebody asked for it: re-encoding would reorder keys,
change escapes and numbers, and with them a provider's prompt cache.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from workbench.domain.errors import UsageError

Step = str | int
_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.S)
_NESTING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.S)
_SCALAR = re.compile(rb"[^\s,\]}]+")
_PATH_STEP = re.compile(r'"((?:[^"\\]|\\.)*)"|\[(-?\d+)\]|([^.\[\]"]+)')


class Edit(msgspec.Struct, frozen=True):
    """One change: `path` into the body, and the JSON value to put there."""

    path: tuple[Step, ...]
    value: Any


class _Member(msgspec.Struct, frozen=True):
    """One member of an object or array; offsets into the body, `start` that of the key or the value."""

    name: Step
    start: int
    value: int
    end: int


def parse_edit(text: str) -> Edit:
    """Return the edit in ``temperature=0``, ``messages[-1].content="hi"`` or ``stop=["x"]``.

    The right side is JSON; what is not JSON is taken as a string. Raises UsageError.
    """
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise UsageError(f"--set needs PATH=VALUE, not {text!r}", hint="--set temperature=0")
    try:
        parsed = json.loads(value)
    except ValueError:
        parsed = value
    return Edit(parse_path(path.strip()), parsed)


def parse_path(text: str) -> tuple[Step, ...]:
    """Return the steps of ``messages[-1].content`` or ``messages.0.content``; quote a key that has dots."""
    steps: list[Step] = []
    position = 0
    while position < len(text):
        match = _PATH_STEP.match(text, position)
        if match is None:
            raise UsageError(f"not a path: {text!r}", hint="write messages[-1].content or tools.0.name")
        quoted, index, word = match.groups()
        if quoted is not None:
            steps.append(str(json.loads(f'"{quoted}"')))
        else:
            steps.append(int(index) if index is not None else word)
        position = match.end() + (text[match.end() : match.end() + 1] == ".")
    return tuple(steps)


def apply_edits(body: bytes, edits: Iterable[Edit]) -> bytes:
    """Return `body` with every edit applied in order; all other bytes stay. Raises UsageError."""
    for edit in edits:
        body = set_value(body, edit.path, edit.value)
    return body


def set_value(body: bytes, path: tuple[Step, ...], value: Any) -> bytes:
    """Return `body` with the value at `path` replaced, or added where its object lacks the key.

    Raises UsageError when `body` is not JSON, when a list has no such index, or when `path` leads
    into something that is neither an object nor a list.
    """
    try:
        msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise UsageError(f"the body is not JSON, so nothing in it can be set: {error}") from None
    start = _skip_space(body, 0)
    for depth, step in enumerate(path):
        members = list(_members(body, start))
        found = _find(body, start, members, step, path)
        if found is None:
            return _insert(body, start, members, str(step), _nested(path[depth + 1 :], value, path))
        start = found.value
    return body[:start] + _encode(value) + body[_skip_value(body, start) :]


def _encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _nested(path: tuple[Step, ...], value: Any, whole: tuple[Step, ...]) -> Any:
    for step in reversed(path):
        if isinstance(step, int):
            raise UsageError(f"{_dotted(whole)}: the body has no list there")
        value = {step: value}
    return value


def _dotted(path: tuple[Step, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def _find(
    body: bytes, start: int, members: list[_Member], step: Step, path: tuple[Step, ...]
) -> _Member | None:
    kind = body[start : start + 1]
    if kind == b"{":
        # Of a key written twice every parser takes the last.
        return next((member for member in reversed(members) if member.name == str(step)), None)
    if kind != b"[":
        raise UsageError(f"{_dotted(path)}: {step!r} is looked for in something that is no object or list")
    try:
        return members[int(step)]
    except (ValueError, IndexError):
        raise UsageError(f"{_dotted(path)}: the list has {len(members)} items, none at {step!r}") from None


def _members(body: bytes, start: int) -> Iterable[_Member]:
    """Yield the members of the object or array at `start`; nothing for a scalar."""
    opening = body[start : start + 1]
    if opening not in (b"{", b"["):
        return
    position = _skip_space(body, start + 1)
    index = 0
    while body[position : position + 1] not in (b"}", b"]"):
        first, name = position, index
        if opening == b"{":
            end = _skip_value(body, position)
            name = json.loads(body[position:end])
            position = _skip_space(body, _skip_space(body, end) + 1)
        end = _skip_value(body, position)
        yield _Member(name, first, position, end)
        index += 1
        position = _skip_space(body, end)
        if body[position : position + 1] == b",":
            position = _skip_space(body, position + 1)


def _insert(body: bytes, start: int, members: list[_Member], name: str, value: Any) -> bytes:
    """Return `body` with a new last member in the object at `start`, spaced like its neighbours."""
    if not members:
        return body[: start + 1] + _encode(name) + b": " + _encode(value) + body[start + 1 :]
    last = members[-1]
    before = members[-2].end if len(members) > 1 else start
    gap = _trailing_space(body[before : last.start])
    colon = body[_skip_value(body, last.start) : last.value]
    return body[: last.end] + b"," + gap + _encode(name) + colon + _encode(value) + body[last.end :]


def _trailing_space(between: bytes) -> bytes:
    return between[len(between.rstrip(b" \t\r\n")) :]


def _skip_space(body: bytes, position: int) -> int:
    match = _SPACE.match(body, position)
    return match.end() if match else position


def _skip_value(body: bytes, position: int) -> int:
    """Return the offset after the value at `position`; the body is known to be JSON."""
    opening = body[position : position + 1]
    if opening not in (b"{", b"["):
        match = (_STRING if opening == b'"' else _SCALAR).match(body, position)
        return match.end() if match else len(body)
    depth = 0
    for match in _NESTING.finditer(body, position):
        if match[0] in (b"{", b"["):
            depth += 1
        elif match[0] in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                return match.end()
    return len(body)
