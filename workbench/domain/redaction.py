"""Secrets in headers and bodies, found by their known shapes and replaced before anything is written.

Own patterns, because they run on every request: each has a rare byte and literals around it that are looked
for first, so that a body without any costs a few memory scans. Personal data (e-mail, phone, IBAN, card, IP)
is a second set, for tenants that ask for it.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from typing import TYPE_CHECKING

import msgspec

from workbench.domain.frames import DELTA, Frames, frames

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


class Pattern(msgspec.Struct, frozen=True, eq=False):
    """One shape: `literals` of which one must occur, the expression, and a check of the match.

    `sign` is a byte that stands in all literals and is rare in text: looking for that is many times faster.
    `least` is how many letters, digits, dashes and underscores follow a literal at least.
    """

    name: str
    literals: tuple[bytes, ...]
    expression: re.Pattern[bytes]
    check: Callable[[bytes], bool] | None = None
    sign: bytes = b""
    least: int = 0


class PatternSet(tuple[Pattern, ...]):
    """Patterns that are looked for together; the earlier one wins a tie."""

    @functools.cached_property
    def signs(self) -> list[tuple[bytes, re.Pattern[bytes]]]:
        """Each sign with an expression that must match where a pattern with that sign does."""
        signs = dict.fromkeys(pattern.sign for pattern in self if pattern.literals)
        return [(sign, _literals_around(sign, [one for one in self if one.sign == sign])) for sign in signs]

    @functools.cached_property
    def always(self) -> bool:
        """Some pattern has no literals, and must be tried on everything."""
        return any(not pattern.literals for pattern in self)


def _literals_around(sign: bytes, patterns: list[Pattern]) -> re.Pattern[bytes]:
    """Return an expression for the patterns' literals that begins with `sign`.

    The engine looks for one fixed byte faster than for anything else.
    """
    literals = [literal.rpartition(sign) for pattern in patterns for literal in pattern.literals]
    least = min(pattern.least for pattern in patterns)
    whole = [
        (b"(?<=%s)" % re.escape(before + sign) if before else b"") + re.escape(after)
        for before, _, after in literals
    ]
    ahead = b"(?=[A-Za-z0-9_-]{%d})" % least if least and not any(after for *_, after in literals) else b""
    return re.compile(re.escape(sign) + ahead + b"(?:" + b"|".join(whole) + b")")


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


_B = rb"(?<![A-Za-z0-9_-])"


def _key(name: str, literals: str, sign: str, expression: bytes, least: int = 0) -> Pattern:
    words = tuple(literals.encode().split())
    return Pattern(name, words, re.compile(_B + expression), _real, sign.encode(), least)


SECRETS = PatternSet(
    (
        _key("anthropic_key", "sk-ant-", "-", rb"sk-ant-[A-Za-z0-9_-]{20,}", 20),
        _key("openrouter_key", "sk-or-", "-", rb"sk-or-[A-Za-z0-9_-]{20,}", 20),
        _key("workbench_key", "sk-wb-", "-", rb"sk-wb-[A-Za-z0-9_-]{20,}", 20),
        _key("openai_key", "sk-", "-", rb"sk-(?:proj-|svcacct-|admin-|None-)?[A-Za-z0-9_-]{20,}", 20),
        _key("stripe_key", "k_live_ k_test_", "_", rb"[rs]k_(?:live|test)_[A-Za-z0-9]{20,}", 20),
        _key("aws_key", "AKIA ASIA", "A", rb"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
        _key("google_key", "AIza", "A", rb"AIza[A-Za-z0-9_-]{35}"),
        _key("google_token", "ya29.", "9", rb"ya29\.[A-Za-z0-9_-]{20,}"),
        _key(
            "github_token",
            "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
            "_",
            rb"(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,})",
            30,
        ),
        _key("gitlab_token", "glpat-", "-", rb"glpat-[A-Za-z0-9_-]{20,}", 20),
        _key(
            "slack_token",
            "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs-",
            "-",
            rb"xox[abeoprs]-[A-Za-z0-9-]{10,}",
            10,
        ),
        _key("huggingface_token", "hf_", "_", rb"hf_[A-Za-z0-9]{30,}", 30),
        _key("groq_key", "gsk_", "_", rb"gsk_[A-Za-z0-9]{30,}", 30),
        _key("xai_key", "xai-", "-", rb"xai-[A-Za-z0-9]{30,}", 30),
        _key("perplexity_key", "pplx-", "-", rb"pplx-[A-Za-z0-9]{30,}", 30),
        _key("nvidia_key", "nvapi-", "-", rb"nvapi-[A-Za-z0-9_-]{30,}", 30),
        _key("replicate_token", "r8_", "_", rb"r8_[A-Za-z0-9]{30,}", 30),
        _key("npm_token", "npm_", "_", rb"npm_[A-Za-z0-9]{36}", 36),
        _key("pypi_token", "pypi-", "-", rb"pypi-AgE[A-Za-z0-9_-]{40,}", 43),
        _key("sendgrid_key", "SG.", "G", rb"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
        _key("jwt", "eyJ", "J", rb"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
        Pattern(
            "private_key",
            (b"PRIVATE KEY-----",),
            re.compile(
                rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?"
                rb"(?:-----END [A-Z ]*PRIVATE KEY-----|(?=\")|\Z)",
                re.DOTALL,
            ),
            sign=b"V",
        ),
    )
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


PERSONAL = PatternSet(
    (
        Pattern(
            "email",
            (b"@",),
            re.compile(
                rb"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+(?<=[A-Za-z])"
            ),
            sign=b"@",
        ),
        Pattern(
            "iban", (), re.compile(rb"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"), _iban
        ),
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
            (),
            re.compile(
                rb"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4})(?![\w.:])"
            ),
            _address,
        ),
        Pattern(
            "phone", (b"+",), re.compile(rb"(?<![\w+])\+\d{1,3}(?:[ ()./-]{0,2}\d){6,12}(?!\d)"), sign=b"+"
        ),
    )
)
"""Only for tenants whose policy asks for it."""


def find(data: bytes, patterns: PatternSet = SECRETS) -> list[Span]:
    """Return what `patterns` find in `data`, in order, without overlaps."""
    present = [sign for sign, around in patterns.signs if sign in data and around.search(data)]
    if not present and not patterns.always:
        return []
    spans: list[Span] = []
    for pattern in patterns:
        if not pattern.literals or (
            pattern.sign in present and any(literal in data for literal in pattern.literals)
        ):
            spans += _matches(data, pattern)
    return _apart(spans) if len(spans) > 1 else spans


def may_hold(data: bytes, patterns: PatternSet = SECRETS) -> bool:
    """Tell whether `find` could find anything in `data` or in a part of it."""
    for sign, around in patterns.signs:
        if sign in data and around.search(data):
            return True
    return patterns.always


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


def find_streamed(data: bytes, patterns: PatternSet = SECRETS) -> list[Span]:
    """Return what `patterns` find in a stream of events, also where a secret is cut over several of them.

    The deltas of each kind are put together and looked through; what is found there is led back to the
    pieces. What stands between two deltas is mostly the same from event to event, and is looked at once.
    """
    regular = frames(data)
    if regular is not None and _clear(regular, patterns):
        return []
    pieces: dict[bytes, list[tuple[int, int]]] = {}
    between: set[bytes] = set()
    position = 0
    for match in DELTA.finditer(data):
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


def _clear(regular: Frames, patterns: PatternSet) -> bool:
    """Tell, at little cost, that a regular stream holds no secret; False when it must be looked into."""
    if len(set(regular.kinds)) < len(regular.kinds):
        return False
    said: dict[bytes, bytes] = {}
    for match in DELTA.finditer(regular.before):
        said[match[1]] = said.get(match[1], b"") + match[2]
    for kind, column in zip(regular.kinds, regular.columns, strict=True):
        said[kind] = said.get(kind, b"") + b"".join(column)
    for match in DELTA.finditer(regular.behind):
        said[match[1]] = said.get(match[1], b"") + match[2]
    return not any(may_hold(part, patterns) for part in (*regular.outside, *said.values()))


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


def redact(data: bytes, patterns: PatternSet = SECRETS) -> tuple[bytes, tuple[str, ...]]:
    """Return `data` without what was found, and the names of what was (each once)."""
    spans = find(data, patterns)
    return (replace(data, spans), tuple(dict.fromkeys(span.name for span in spans))) if spans else (data, ())


def redact_headers(headers: Headers) -> tuple[Headers, tuple[str, ...]]:
    """Return the headers with secret values replaced, and the lower-case names of those."""
    clean: Headers = []
    found: list[str] = []
    for name, value in headers:
        safe = redact_header(name, value)
        if safe != value:
            found.append(name.lower())
        clean.append((name, safe))
    return clean, tuple(dict.fromkeys(found))


@functools.lru_cache(maxsize=2048)
def redact_header(name: str, value: str) -> str:
    """Return the value as it may be stored: without its secret, but with the scheme before it."""
    if name.lower() in _SECRET_HEADERS:
        scheme = _SCHEME.match(value)
        return (scheme[0] if scheme else "") + MARK
    return redact(value.encode("utf-8", "surrogateescape"))[0].decode("utf-8", "surrogateescape")
