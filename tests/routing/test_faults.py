"""The fault matrix at the router: what the client gets, what is recorded, how the breaker stands.

Every fault is a real one, made by a real upstream process over a real socket; most are met on both ways
there, directly and by a proxy.
"""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from workbench.domain.conversation import answer
from workbench.providers.provider import Timeouts
from workbench.routing.errors import StreamBroken

from .conftest import CHAT

BEFORE_THE_FIRST_BYTE = {
    "reset-before": "upstream_unreachable",
    "close-before": "upstream_unreachable",
    "hang": "upstream_timeout",
    "html-error": "upstream_error",
    "plain-error": "upstream_error",
    "html": "upstream_malformed",
    "empty": "upstream_malformed",
    "error-in-200": "upstream_error",
}
PLAIN_ONLY = {
    "malformed": "upstream_malformed",
    "truncated": "upstream_malformed",
    "invalid-utf8": "upstream_malformed",
    "cut": "upstream_unreachable",
    "reset-mid": "upstream_unreachable",
    "hang-mid": "upstream_timeout",
}
MID_STREAM = {
    "cut": "upstream_unreachable",
    "cut-clean": "upstream_malformed",
    "truncated": "upstream_malformed",
    "reset-mid": "upstream_unreachable",
    "hang-mid": "upstream_timeout",
    "malformed": "upstream_malformed",
}


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("fault", "code"), BEFORE_THE_FIRST_BYTE.items())
async def test_a_fault_before_the_first_byte_moves_on(
    upstream: Any, bench: Any, fault: str, code: str, stream: bool
) -> None:
    """The next deployment answers; the failed attempt is recorded for what it was."""
    bad = upstream.deployment("bad", order=1, params={"x_mock": {"fault": fault}})
    outcome = await bench(bad, upstream.deployment("good", order=2), num_retries=1).ask({"stream": stream})
    assert (outcome.error, outcome.codes) == (None, [code, None])
    assert outcome.answer.deployment == "good"
    assert answer(CHAT, outcome.body, stream=stream).complete


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("fault", "code"), BEFORE_THE_FIRST_BYTE.items())
async def test_a_fault_of_the_only_deployment_is_told(
    upstream: Any, bench: Any, fault: str, code: str, stream: bool
) -> None:
    """Without another deployment the client gets our error, never an empty success."""
    outcome = await bench(upstream.deployment(params={"x_mock": {"fault": fault}})).ask({"stream": stream})
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.retryable, outcome.codes) == (code, True, [code])
    assert outcome.status in (502, 503, 504)
    assert outcome.body == b""


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("fault", "code"), PLAIN_ONLY.items())
async def test_a_broken_plain_body_is_never_passed_on(
    upstream: Any, bench: Any, fault: str, code: str
) -> None:
    """A plain body is checked whole before its first byte goes out."""
    bad = upstream.deployment("bad", order=1, params={"x_mock": {"fault": fault}})
    alone = await bench(bad).ask()
    assert (alone.error.code, alone.body) == (code, b"")
    outcome = await bench(bad, upstream.deployment("good", order=2), num_retries=1).ask()
    assert (outcome.codes, outcome.answer.deployment) == ([code, None], "good")


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("fault", "code"), MID_STREAM.items())
async def test_a_stream_that_breaks_off_is_never_a_success(
    upstream: Any, bench: Any, fault: str, code: str
) -> None:
    """After the first byte there is no retry: the stream ends with an error, and the attempt says why."""
    slow = {"x_mock": {"fault": fault, "chunk_delay_ms": 20}}
    bad = upstream.deployment("bad", order=1, params=slow)
    made = bench(bad, upstream.deployment("good", order=2), num_retries=3)
    outcome = await made.ask({"stream": True})
    assert isinstance(outcome.error, StreamBroken)
    assert (outcome.error.code, outcome.codes) == (code, [code])
    assert outcome.body.startswith(b"data: {")
    assert b"[DONE]" not in outcome.body
    assert made.state("bad")["failures"] == 1


@pytest.mark.usefixtures("way")
async def test_an_error_inside_a_stream_is_passed_and_counted(upstream: Any, bench: Any) -> None:
    """The client gets the upstream's own error event; the answer is no success."""
    made = bench(upstream.deployment(params={"x_mock": {"fault": "error-in-stream"}}))
    outcome = await made.ask({"stream": True})
    assert b'"error"' in outcome.body
    assert outcome.answer.upstream_error
    assert outcome.codes == ["upstream_error"]
    assert made.state("one")["failures"] == 1


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("fault", ["no-done", "comments", "crlf", "split"])
async def test_odd_but_whole_streams_pass(upstream: Any, bench: Any, fault: str) -> None:
    """No [DONE] after a finish reason, comments, CRLF, events in two writes: whole, byte for byte."""
    outcome = await bench(upstream.deployment(params={"x_mock": {"fault": fault}})).ask(
        {"stream": True, "stream_options": {"include_usage": True}}
    )
    assert (outcome.error, outcome.codes) == (None, [None])
    assert outcome.answer.finish_reason == "stop"
    read = answer(CHAT, outcome.body, stream=True)
    assert read.text == "the quick brown fox jumps over a lazy"
    assert outcome.answer.usage.output_tokens == read.usage.output_tokens
    if fault == "comments":
        assert b"\n: " in outcome.body or outcome.body.startswith(b": ")


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("status", [400, 404, 413, 422])
async def test_errors_about_the_request_pass_untouched(upstream: Any, bench: Any, status: int) -> None:
    """The upstream's own words about the client's request reach the client; nobody else is asked."""
    bad = upstream.deployment("bad", order=1, params={"x_mock": {"status": status}})
    made = bench(bad, upstream.deployment("good", order=2), num_retries=2)
    outcome = await made.ask()
    assert (outcome.error, outcome.status, len(outcome.attempts)) == (None, status, 1)
    assert "error" in json.loads(outcome.body)
    assert outcome.responses[1] == outcome.body
    assert made.state("bad")["state"] == "closed"


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("status", "ours", "code"),
    [
        (401, 502, "upstream_auth"),
        (403, 502, "upstream_auth"),
        (408, 504, "upstream_timeout"),
        (409, 502, "upstream_error"),
        (429, 429, "upstream_rate_limit"),
        (500, 502, "upstream_error"),
        (502, 502, "upstream_error"),
        (503, 502, "upstream_error"),
        (529, 502, "upstream_error"),
    ],
)
async def test_errors_about_the_upstream_become_ours(
    upstream: Any, bench: Any, status: int, ours: int, code: str
) -> None:
    """The upstream's status and words are inside our error; the attempt keeps its body."""
    outcome = await bench(upstream.deployment(params={"x_mock": {"status": status}})).ask()
    assert (outcome.status, outcome.error.code) == (ours, code)
    assert outcome.error.details["upstream_status"] == status
    assert outcome.attempts[1].status == status
    assert outcome.responses[1]


