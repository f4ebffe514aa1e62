"""Errors in the dialect of whoever asked."""

import json

import pytest

from workbench.gateway import problems
from workbench.gateway.problems import Problem
from workbench.gateway.sse import error_events

LIMIT = Problem(
    429,
    "rate_limit",
    "too many requests",
    retryable=True,
    retry_after=2.2,
    details={"limit": "rpm", "used": 61},
)


def test_openais_error_has_its_members_and_ours():
    """SDKs find message, type, param and code where they look for them; ours stand beside."""
    assert LIMIT.document("openai", "ex_1") == {
        "error": {
            "message": "too many requests",
            "type": "rate_limit_error",
            "param": None,
            "code": "rate_limit",
            "retryable": True,
            "exchange_id": "ex_1",
            "retry_after": 2.2,
            "limit": "rpm",
            "used": 61,
        }
    }


def test_anthropics_error_is_wrapped_as_its_clients_expect():
    """`type: error` outside, Anthropic's kind inside, the exchange as request_id."""
    document = LIMIT.document("anthropic", "ex_1")
    assert document["type"] == "error"
    assert document["request_id"] == "ex_1"
    assert document["error"]["type"] == "rate_limit_error"
    assert document["error"]["code"] == "rate_limit"


def test_retry_after_is_whole_seconds_rounded_up():
    """Retry-After knows no fractions, and earlier would be too early."""
    assert (b"retry-after", b"3") in LIMIT.headers()


@pytest.mark.parametrize(("retryable", "told"), [(True, False), (False, True)])
def test_sdks_are_told_not_to_retry_what_can_not_work(retryable: bool, told: bool):
    """The SDKs retry 429 and 5xx unless ``x-should-retry`` is false."""
    lines = Problem(429, "budget", "spent", retryable=retryable).headers()
    assert ((b"x-should-retry", b"false") in lines) is told


def test_a_refused_key_says_how_to_send_one():
    """401 carries WWW-Authenticate and names both headers."""
    problem = problems.unauthorized()
    assert (b"www-authenticate", b"Bearer") in problem.headers()
    assert "x-api-key" in problem.message


def test_a_broken_stream_ends_with_an_error_event_and_no_terminal_event():
    """Each dialect's client sees an error, none sees the stream complete."""
    problem = Problem(502, "upstream_broken", "cut off")
    chat = error_events("openai", problem, "ex_1")
    assert json.loads(chat.removeprefix(b"data: "))["error"]["code"] == "upstream_broken"
    assert b"[DONE]" not in chat
    messages = error_events("anthropic", problem, "ex_1")
    assert messages.startswith(b"event: error\ndata: ")
    assert b"message_stop" not in messages
    responses = error_events("responses", problem, "ex_1")
    names = [line for line in responses.split(b"\n") if line.startswith(b"event: ")]
    assert names == [b"event: error", b"event: response.failed"]
    assert all(part.endswith(b"}") for part in responses.strip().split(b"\n\n"))
