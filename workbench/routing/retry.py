"""What a failed attempt means: whom to blame, whether to try again, and how long to wait before it."""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from workbench.domain.exchange import Headers
from workbench.domain.text import one_line
from workbench.providers.provider import ProviderFailure

ERROR_KINDS = (
    "BadRequestError",
    "AuthenticationError",
    "TimeoutError",
    "RateLimitError",
    "ContentPolicyViolationError",
    "InternalServerError",
    "ServiceUnavailableError",
    "BadGatewayError",
    "NotFoundError",
    "Default",
)
"""LiteLLM's words in ``retry_policy`` and ``allowed_fails_policy``, without their endings."""

PASSES = frozenset({400, 404, 413, 422})
"""Statuses that are about the client's request: their body passes untouched."""

_SERVER_KINDS = {502: "BadGatewayError", 503: "ServiceUnavailableError", 529: "ServiceUnavailableError"}
_MAX_BACKOFF_S = 8.0
_JITTER_S = 0.75
_CONTEXT = re.compile(
    rb"context.length|context.window|maximum.context|prompt is too long|too many (input )?tokens"
    rb"|input is too long|exceeds? the (model'?s )?(maximum|max)|context_length_exceeded",
    re.I,
)
_POLICY = re.compile(
    rb"content.(policy|filter)|content_policy_violation|responsible ?ai|safety system|content management",
    re.I,
)
_RESET = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt that brought no good answer."""

    kind: str
    """One of `ERROR_KINDS`."""
    code: str
    """Our stable word for it: ``upstream_auth``, ``upstream_timeout`` …"""
    message: str
    status: int | None = None
    """The upstream's status; None when no answer came."""
    retryable: bool = True
    """Another try, here or at the next deployment, may do better."""
    elsewhere_only: bool = False
    """Only another deployment may do better."""
    opens_breaker: bool = False
    """The deployment need not be asked again for a while."""
    counts: bool = True
    """The deployment is to blame."""
    passes: bool = False
    """The upstream's body goes to the client as it is."""
    context_window: bool = False
    content_policy: bool = False
    retry_after_s: float | None = None
    param: str | None = None
    """JSON path of what is wrong in the request, where that is known."""


def from_provider(failure: ProviderFailure) -> Failure:
    """Return what a call without an answer means."""
    if failure.kind == "timeout":
        return Failure(kind="TimeoutError", code="upstream_timeout", message=failure.message)
    if failure.kind == "malformed":
        return Failure(kind="BadGatewayError", code="upstream_malformed", message=failure.message)
    if failure.kind == "unsupported":
        return Failure(
            kind="BadRequestError",
            code="unsupported",
            message=failure.message,
            retryable=True,
            elsewhere_only=True,
            counts=False,
        )
    code = "internal_error" if failure.kind == "internal" else "upstream_unreachable"
    return Failure(kind="ServiceUnavailableError", code=code, message=failure.message)


def from_status(status: int, headers: Headers, body: bytes, *, wall_s: float) -> Failure:
    """Return what an error status means. `wall_s`: seconds since 1970, for dates in headers."""
    head = body[:20_000]
    common: dict[str, Any] = {
        "status": status,
        "message": f"HTTP {status}: {error_message(body)}",
        "retry_after_s": retry_after(headers, head, wall_s=wall_s),
    }
    if status in PASSES:
        context = bool(_CONTEXT.search(head))
        policy = not context and bool(_POLICY.search(head))
        kind = (
            "ContentPolicyViolationError"
            if policy
            else "NotFoundError"
            if status == 404
            else "BadRequestError"
        )
        return Failure(
            kind=kind,
            code="upstream_rejected",
            retryable=False,
            counts=status == 404,
            passes=True,
            context_window=context,
            content_policy=policy,
            **common,
        )
    if status in (401, 402, 403):
        return Failure(
            kind="AuthenticationError",
            code="upstream_auth",
            elsewhere_only=True,
            opens_breaker=True,
            **common,
        )
    if status == 429:
        return Failure(kind="RateLimitError", code="upstream_rate_limit", opens_breaker=True, **common)
    if status in (408, 504):
        return Failure(kind="TimeoutError", code="upstream_timeout", **common)
    if status == 409 or status >= 500:
        return Failure(kind=_SERVER_KINDS.get(status, "InternalServerError"), code="upstream_error", **common)
    return Failure(kind="Default", code="upstream_error", retryable=False, **common)


def retries_for(failure: Failure, policy: Mapping[str, int], default: int) -> int:
    """Return how many retries this kind of failure may have in all."""
    if failure.kind in policy:
        return policy[failure.kind]
    return policy.get("Default", default)


def wait_before(
    number: int, failure: Failure, *, other_healthy: bool, least_s: float, most_s: float, luck: float
) -> float:
    """Return the seconds to wait before retry `number` (from 1). `luck` in [0, 1) is the jitter's share.

    Nothing when another healthy deployment takes it; else Retry-After up to `most_s`; else exponential
    backoff from 0.5 s to 8 s, plus up to 0.75 s of jitter.
    """
    if other_healthy:
        return 0.0
    if failure.retry_after_s is not None and failure.retry_after_s <= most_s:
        return max(failure.retry_after_s, least_s)
    backoff: float = min(0.5 * 2 ** (number - 1), _MAX_BACKOFF_S)
    return max(backoff + _JITTER_S * luck, least_s)


def error_message(body: bytes) -> str:
    """Return one line that says what the upstream's error body says, whatever its form."""
    try:
        data = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = re.sub(r"<[^>]*>", " ", body[:2000].decode("utf-8", "replace"))
        return one_line(text.strip()) or "no message"
    return one_line(_message_in(data)) or "no message"


def _message_in(data: Any) -> str:
    if isinstance(data, str):
        return data
    if isinstance(data, list) and data:
        return _message_in(data[0])
    if isinstance(data, dict):
        for key in ("error", "message", "detail", "title", "errors", "msg"):
            if data.get(key):
                return _message_in(data[key])
    return ""


def retry_after(headers: Headers, body: bytes, *, wall_s: float) -> float | None:
    """Return the seconds an upstream asks to wait: Retry-After (number or date), -ms, or a limit's reset."""
    named = {name.lower(): value for name, value in headers}
    if "retry-after-ms" in named and (ms := _number(named["retry-after-ms"])) is not None:
        return ms / 1000
    if "retry-after" in named:
        return _retry_after_value(named["retry-after"], wall_s)
    if b"X-RateLimit-Reset" in body:  # OpenRouter puts it into error.metadata.headers, in ms since 1970
        match = re.search(rb'"X-RateLimit-Reset"\s*:\s*"?(\d+)', body)
        if match:
            return max(int(match[1]) / 1000 - wall_s, 0.0)
    return None


def _retry_after_value(value: str, wall_s: float) -> float | None:
    number = _number(value)
    if number is not None:
        return max(number, 0.0)
    try:
        return max(email.utils.parsedate_to_datetime(value).timestamp() - wall_s, 0.0)
    except (ValueError, TypeError):
        return parse_reset(value)


def parse_reset(value: str) -> float | None:
    """Return seconds for ``2m59.56s``, ``120ms``, ``7.66s`` or a bare number; None for anything else."""
    number = _number(value)
    if number is not None:
        return number
    match = _RESET.fullmatch(value.strip())
    if match is None or not any(match.groups()):
        return None
    hours, minutes, seconds, millis = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds + millis / 1000


def _number(value: str) -> float | None:
    try:
        number = float(value.strip())
    except ValueError:
        return None
    return number if 0 <= number < 1e15 else None
