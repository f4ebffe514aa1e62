"""The words of a stored slice, for the full-text index.

Version 1, and frozen: deleting a row of a contentless index needs the very text that was indexed, so this
must give the same result for ever. A change is a new version and a migration that rebuilds the index.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from workbench.domain.frames import Frames, frames
from workbench.store.split import UNREADABLE

_SKIPPED = frozenset(
    {
        "type", "role", "id", "call_id", "tool_call_id", "tool_use_id", "cache_control", "signature", "data",
        "encrypted_content", "detail", "media_type", "format", "status", "object", "index", "model",
        "created",
        "finish_reason", "stop_reason", "system_fingerprint", "service_tier", "usage", "annotations",
        "file_data",
    }
)  # fmt: skip
_LONG_WORD = 512
"""Longer without a blank is an attachment, not text."""
_MAX_DEPTH = 100
_MAX_TEXT = 1_000_000
_STRING_FIELD = re.compile(rb'"(?:text|content|arguments|output|input)"\s*:\s*("(?:[^"\\]|\\.)*")')
OTHER, MESSAGE, ANSWER, PLAIN = range(4)
"""What a slice is (`chunks.kind`)."""
_ROOTS = ("choices", "content", "output", "error")


def message_text(piece: bytes) -> str:
    """Return the words of one request message, or of a piece of one (leading separators allowed)."""
    piece = piece.lstrip(b" \t\r\n,")
    try:
        said = _SIMPLE.decode(piece).content
    except UNREADABLE:
        return _any_message(piece)
    return said[:_MAX_TEXT].strip() if said and _is_words(said) else ""


class _Simple(msgspec.Struct, forbid_unknown_fields=True):
    """What most messages are; the words of these are found without walking through them."""

    role: str | None = None
    content: str | None = None
    tool_call_id: str | None = None


_SIMPLE = msgspec.json.Decoder(_Simple)


def _any_message(piece: bytes) -> str:
    try:
        value = msgspec.json.decode(piece)
    except UNREADABLE:
        return _fragment(piece)
    return _join(value)


def _fragment(piece: bytes) -> str:
    """Return the words in a piece of JSON that an attachment was cut out of."""
    found = []
    for match in _STRING_FIELD.finditer(piece):
        try:
            found.append(msgspec.json.decode(match[1], type=str))
        except UNREADABLE:
            continue
    return "\n".join(text for text in found if _is_words(text))[:_MAX_TEXT].strip()


def piece_text(kind: int, piece: bytes) -> str:
    """Return the words of a stored slice of that kind (`chunks.kind`)."""
    reader = _READERS.get(kind)
    return reader(piece) if reader else ""


def plain_text(body: bytes) -> str:
    """Return the words of a request body that is not cut into messages."""
    try:
        value = msgspec.json.decode(body)
    except UNREADABLE:
        return body[:_MAX_TEXT].decode("utf-8", "replace") if _is_text(body) else ""
    if not isinstance(value, dict):
        return _join(value)
    return _join(
        [value[key] for key in ("prompt", "input", "messages", "system", "instructions") if key in value]
    )


def answer_text(body: bytes) -> str:
    """Return the words of an answer, streamed or whole."""
    head = body[:64].lstrip()
    if head.startswith((b"data:", b"event:", b":", b"id:")):
        return _streamed(body)
    try:
        value = msgspec.json.decode(body)
    except UNREADABLE:
        return ""
    if not isinstance(value, dict):
        return ""
    return _join([value[key] for key in _ROOTS if key in value])


def _is_text(body: bytes) -> bool:
    return b"\0" not in body[:4096]


def _join(value: Any) -> str:
    out: list[str] = []
    _collect(value, out)
    return "\n".join(out)[:_MAX_TEXT].strip()


def _collect(value: Any, out: list[str], depth: int = 0) -> None:
    if isinstance(value, str):
        if value and _is_words(value):
            out.append(value)
    elif depth > _MAX_DEPTH:
        return
    elif isinstance(value, list):
        for item in value:
            _collect(item, out, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in _SKIPPED:
                _collect(item, out, depth + 1)


def _is_words(text: str) -> bool:
    return len(text) < _LONG_WORD or " " in text[:_LONG_WORD] or "\n" in text[:_LONG_WORD]


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct):
    function: _Function | None = None


class _Delta(msgspec.Struct):
    """A chat delta, or one of the messages dialect."""

    content: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    text: str | None = None


class _Block(msgspec.Struct):
    name: str | None = None


class _Event(msgspec.Struct):
    choices: list[_Choice] | None = None
    delta: _Delta | str | None = None
    content_block: _Block | None = None
    item: _Block | None = None
    type: str | None = None


_EVENT = msgspec.json.Decoder(_Event)


def _streamed(body: bytes) -> str:
    regular = frames(body)
    said = None if regular is None else _said_in_frames(regular)
    if said is None:
        said = [], []
        _read_events(body, *said)
    return "\n".join(part for part in map("".join, said) if part)[:_MAX_TEXT].strip()


_Said = tuple[list[str], list[str]]
"""Pieces of words, and of calls of tools."""


def _said_in_frames(regular: Frames) -> _Said | None:
    """Return what reading each event would give, by reading one of them; None if that can't be told."""
    said: _Said = [], []
    _read_events(regular.before, *said)
    marks = [f"{number}." for number in range(len(regular.columns))]
    one: _Said = [], []
    event = b"".join([a + b.encode() for a, b in zip(regular.literals, [*marks, ""], strict=True)])
    _read_events(event, *one)
    for found, out in zip(one, said, strict=True):
        pieces = list(filter(None, found))
        for mark in pieces:
            words = _column(regular.columns[marks.index(mark)]) if mark in marks else None
            if words is None or len(pieces) > 1:
                return None  # two columns by turns, or what is not in a column
            out.append(words)
    _read_events(regular.behind, *said)
    return said


