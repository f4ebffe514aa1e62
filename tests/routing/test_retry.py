"""What failures mean, whether to try again, and how long to wait."""

from __future__ import annotations

import pytest

from workbench.providers.provider import ProviderFailure
from workbench.routing.retry import (
    error_message,
    from_provider,
    from_status,
    parse_reset,
    retries_for,
    retry_after,
    wait_before,
)


@pytest.mark.parametrize(
    ("status", "code", "retryable", "passes"),
    [
        (400, "upstream_rejected", False, True),
        (401, "upstream_auth", True, False),
        (402, "upstream_auth", True, False),
        (403, "upstream_auth", True, False),
        (404, "upstream_rejected", False, True),
        (408, "upstream_timeout", True, False),
        (409, "upstream_error", True, False),
        (413, "upstream_rejected", False, True),
        (422, "upstream_rejected", False, True),
        (429, "upstream_rate_limit", True, False),
        (307, "upstream_error", False, False),
        (498, "upstream_error", False, False),
        (500, "upstream_error", True, False),
        (502, "upstream_error", True, False),
        (503, "upstream_error", True, False),
        (504, "upstream_timeout", True, False),
        (529, "upstream_error", True, False),
    ],
)
def test_statuses(status: int, code: str, retryable: bool, passes: bool) -> None:
    """Each status has one meaning."""
    failure = from_status(status, [], b"", wall_s=0)
    assert (failure.code, failure.retryable, failure.passes) == (code, retryable, passes)


def test_bad_credentials_are_only_tried_elsewhere() -> None:
    """The same key is as wrong the second time."""
    failure = from_status(401, [], b"", wall_s=0)
    assert failure.elsewhere_only
    assert failure.opens_breaker


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{"code":"context_length_exceeded"}}',
        b'{"error":{"message":"This model\'s maximum context length is 8192 tokens."}}',
        b'{"type":"error","error":{"message":"prompt is too long: 210000 tokens > 200000 maximum"}}',
    ],
)
def test_context_window_errors_are_known(body: bytes) -> None:
    """OpenAI's and Anthropic's words for too long a prompt."""
    assert from_status(400, [], body, wall_s=0).context_window


def test_content_policy_errors_are_known() -> None:
    """A refused prompt is told from a bad request."""
    failure = from_status(400, [], b'{"error":{"code":"content_policy_violation"}}', wall_s=0)
    assert (failure.content_policy, failure.context_window) == (True, False)
    assert failure.kind == "ContentPolicyViolationError"


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ([("Retry-After", "7")], b"", 7),
        ([("retry-after-ms", "1500")], b"", 1.5),
        ([("Retry-After", "Thu, 01 Jan 1970 00:01:40 GMT")], b"", 90),
        ([("Retry-After", "nonsense")], b"", None),
        ([("Retry-After", "-5")], b"", None),
        ([], b'{"error":{"metadata":{"headers":{"X-RateLimit-Reset":"25000"}}}}', 15),
        ([], b"", None),
    ],
)
def test_retry_after_in_all_its_forms(
    headers: list[tuple[str, str]], body: bytes, expected: float | None
) -> None:
    """Seconds, milliseconds, a date, OpenRouter's body; nonsense is no wait."""
    assert retry_after(headers, body, wall_s=10) == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2m59.56s", 179.56),
        ("7.66s", 7.66),
        ("120ms", 0.12),
        ("1h2m", 3720),
        ("12", 12),
        ("soon", None),
        ("", None),
    ],
)
def test_resets(text: str, seconds: float | None) -> None:
    """Groq's and OpenAI's way to write a time."""
    assert parse_reset(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"message":"bad","type":"x"}}', "bad"),
        (b'{"detail":"Invalid API Key"}', "Invalid API Key"),
        (b'{"status":429,"title":"Too Many Requests"}', "Too Many Requests"),
        (b'{"error":"You have exceeded your credits"}', "You have exceeded your credits"),
        (b'{"detail":[{"msg":"field required"}]}', "field required"),
        (b"<html><h1>502 Bad Gateway</h1></html>", "502 Bad Gateway"),
        (b"Internal Server Error", "Internal Server Error"),
        (b"", "no message"),
        (b"{}", "no message"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_error_messages_of_any_form(body: bytes, message: str) -> None:
    """Whatever the upstream calls it, the message is found, on one line."""
    assert error_message(body) == message


def test_waits() -> None:
    """None when another is healthy; Retry-After when given; else 0.5 s doubled up to 8 s, with jitter."""
    failure = from_status(500, [], b"", wall_s=0)
    asked = from_status(429, [("retry-after", "9")], b"", wall_s=0)
    long = from_status(429, [("retry-after", "3600")], b"", wall_s=0)

    def wait(number: int, failed: object = failure, *, other: bool = False, luck: float = 0.0) -> float:
        return wait_before(number, failed, other_healthy=other, least_s=0, most_s=60, luck=luck)  # type: ignore[arg-type]

    assert wait(1, asked, other=True) == 0
    assert wait(1, asked) == 9
    assert wait(1, long) == 0.5
    assert [wait(number) for number in (1, 2, 3, 4, 5, 6)] == [0.5, 1, 2, 4, 8, 8]
    assert wait(1, luck=0.5) == 0.875


def test_retry_policy_by_kind() -> None:
    """An own number for a kind of error wins over the default."""
    limited = from_status(429, [], b"", wall_s=0)
    assert retries_for(limited, {}, 2) == 2
    assert retries_for(limited, {"RateLimitError": 5}, 2) == 5
    assert retries_for(limited, {"Default": 1}, 2) == 1


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("timeout", "upstream_timeout"),
        ("connect", "upstream_unreachable"),
        ("dns", "upstream_unreachable"),
        ("tls", "upstream_unreachable"),
        ("reset", "upstream_unreachable"),
        ("malformed", "upstream_malformed"),
    ],
)
def test_failures_without_an_answer(kind: str, code: str) -> None:
    """A call that brought no answer may be tried again."""
    failure = from_provider(ProviderFailure(kind, "x"))  # type: ignore[arg-type]
    assert (failure.code, failure.retryable) == (code, True)
