"""Secrets in headers and bodies, found by their known shapes and replaced before anything is written.

Own patterns, because they run on every request: each has literal beginnings that are looked for first,
so that a body without any costs a few memory scans. Personal data (e-mail, phone, IBAN, card, IP) is a
second set, for tenants that ask for it.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from workbench.domain.exchange import Headers

_SECRET_HEADERS = frozenset(
    {
        "authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "x-auth-token",
        "cookie",
        "set-cookie", "x-amz-security-token", "x-azure-api-key", "ocp-apim-subscription-key",
        "x-access-token",
        "x-litellm-api-key", "x-stainless-api-key", "x-csrf-token",
    }
)  # fmt: skip
_SCHEME = re.compile(r"(Bearer|Basic|Digest|Token|Negotiate)\s+", re.IGNORECASE)
MARK = "[redacted]"


class Pattern(msgspec.Struct, frozen=True):
    """One shape: `literals` of which one must occur, the expression, and a check of the match.

    `sign` is the byte all literals end with, if it is a rare one: looking for that is many times faster.
    """

    name: str
    literals: tuple[bytes, ...]
    expression: re.Pattern[bytes]
    check: Callable[[bytes], bool] | None = None
    sign: bytes = b""


class Span(msgspec.Struct, frozen=True):
    """One thing found in the original bytes, and what stands for it.

    `rest` marks a further part of a secret that was cut into pieces: nothing stands for it.
    """

    start: int
    end: int
    name: str
    rest: bool = False

    @property
    def replacement(self) -> bytes:
        """What is stored in its place; safe inside a JSON string."""
        return b"" if self.rest else b"[redacted:" + self.name.encode() + b"]"


_PLACEHOLDER = re.compile(
    rb"change.?me|your|xxxx|example|placeholder|redacted|dummy|\.\.\.|(.)\1{9}", re.IGNORECASE
)


def _real(match: bytes) -> bool:
    """Tell whether a match is more than a placeholder from somebody's documentation."""
    return not _PLACEHOLDER.search(match)


_SIGNS = (b"_", b"-")
_B = rb"(?<![A-Za-z0-9_-])"


def _key(name: str, literals: str, expression: bytes) -> Pattern:
    words = tuple(literals.encode().split())
    sign = next((sign for sign in _SIGNS if all(word.endswith(sign) for word in words)), b"")
    return Pattern(name, words, re.compile(_B + expression), _real, sign)