def _column(strings: list[bytes]) -> str | None:
    """Return what JSON strings (without their quotes) say together; None unless that is what each says."""
    whole = b"".join(strings)
    if b"\\u" in whole:
        return None  # half a pair makes an event unreadable
    if not whole.isascii() and any(0x80 <= string[0] < 0xC0 for string in strings if string):
        return None  # a character is cut over two events, which are then unreadable
    try:
        return msgspec.json.decode(b'"%b"' % whole, type=str)
    except UNREADABLE:
        return None


def _read_events(body: bytes, words: list[str], calls: list[str]) -> None:
    for line in body.split(b"\n"):
        if not line.startswith(b"data:"):
            continue
        try:
            event = _EVENT.decode(line[5:])
        except UNREADABLE:
            continue
        _add_event(event, words, calls)


def _add_event(event: _Event, words: list[str], calls: list[str]) -> None:
    for choice in event.choices or ():
        if choice.text:
            words.append(choice.text)
        if choice.delta:
            _add_delta(choice.delta, words, calls)
    if isinstance(event.delta, str):
        (calls if "arguments" in (event.type or "") else words).append(event.delta)
    elif event.delta:
        _add_delta(event.delta, words, calls)
    started = event.content_block or (event.item if event.type == "response.output_item.added" else None)
    if started and started.name:
        calls.append(f"\n{started.name}\n")


def _add_delta(delta: _Delta, words: list[str], calls: list[str]) -> None:
    said = (delta.content, delta.reasoning_content, delta.refusal, delta.text, delta.thinking)
    words.extend(text for text in said if text)
    if delta.partial_json:
        calls.append(delta.partial_json)
    for call in delta.tool_calls or ():
        if call.function:
            calls.append(f"\n{call.function.name}\n" if call.function.name else "")
            calls.append(call.function.arguments or "")


_READERS: dict[int, Callable[[bytes], str]] = {
    MESSAGE: message_text,
    ANSWER: answer_text,
    PLAIN: plain_text,
}
