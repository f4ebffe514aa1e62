"""Changing single members of a JSON object's bytes without touching any other byte.

A request passes through with its unknown members, its number forms, its key order and its white space; only
the model's name (and ``stream_options``) are cut out and replaced.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

Span = tuple[int, int]

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_string = msgspec.json.Decoder(str)
_KEY = re.compile(rb'[\s,]*("[^"\\]*(?:\\.[^"\\]*)*")\s*:\s*', re.S)
_OPEN = re.compile(rb"\s*\{")
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],]', re.S)


class NotAnObject(ValueError):
    """The bytes are not one JSON object; `offset` is where it was seen, where known."""


def spans(body: bytes) -> dict[str, Span]:
    """Return where the value of each top-level member stands: ``body[start:end]``.

    Of repeated keys the last counts, as for JSON parsers. Raises NotAnObject.
    """
    try:
        members = _members.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # the latter for a key that is not UTF-8
        raise NotAnObject(str(error)) from None
    opening = _OPEN.match(body)
    assert opening is not None  # the decoder has seen an object
    found: dict[str, Span] = {}
    position = opening.end()
    for name, value in members.items():
        key = _KEY.match(body, position)
        if key is None or _string.decode(key[1]) != name:
            return _walk(body, opening.end())
        position = key.end() + len(memoryview(value))
        found[name] = (key.end(), position)
    return found if body[position:].strip() == b"}" else _walk(body, opening.end())


def _walk(body: bytes, position: int) -> dict[str, Span]:
    """Do the same for an object with repeated keys, whose values have to be walked."""
    found: dict[str, Span] = {}
    while key := _KEY.match(body, position):
        end = _end_of_value(body, key.end())
        found[_string.decode(key[1])] = (key.end(), end)
        position = end
    return found


def _end_of_value(body: bytes, start: int) -> int:
    depth = 0
    for token in _TOKEN.finditer(body, start):
        mark = body[token.start()]
        if mark in b"{[":
            depth += 1
        elif mark in b"}]":
            depth -= 1
            if depth == 0:
                return token.end()
        if depth < 0 or (depth == 0 and mark == ord(",")):
            return start + len(body[start : token.start()].rstrip())
        if depth == 0 and mark == ord('"') and token.start() == start:
            return token.end()
    return len(body)


def value(body: bytes, at: Span) -> Any:
    """Return the value that stands there; None for what a skim of the body lets pass but nobody can read.

    That is bytes that are not UTF-8, half of a surrogate pair, a number out of all range, bottomless nesting.
    """
    try:
        return msgspec.json.decode(body[slice(*at)])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def replace(body: bytes, values: Mapping[str, bytes], *, at: Mapping[str, Span] | None = None) -> bytes:
    """Return `body` with these members' values replaced, or added at its end; all other bytes stay.

    `at` is what `spans` gave for this body, to spare a second look. Raises NotAnObject.
    """
    at = spans(body) if at is None else at
    cuts = sorted((at[name], value) for name, value in values.items() if name in at)
    pieces: list[bytes] = []
    position = 0
    for (start, end), value in cuts:
        pieces += (body[position:start], value)
        position = end
    added = [msgspec.json.encode(name) + b":" + value for name, value in values.items() if name not in at]
    if added:
        brace = body.rindex(b"}")
        comma = b"," if at else b""
        pieces += (body[position:brace].rstrip(), comma, b",".join(added), body[brace:])
    else:
        pieces.append(body[position:])
    return b"".join(pieces)


def remove(body: bytes, names: frozenset[str]) -> bytes:
    """Return `body` without these members; the others keep their bytes. Raises NotAnObject."""
    at = spans(body)
    if not names & at.keys():
        return body
    kept = [
        msgspec.json.encode(name) + b":" + body[start:end]
        for name, (start, end) in at.items()
        if name not in names
    ]
    return b"{" + b",".join(kept) + b"}"


def renamed(body: bytes, names: Mapping[str, str]) -> bytes:
    """Return `body` with members renamed where the new name is not there yet. Raises NotAnObject."""
    at = spans(body)
    moves = {old: new for old, new in names.items() if old in at and new not in at}
    if not moves:
        return body
    values = {new: body[slice(*at[old])] for old, new in moves.items()}
    return replace(remove(body, frozenset(moves)), values)