SECRETS: tuple[Pattern, ...] = (
    _key("anthropic_key", "sk-ant-", rb"sk-ant-[A-Za-z0-9_-]{20,}"),
    _key("openrouter_key", "sk-or-", rb"sk-or-[A-Za-z0-9_-]{20,}"),
    _key("workbench_key", "sk-wb-", rb"sk-wb-[A-Za-z0-9_-]{20,}"),
    _key("openai_key", "sk-", rb"sk-(?:proj-|svcacct-|admin-|None-)?[A-Za-z0-9_-]{20,}"),
    _key("stripe_key", "k_live_ k_test_", rb"[rs]k_(?:live|test)_[A-Za-z0-9]{20,}"),
    _key("aws_key", "AKIA ASIA", rb"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _key("google_key", "AIza", rb"AIza[A-Za-z0-9_-]{35}"),
    _key("google_token", "ya29.", rb"ya29\.[A-Za-z0-9_-]{20,}"),
    _key(
        "github_token",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        rb"(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,})",
    ),
    _key("gitlab_token", "glpat-", rb"glpat-[A-Za-z0-9_-]{20,}"),
    _key("slack_token", "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs-", rb"xox[abeoprs]-[A-Za-z0-9-]{10,}"),
    _key("huggingface_token", "hf_", rb"hf_[A-Za-z0-9]{30,}"),
    _key("groq_key", "gsk_", rb"gsk_[A-Za-z0-9]{30,}"),
    _key("xai_key", "xai-", rb"xai-[A-Za-z0-9]{30,}"),
    _key("perplexity_key", "pplx-", rb"pplx-[A-Za-z0-9]{30,}"),
    _key("nvidia_key", "nvapi-", rb"nvapi-[A-Za-z0-9_-]{30,}"),
    _key("replicate_token", "r8_", rb"r8_[A-Za-z0-9]{30,}"),
    _key("npm_token", "npm_", rb"npm_[A-Za-z0-9]{36}"),
    _key("pypi_token", "pypi-", rb"pypi-AgE[A-Za-z0-9_-]{40,}"),
    _key("sendgrid_key", "SG.", rb"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    _key("jwt", "eyJ", rb"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    Pattern(
        "private_key",
        (b"PRIVATE KEY-----",),
        re.compile(
            rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|(?=\")|\Z)", re.DOTALL
        ),
    ),
)
"""On unless settings say otherwise."""


def _luhn(match: bytes) -> bool:
    digits = [byte - 48 for byte in match if 48 <= byte <= 57]
    doubled = (digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2])
    return 13 <= len(digits) <= 19 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 and any(digits)


def _iban(match: bytes) -> bool:
    compact = match.replace(b" ", b"").decode()
    moved = compact[4:] + compact[:4]
    return 15 <= len(compact) <= 34 and int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def _address(match: bytes) -> bool:
    try:
        ipaddress.ip_address(match.decode())
    except ValueError:
        return False
    return True


PERSONAL: tuple[Pattern, ...] = (
    Pattern(
        "email",
        (b"@",),
        re.compile(
            rb"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+(?<=[A-Za-z])"
        ),
    ),
    Pattern("iban", (), re.compile(rb"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"), _iban),
    Pattern(
        "card",
        (),
        re.compile(
            rb"(?<![\d.-])(?:\d{4}(?:[ -]?\d{4}){2}[ -]?\d{1,7}|3[47]\d\d[ -]?\d{6}[ -]?\d{5})(?![\d.-])"
        ),
        _luhn,
    ),
    Pattern(
        "ip",
        (b".", b":"),
        re.compile(
            rb"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4})(?![\w.:])"
        ),
        _address,
    ),
    Pattern("phone", (b"+",), re.compile(rb"(?<![\w+])\+\d{1,3}(?:[ ()./-]{0,2}\d){6,12}(?!\d)")),
)
"""Only for tenants whose policy asks for it."""


@functools.lru_cache(maxsize=64)
def _beginnings(patterns: tuple[Pattern, ...], sign: bytes) -> re.Pattern[bytes]:
    """Return an expression for all literals that end with `sign`.

    It begins with that byte, which the engine looks for faster than for anything else.
    """
    literals = [literal for pattern in patterns if pattern.sign == sign for literal in pattern.literals]
    return re.compile(
        re.escape(sign) + b"(?:" + b"|".join(b"(?<=%s)" % re.escape(word) for word in literals) + b")"
    )


def find(data: bytes, patterns: Iterable[Pattern] = SECRETS) -> list[Span]:
    """Return what `patterns` find in `data`, in order, without overlaps; the earlier pattern wins a tie."""
    spans: list[Span] = []
    patterns = tuple(patterns)
    absent = [sign for sign in _SIGNS if not _beginnings(patterns, sign).search(data)]
    for pattern in patterns:
        if pattern.sign in absent:
            continue
        for literal in pattern.literals:
            if literal in data:
                break
        else:
            if pattern.literals:
                continue
        spans += _matches(data, pattern)
    return _apart(spans) if len(spans) > 1 else spans


def _matches(data: bytes, pattern: Pattern) -> list[Span]:
    return [
        Span(match.start(), match.end(), pattern.name)
        for match in pattern.expression.finditer(data)
        if pattern.check is None or pattern.check(match[0])
    ]


def _apart(spans: list[Span]) -> list[Span]:
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept


_DELTA = re.compile(
    rb'"(content|text|delta|arguments|partial_json|reasoning_content|thinking|refusal|obfuscation)":[ ]?'
    rb'"([^"\\]*(?:\\.[^"\\]*)*)"'
)


def find_streamed(data: bytes, patterns: Iterable[Pattern] = SECRETS) -> list[Span]:
    """Return what `patterns` find in a stream of events, also where a secret is cut over several of them.

    The deltas of each kind are put together and looked through; what is found there is led back to the
    pieces. What stands between two deltas is mostly the same from event to event, and is looked at once.
    """
    pieces: dict[bytes, list[tuple[int, int]]] = {}
    between: set[bytes] = set()
    position = 0
    for match in _DELTA.finditer(data):
        start, end = match.span(2)
        pieces.setdefault(match[1], []).append((start, end))
        between.add(data[position:start])
        position = end
    between.add(data[position:])
    spans = find(data, patterns) if any(find(part, patterns) for part in between) else []
    for places in pieces.values():
        whole = b"".join([data[start:end] for start, end in places])
        for span in find(whole, patterns):
            spans += _led_back(span, places)
    return _apart(spans)


def _led_back(span: Span, places: list[tuple[int, int]]) -> list[Span]:
    """Return where a span of the pieces put together lies in the original bytes."""
    found: list[Span] = []
    before = 0
    for start, end in places:
        low, high = max(span.start, before), min(span.end, before + end - start)
        if low < high:
            found.append(Span(start + low - before, start + high - before, span.name, bool(found)))
        before += end - start
    return found


def replace(data: bytes, spans: Iterable[Span]) -> bytes:
    """Return `data` with each span replaced."""
    out = []
    position = 0
    for span in spans:
        out += [data[position : span.start], span.replacement]
        position = span.end
    return b"".join([*out, data[position:]])


def redact(data: bytes, patterns: Iterable[Pattern] = SECRETS) -> tuple[bytes, tuple[str, ...]]:
    """Return `data` without what was found, and the names of what was (each once)."""
    spans = find(data, patterns)
    return (replace(data, spans), tuple(dict.fromkeys(span.name for span in spans))) if spans else (data, ())


def redact_headers(headers: Headers) -> tuple[Headers, tuple[str, ...]]:
    """Return the headers with secret values replaced, and the lower-case names of those."""
    clean: Headers = []
    found: list[str] = []
    for name, value in headers:
        safe = _header(name.lower(), value)
        if safe != value:
            found.append(name.lower())
        clean.append((name, safe))
    return clean, tuple(dict.fromkeys(found))


@functools.lru_cache(maxsize=2048)
def _header(name: str, value: str) -> str:
    if name in _SECRET_HEADERS:
        scheme = _SCHEME.match(value)
        return (scheme[0] if scheme else "") + MARK
    return redact(value.encode("utf-8", "surrogateescape"))[0].decode("utf-8", "surrogateescape")
