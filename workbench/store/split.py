"""Cut a JSON request body at its message boundaries, so that repeated history is stored once.

The slices partition the body: whatever this module makes of odd JSON, putting them together gives the
same bytes. Only how well they repeat depends on it.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import UNSET, Raw, UnsetType

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading somebody's JSON may raise; RecursionError for nesting a thousand deep."""
_MIN_BODY = 64
_MIN_FIELD = 256
"""A system prompt or tool list shorter than this stays in its neighbours' slice."""
_MIN_ATTACHMENT = 4096
_BETWEEN = frozenset((b" ", b"\t", b"\r", b"\n", b","))
_ATTACHMENT = re.compile(rb"[A-Za-z0-9+/]{%d,}={0,2}" % _MIN_ATTACHMENT)


class _Top(msgspec.Struct):
    messages: Raw | UnsetType = UNSET
    input: Raw | UnsetType = UNSET
    system: Raw | UnsetType = UNSET
    instructions: Raw | UnsetType = UNSET
    tools: Raw | UnsetType = UNSET


class Split(msgspec.Struct, frozen=True):
    """Where a body is cut.

    `start` is the offset behind the list's bracket, `ends` the offset behind each message, `cuts` further
    offsets around large fields.
    """

    start: int
    ends: list[int]
    cuts: list[int]


_TOP = msgspec.json.Decoder(_Top)
_LIST = msgspec.json.Decoder(list[Raw])


def split(body: bytes) -> Split | None:
    """Return where to cut `body`, or None when it is not an object with a list of messages or inputs."""
    if len(body) < _MIN_BODY:
        return None
    try:
        top = _TOP.decode(body)
        found = top.messages if isinstance(top.messages, Raw) else top.input
        if not isinstance(found, Raw):
            return None
        items = _LIST.decode(found)
    except UNREADABLE:
        return None
    raw = bytes(found)
    start = body.find(raw)
    if start < 0:
        return None
    ends = ends_of(body, start + 1, items)
    return Split(start + 1, ends, _field_cuts(body, top, start, start + len(raw)))


def ends_of(body: bytes, position: int, items: list[Raw]) -> list[int]:
    """Return the offsets behind each item of a list whose first one begins at `position` or later."""
    ends = []
    for item in items:
        # Only commas and white space stand between items, and no value starts with those.
        while body[position : position + 1] in _BETWEEN:
            position += 1
        position += memoryview(item).nbytes
        ends.append(position)
    return ends


def _field_cuts(body: bytes, top: _Top, low: int, high: int) -> list[int]:
    cuts: list[int] = []
    for field in (top.system, top.instructions, top.tools):
        if not isinstance(field, Raw):
            continue
        raw = bytes(field)
        if len(raw) < _MIN_FIELD:
            continue
        at = body.find(raw)
        if at >= 0 and (at + len(raw) <= low or at >= high):
            cuts += [at, at + len(raw)]
    return cuts


def attachments(piece: bytes) -> list[int]:
    """Return the offsets at which to cut base64 attachments out of a large piece."""
    if len(piece) < _MIN_ATTACHMENT:
        return []
    return [offset for match in _ATTACHMENT.finditer(piece) for offset in match.span()]


_CACHE_CONTROL = re.compile(rb'\s*,?\s*"cache_control"\s*:\s*\{[^{}]*\}')


def canonical(message: bytes) -> bytes:
    """Return a message as it counts for telling conversations apart.

    Leading separators go, and so do cache marks, which clients move from message to message.
    """
    message = message.lstrip(b" \t\r\n,")
    return _CACHE_CONTROL.sub(b"", message) if b'"cache_control"' in message else message


class _Role(msgspec.Struct):
    role: str = ""


_ROLE = msgspec.json.Decoder(_Role)


def is_dialogue(message: bytes) -> bool:
    """Tell whether a canonical message is something said, rather than a system prompt."""
    try:
        return _ROLE.decode(message).role not in {"system", "developer"}
    except UNREADABLE:
        return True
