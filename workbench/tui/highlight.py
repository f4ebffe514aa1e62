"""Which parts of a line are what: cheap, a line at a time, and only for lines that are on the screen.

Long lines are left plain: the work for one repaint is bounded by the screen, whatever the body holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

Span = tuple[int, int, str]
"""(start, end, style name), in characters, in order, not overlapping."""

MAX_LINE = 4_000
"""Longest line that is highlighted, in characters."""

_JSON = (
    r'(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)|(?P<string>"(?:[^"\\]|\\.)*"?)'
    r"|(?P<number>-?\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b)|(?P<word>\b(?:true|false|null)\b)"
)
_INLINE = r"(?P<code>`[^`]+`)|(?P<strong>\*\*[^*]+\*\*)|(?P<link>https?://[^\s)>\]]+)"
_CODE = (
    r"(?P<comment>(?:#|//).*$)|(?P<string>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)"
    r"|(?P<keyword>\b(?:def|class|return|import|from|if|elif|else|for|while|in|is|not|and|or|with|as|try|except"
    r"|finally|raise|yield|lambda|async|await|pass|break|continue|None|True|False|const|let|var|function|export"
    r"|default|new|type|interface|extends|implements|public|private|static|void|null|undefined|true|false|this"
    r"|self|fn|impl|struct|enum|match|use|pub|mut|func|package|switch|case|throw|catch)\b)"
    r"|(?P<number>\b\d+(?:\.\d+)?\b)|(?P<name>\b[A-Za-z_]\w*(?=\())"
)
_LOG = (
    r"(?P<bad>\b(?:ERROR|CRITICAL|FAILED|FAIL|Traceback|error)\b)|(?P<warn>\b(?:WARNING|WARN|warning)\b)"
    r"|(?P<ok>\b(?:PASSED|passed|ok|OK)\b)|(?P<dim>^\S*\d\d:\d\d:\d\d\S*)"
)
_WORDS = r"(?P<del>\[-.*?-\])|(?P<add>\{\+.*?\+\})"
_SSE = r"^(?P<field>data|event|id|retry):(?P<value>.*)$"


def _by_groups(pattern: str, prefix: str) -> Callable[[str], list[Span]]:
    def lex(text: str) -> list[Span]:
        found = compiled(pattern).finditer(text)
        return [(hit.start(), hit.end(), prefix + (hit.lastgroup or "")) for hit in found]

    return lex


@lru_cache(maxsize=16)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the compiled pattern; made when first used, since the first frame needs none."""
    return re.compile(pattern)


def _prose(text: str) -> list[Span]:
    """Headings, list marks, quotes, inline code: every character stays, only its tone changes."""
    stripped = text.lstrip()
    if stripped.startswith("#") and stripped.lstrip("#").startswith(" "):
        return [(0, len(text), "bold accent")]
    if stripped.startswith("```"):
        return [(0, len(text), "faint")]
    if stripped.startswith(">"):
        return [(0, len(text), "dim italic")]
    styles = {"code": "code-number", "strong": "bold", "link": "second underline"}
    found = compiled(_INLINE).finditer(text)
    return [(hit.start(), hit.end(), styles[hit.lastgroup or "code"]) for hit in found]


def _sse(text: str) -> list[Span]:
    found = compiled(_SSE).match(text)
    if found is None:
        return [(0, len(text), "dim")] if text.startswith(":") else []
    start = found.start("value")
    return [(0, start, "faint"), *((start + a, start + b, name) for a, b, name in _json(text[start:]))]


def _diff(text: str) -> list[Span]:
    if text.startswith(("+++", "---")):
        return [(0, len(text), "bold dim")]
    names = {"+": "diff-add", "-": "diff-del", "@": "second", "?": "faint"}
    name = names.get(text[:1])
    return [(0, len(text), name)] if name else []


_json = _by_groups(_JSON, "json-")
_KINDS: dict[str, Callable[[str], list[Span]]] = {
    "json": _json,
    "code": _by_groups(_CODE, "code-"),
    "log": _by_groups(_LOG, ""),
    "words": _by_groups(_WORDS, "word-"),
    "prose": _prose,
    "sse": _sse,
    "diff": _diff,
}


def spans(kind: str, text: str) -> tuple[Span, ...]:
    """Return what to emphasise in one line of this kind; a kind that is a style's name covers all of it."""
    if not text or kind == "text" or len(text) > MAX_LINE:
        return ()  # not remembered: a line may be all of a large body
    return _spans(kind, text)


@lru_cache(maxsize=1024)
def _spans(kind: str, text: str) -> tuple[Span, ...]:
    if kind.startswith("role "):
        end = len(text.split("  ", 1)[0])
        return ((0, end, f"bold {kind[5:]}"), (end, len(text), "dim"))
    lexer = _KINDS.get(kind)
    if lexer is None:
        return ((0, len(text), kind),)
    return tuple(lexer(text))