async def test_retry_after_is_forwarded(upstream: Any, bench: Any) -> None:
    """A rate limit says for how long, in the error and in the breaker of a group with others."""
    slow = {"x_mock": {"status": 429, "retry_after": "17"}}
    made = bench(upstream.deployment("a", params=slow), upstream.deployment("b", params=slow))
    outcome = await made.ask()
    assert (outcome.status, outcome.error.retry_after_s, outcome.error.retryable) == (429, 17, True)
    assert sorted(made.state(name)["state"] for name in ("a", "b")) == ["closed", "open"]


async def test_refused_connections(upstream: Any, bench: Any) -> None:
    """Nobody listens: said with the address, and the group is unavailable."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        outcome = await bench(upstream.deployment(api_base=base)).ask()
    assert (outcome.status, outcome.error.code, outcome.error.retryable) == (
        503,
        "upstream_unreachable",
        True,
    )
    assert outcome.error.retry_after_s
    assert "can't be reached" in outcome.error.message


async def test_unknown_names(upstream: Any, bench: Any) -> None:
    """A name that does not resolve is an unreachable upstream, not a crash."""
    outcome = await bench(upstream.deployment(api_base="http://no-such-host.invalid/v1")).ask()
    assert (outcome.status, outcome.codes) == (503, ["upstream_unreachable"])


async def test_addresses_that_are_none(upstream: Any, bench: Any) -> None:
    """A base that is no URL is said, and no exception escapes."""
    for base in ("http://", "http://[::1", "http://host:99999/v1", "ftp://host/v1"):
        outcome = await bench(upstream.deployment(api_base=base)).ask()
        assert outcome.status == 503, base


async def test_a_certificate_nobody_trusts(upstream: Any, bench: Any, tmp_path: Path) -> None:
    """TLS that can't be verified is a failure that names TLS."""
    import asyncio
    import ssl

    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
            *("-days", "1", "-subj", "/CN=localhost"),
            "-keyout",
            key,
            "-out",
            cert,
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        outcome = await bench(upstream.deployment(api_base=f"https://localhost:{port}/v1")).ask()
    assert outcome.status == 503
    assert "TLS" in outcome.error.message


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("stream", [False, True])
async def test_timeouts_name_their_stage(upstream: Any, bench: Any, stream: bool) -> None:
    """No first byte, silence between chunks, and the total are three timeouts with three messages."""
    first = await bench(upstream.deployment(params={"x_mock": {"fault": "hang"}})).ask({"stream": stream})
    assert "no answer within 0.5 s" in first.error.message
    if stream:
        hung = await bench(upstream.deployment(params={"x_mock": {"fault": "hang-mid"}})).ask(
            {"stream": True}
        )
        assert "nothing more came for 0.5 s" in hung.error.message
    total = Timeouts(connect_s=2, first_byte_s=5, between_s=5, total_s=0.6)
    slow = {"x_mock": {"chunks": 100, "chunk_delay_ms": 50, "latency_ms": 0 if stream else 5000}}
    late = await bench(upstream.deployment(params=slow, timeouts=total, stream_timeouts=total)).ask(
        {"stream": stream}
    )
    assert late.error.status == 504
    assert "not finished within 0.6 s" in late.error.message


@pytest.mark.usefixtures("way")
async def test_a_large_answer(upstream: Any, bench: Any) -> None:
    """Ten megabytes come through whole, plain and streamed."""
    for stream in (False, True):
        big = upstream.deployment(params={"x_mock": {"size": 10_000_000, "chunks": 40}})
        outcome = await bench(big).ask({"stream": stream})
        assert outcome.error is None
        assert len(answer(CHAT, outcome.body, stream=stream).text) == 10_000_000


@pytest.mark.usefixtures("way")
async def test_two_thousand_tool_call_deltas(upstream: Any, bench: Any) -> None:
    """A tool call in 2,000 pieces arrives whole, for chat and for both translated dialects."""
    many = upstream.deployment(params={"x_mock": {"tool_deltas": 2000}})
    for endpoint in (CHAT, "/v1/messages", "/v1/responses"):
        outcome = await bench(many).ask({"stream": True, "input": "x"}, endpoint=endpoint)
        assert outcome.error is None, endpoint
        got = answer(endpoint, outcome.body, stream=True)
        assert got.tools == ("take",)
        (call,) = [part for part in got.message.parts if part.kind == "tool_call"]
        assert len(json.loads(call.text)["items"]) == 1999
