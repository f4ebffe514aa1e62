"""The filter language: what people type to choose exchanges, as a tree.

Terms are ANDed; ``OR`` and parentheses group, ``!`` negates; a bare word is ``text:``. An error carries the
position of the character at fault and names the nearest key or value.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, NoReturn

import msgspec

from workbench.domain.errors import FilterError
from workbench.domain.times import parse_duration_us, parse_iso
from workbench.store.filter_keys import KEYS, Key, nearest

Operator = Literal["=", ">", ">=", "<", "<="]
Value = str | int | float | tuple[float, float]


class Term(msgspec.Struct, frozen=True):
    """One test: a key of `KEYS`, how to compare, and the value in the column's unit (microseconds, bytes,
    USD).
    """

    key: str
    operator: Operator
    value: Value
    quoted: bool = False


class Not(msgspec.Struct, frozen=True):
    """What must not hold."""

    part: Node


class Both(msgspec.Struct, frozen=True):
    """All of these hold."""

    parts: tuple[Node, ...]


class Either(msgspec.Struct, frozen=True):
    """At least one of these holds."""

    parts: tuple[Node, ...]


Node = Term | Not | Both | Either


class Filter(msgspec.Struct, frozen=True):
    """A parsed filter; `root` is None when it lets everything through."""

    text: str
    root: Node | None


def parse(text: str, now_us: int | None = None, keys: Mapping[str, Key] = KEYS) -> Filter:
    """Return the filter in `text`, written with `keys`; ages count back from `now_us`. Raises FilterError."""
    now = time.time_ns() // 1000 if now_us is None else now_us
    return Filter(text, _Parser(text, now, keys).whole())


class _Token(msgspec.Struct, frozen=True):
    kind: Literal["word", "(", ")", "!", "OR", "end"]
    at: int
    key: str | None = None
    value: str = ""
    value_at: int = 0
    quoted: bool = False


_KEYED = re.compile(r"([A-Za-z_]+):")
_BARE = re.compile(r"[^\s()\"]+")
_COMPARE = re.compile(r"(>=|<=|>|<|=)?(.*)", re.DOTALL)


class _Parser:
    def __init__(self, text: str, now: int, keys: Mapping[str, Key]) -> None:
        self.text = text
        self.now = now
        self.keys = keys
        self.at = 0
        self.token = self._next()

    def whole(self) -> Node | None:
        if self._at_end():
            return None
        node = self._either()
        if not self._at_end():
            self._fail("a ')' without its '('", self.token.at)
        return node

    def _at_end(self) -> bool:
        return self.token.kind == "end"

    def _either(self) -> Node:
        parts = [self._both()]
        while self.token.kind == "OR":
            self._advance()
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self) -> Node:
        parts: list[Node] = []
        while self.token.kind in {"word", "(", "!"}:
            parts.append(self._single())
        if not parts:
            self._fail("a term is missing here", self.token.at, hint="such as model:demo or since:2h")
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _single(self) -> Node:
        token = self.token
        self._advance()
        if token.kind == "!":
            if self.token.kind not in {"word", "(", "!"}:
                self._fail("'!' needs a term behind it", token.at)
            return Not(self._single())
        if token.kind == "(":
            node = self._either()
            if self.token.kind != ")":
                self._fail("this '(' is never closed", token.at)
            self._advance()
            return node
        return self._term(token)

    def _term(self, token: _Token) -> Term:
        name = token.key or "text"
        key = self.keys.get(name)
        if key is None:
            near = nearest(name.lower(), tuple(self.keys))
            hint = (
                f"did you mean {near}: ?" if near else f'to search for the text, write "{name}:{token.value}"'
            )
            self._fail(f"there is no key {name!r}", token.at, hint=hint)
        if not token.value:
            self._fail(f"{name}: needs a value", token.value_at, hint=key.about)
        operator: Operator = "="
        value = token.value
        if not token.quoted and key.kind in {"number", "money", "duration", "size"}:
            match = _COMPARE.fullmatch(value)
            operator, value = (match[1] or "=", match[2]) if match else ("=", value)  # type: ignore[assignment]
        try:
            read = _read(key, value, self.now)
        except ValueError as error:
            self._fail(str(error), token.value_at, hint=key.about)
        return Term(name, operator, read, token.quoted)

    def _advance(self) -> None:
        self.token = self._next()

    def _next(self) -> _Token:
        text = self.text
        while self.at < len(text) and text[self.at].isspace():
            self.at += 1
        start = self.at
        if start >= len(text):
            return _Token("end", start)
        if text[start] in "()!":
            self.at += 1
            return _Token(text[start], start)  # type: ignore[arg-type]
        match = _KEYED.match(text, start)
        if match:
            self.at = match.end()
            value, quoted = self._value()
            return _Token("word", start, match[1], value, match.end(), quoted)
        value, quoted = self._value()
        if value == "OR" and not quoted:
            return _Token("OR", start)
        return _Token("word", start, None, value, start, quoted)

    def _value(self) -> tuple[str, bool]:
        """Read a quoted or bare value; a bare one may hold parentheses only if they are balanced in it."""
        text = self.text
        if self.at < len(text) and text[self.at] == '"':
            end = text.find('"', self.at + 1)
            if end < 0:
                self._fail("this quote is never closed", self.at)
            value = text[self.at + 1 : end]
            self.at = end + 1
            return value, True
        match = _BARE.match(text, self.at)
        if match is None:
            return "", False
        self.at = match.end()
        return match[0], False

    def _fail(self, message: str, position: int, hint: str | None = None) -> NoReturn:
        raise FilterError(message, text=self.text, position=position, hint=hint)


_SIZES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)
_CLASS = re.compile(r"[1-5]xx", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Return bytes for ``500``, ``10kB``, ``2GB``, ``1GiB``. Raises ValueError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        msg = f"not a size: {text!r} (write 500kB, 10MB or 2GB)"
        raise ValueError(msg)
    unit = match[2].lower()
    return round(float(match[1]) * (1024 ** " kmgt".index(unit or " ") if match[3] else _SIZES[unit]))


def _read(key: Key, value: str, now: int) -> Value:
    if key.kind == "number":
        if key.name == "status" and _CLASS.fullmatch(value):
            return (int(value[0]) * 100, int(value[0]) * 100 + 99)
        return _number(value)
    if key.kind == "money":
        return float(_number(value.removeprefix("$")))
    if key.kind == "duration":
        return parse_duration_us(value if value[-1:].isalpha() else f"{value}ms")
    if key.kind == "size":
        return parse_size(value)
    if key.kind == "moment":
        return _moment(value, now)
    return _word(key, value)


def _word(key: Key, value: str) -> str:
    if key.kind == "choice" and value not in key.choices:
        near = nearest(value.lower(), key.choices)
        msg = f"{key.name}: is one of {', '.join(key.choices)}" + (f"; did you mean {near}?" if near else "")
        raise ValueError(msg)
    if key.kind == "pattern":
        try:
            re.compile(value)
        except re.error as error:
            msg = f"not a regular expression: {error}"
            raise ValueError(msg) from None
    return value


def _number(value: str) -> float | int:
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        msg = f"not a number: {value!r}"
        raise ValueError(msg) from None


def _moment(value: str, now: int) -> int:
    if value in {"today", "yesterday"}:
        day = (
            datetime.fromtimestamp(now / 1e6).astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        )
        return int((day - timedelta(days=value == "yesterday")).timestamp() * 1e6)
    try:
        return now - parse_duration_us(value)
    except ValueError:
        pass
    try:
        return parse_iso(value)
    except ValueError:
        msg = f"not a moment: {value!r} (write 2h, 3d, 2026-11-20, 2026-11-20T14:30 or today)"
        raise ValueError(msg) from None
