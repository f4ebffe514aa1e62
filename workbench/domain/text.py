"""Text from a model, a server or a file, made safe to show in a terminal.

Nothing here is lost or guessed: what could move the cursor, set a title, write the clipboard or
reorder a line becomes its visible escape.
"""

from __future__ import annotations

import re
import unicodedata

# C0 (but tab and newline), DEL, C1, line and paragraph separators, bidi controls, zero-width and
# invisible operators, tags, surrogates and non-characters.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff0-\ufffb"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_NAMED = {"\r": "\\r", "\x1b": "\\x1b", "\x07": "\\a", "\x08": "\\b", "\x00": "\\0"}
MAX_COMBINING = 4
"""Marks kept on one base character; more than any living script needs, fewer than zalgo uses."""


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in _NAMED:
        return _NAMED[char]
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable(text: str) -> str:
    """Return `text` with everything that could act on a terminal shown as its escape.

    Tabs and newlines stay. Long stacks of combining marks are cut to `MAX_COMBINING`.
    """
    safe = _UNSAFE.sub(_escape, text)
    return safe if safe.isascii() else _limit_marks(safe)


def one_line(text: str, limit: int = 200) -> str:
    """Return `text` printable, on one line, at most `limit` characters, ``…`` where it was cut."""
    cut = text[: limit + 1]
    flat = printable(" ".join(cut.split()))
    return flat if len(text) <= limit and len(flat) <= limit else flat[: limit - 1] + "…"


def _limit_marks(text: str) -> str:
    out: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks <= MAX_COMBINING:
            out.append(char)
    return "".join(out)
