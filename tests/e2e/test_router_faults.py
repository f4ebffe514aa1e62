"""The fault matrix: what the client gets, what is recorded and what the breaker does for each way to fail.

A real router process, a real upstream process; every case has a model group of its own, so that no breaker is
shared. The upstream fails by the body's member ``x_mock``, which the router passes on like any other.
"""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import MockUpstream, RouterProcess, free_port
from workbench.domain.exchange import Attempt, Exchange
from workbench.settings.home import Home
from workbench.store.store import Reader


@dataclass(frozen=True)
class Case:
    """One way to fail and what comes of it."""

    name: str
    mock: dict[str, Any]
    status: int
    """What the client gets."""
    code: str | None
    """Our error's code; None where the upstream's own answer passes."""
    attempts: int
    breaker: str = "closed"
    attempt_code: str = ""
    """The attempts' own code, where it differs from `code`."""


PLAIN = [
    Case("reset-before", {"fault": "reset-before"}, 503, "upstream_unreachable", 2),
    Case("close-before", {"fault": "close-before"}, 503, "upstream_unreachable", 2),
    Case("first-byte-timeout", {"fault": "hang"}, 504, "upstream_timeout", 2),
    Case("between-timeout", {"fault": "hang-mid"}, 504, "upstream_timeout", 2),
    Case("reset-mid", {"fault": "reset-mid"}, 503, "upstream_unreachable", 2),
    Case("cut", {"fault": "cut"}, 503, "upstream_unreachable", 2),
    Case("400", {"status": 400}, 400, None, 1, attempt_code="upstream_rejected"),
    Case("401", {"status": 401}, 502, "upstream_auth", 1, breaker="open"),
    Case("403", {"status": 403}, 502, "upstream_auth", 1, breaker="open"),
    Case("404", {"status": 404}, 404, None, 1, attempt_code="upstream_rejected"),
    Case("408", {"status": 408}, 504, "upstream_timeout", 2),
    Case("409", {"status": 409}, 502, "upstream_error", 2),
    Case("413", {"status": 413}, 413, None, 1, attempt_code="upstream_rejected"),
    Case("422", {"status": 422}, 422, None, 1, attempt_code="upstream_rejected"),
    Case("429", {"status": 429}, 429, "upstream_rate_limit", 2),
    Case("500", {"status": 500}, 502, "upstream_error", 2),
    Case("502", {"status": 502}, 502, "upstream_error", 2),
    Case("503", {"status": 503}, 502, "upstream_error", 2),
    Case("529", {"status": 529}, 502, "upstream_error", 2),
    Case("empty", {"fault": "empty"}, 502, "upstream_malformed", 2),
    Case("html", {"fault": "html"}, 502, "upstream_malformed", 2),
    Case("html-error", {"fault": "html-error"}, 502, "upstream_error", 2),
    Case("plain-error", {"fault": "plain-error"}, 502, "upstream_error", 2),
    Case("truncated", {"fault": "truncated"}, 502, "upstream_malformed", 2),
    Case("malformed", {"fault": "malformed"}, 502, "upstream_malformed", 2),
    Case("invalid-utf8", {"fault": "invalid-utf8"}, 502, "upstream_malformed", 2),
    Case("error-in-200", {"fault": "error-in-200"}, 502, "upstream_error", 2),
]
BROKEN_STREAMS = [
    Case("s-cut", {"fault": "cut"}, 200, "upstream_unreachable", 1),
    Case("s-reset", {"fault": "reset-mid"}, 200, "upstream_unreachable", 1),
    Case("s-cut-clean", {"fault": "cut-clean"}, 200, "upstream_malformed", 1),
    Case("s-stalled", {"fault": "hang-mid"}, 200, "upstream_timeout", 1),
    Case("s-malformed", {"fault": "malformed"}, 200, "upstream_malformed", 1),
    Case("s-truncated", {"fault": "truncated"}, 200, "upstream_malformed", 1),
    Case("s-invalid-utf8", {"fault": "invalid-utf8"}, 200, "upstream_malformed", 1),
]
WHOLE_STREAMS = ["no-done", "comments", "crlf", "split"]
FAILED_STREAMS = [
    case for case in PLAIN if case.name in {"empty", "html", "error-in-200", "529", "first-byte-timeout"}
]
UNREACHABLE = ["refused", "dns", "tls"]


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockUpstream]:
    made = MockUpstream(tmp_path_factory.mktemp("upstream") / "upstream.log")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def not_tls() -> Iterator[str]:
    """A server that answers a TLS hello in plain HTTP; gives its https address."""

    class Plain(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1024)
            self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Plain) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"https://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def full() -> Iterator[str]:
    """A listener whose queue is full: nobody is ever connected to it."""
    with socket.socket() as listener, contextlib.ExitStack() as fillers:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


@pytest.fixture(scope="module")
def router(
    tmp_path_factory: pytest.TempPathFactory, upstream: MockUpstream, not_tls: str, full: str
) -> Iterator[RouterProcess]:
    home = tmp_path_factory.mktemp("faults") / "home"
    path = home / "infra" / "litellm" / "config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(config(upstream.base_url, not_tls, full))
    process = RouterProcess(home)
    yield process.start()
    process.stop()


def config(base: str, not_tls: str, full: str) -> str:
    """Return a config with one group a case, one retry, short timeouts."""
    streams = [*WHOLE_STREAMS, "big", "tools", "error-in-stream", "dead"]
    names = ["limited"] + [f"p-{case.name}" for case in FAILED_STREAMS]
    names += [case.name for case in PLAIN + BROKEN_STREAMS] + [f"w-{name}" for name in streams]
    places = dict.fromkeys(names, f"{base}/v1")
    places |= {
        "refused": f"http://127.0.0.1:{free_port()}/v1",
        "dns": "http://no-such-host.invalid/v1",
        "tls": not_tls,
        "connect-timeout": full,
        "total-timeout": f"{base}/v1",
    }
    lines = ["model_list:"]
    for name, place in places.items():
        lines += [f'  - model_name: "{name}"', "    litellm_params:", "      model: openai/mock"]
        lines += [f"      api_base: {place}", "      api_key: sk-upstream-0123456789abcdef"]
        lines += ["      timeout: 0.3"] if name == "total-timeout" else []
    lines += ["router_settings:", "  num_retries: 1", "  allowed_fails: 3", "  cooldown_time: 1"]
    lines += ["  connect_timeout: 2", "  first_byte_timeout: 0.6", "  chunk_timeout: 0.6"]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Outcome:
    """What one request brought, seen from both sides."""

    status: int
    headers: dict[str, str]
    body: bytes
    exchange: Exchange
    attempts: list[Attempt]
    recorded: bytes


def ask(router: RouterProcess, model: str, mock: dict[str, Any], **members: Any) -> Outcome:
    message = {"role": "user", "content": "hello"}
    body = {"model": model, "messages": [message], "x_mock": mock, **members}
    status, headers, data = router.post("/v1/chat/completions", body)
    exchange_id = headers["x-workbench-exchange"]
    with Reader.open(Home(router.home).store) as reader:
        return Outcome(
            status,
            headers,
            data,
            reader.exchange(exchange_id),
            reader.attempts(exchange_id),
            reader.body(exchange_id, "response"),
        )


def breaker(router: RouterProcess, group: str) -> str:
    request = urllib.request.Request(f"{router.base_url}/internal/status", headers=router.headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        found = json.load(answer)["groups"]
    (deployment,) = next(entry["deployments"] for entry in found if entry["name"] == group)
    return str(deployment["state"])


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case.name)
def test_a_failing_plain_answer(router: RouterProcess, case: Case):
    """Status and code for the client, every attempt on record with its reason, the breaker's state."""
    outcome = ask(router, case.name, case.mock)
    assert outcome.status == case.status, outcome.body
    assert outcome.recorded == outcome.body
    assert outcome.exchange.status == case.status
    assert len(outcome.attempts) == case.attempts
    assert outcome.headers["x-workbench-attempts"] == str(case.attempts)
    assert all(attempt.error_code == (case.attempt_code or case.code) for attempt in outcome.attempts)
    assert all(attempt.ended_at is not None and attempt.reason for attempt in outcome.attempts)
    error = json.loads(outcome.body)["error"]
    if case.code is None:
        assert error["code"] == f"mock_{case.status}"
    else:
        assert error["code"] == case.code
        assert error["exchange_id"] == outcome.exchange.id
        assert outcome.exchange.error_code == case.code
    assert breaker(router, case.name) == case.breaker


@pytest.mark.parametrize("model", UNREACHABLE)
def test_an_upstream_that_can_not_be_reached(router: RouterProcess, model: str):
    """Refused, unknown name, no TLS: 503, retryable, with Retry-After, and no key in the words."""
    outcome = ask(router, model, {})
    error = json.loads(outcome.body)["error"]
    assert (outcome.status, error["code"], error["retryable"]) == (503, "upstream_unreachable", True)
    assert int(outcome.headers["retry-after"]) >= 1
    assert {attempt.status for attempt in outcome.attempts} == {None}
    assert b"sk-upstream" not in outcome.body


@pytest.mark.parametrize(
    ("model", "mock", "words"),
    [
        ("connect-timeout", {}, "no connection within 2 s"),
        ("first-byte-timeout", {"fault": "hang"}, "no answer within 0.6 s"),
        ("between-timeout", {"fault": "hang-mid"}, "nothing more came for 0.6 s"),
        ("total-timeout", {"fault": "hang-mid"}, "not finished within 0.3 s"),
    ],
)
def test_a_timeout_names_its_stage(router: RouterProcess, model: str, mock: dict[str, Any], words: str):
    """504, retryable; every attempt says which of the four times it was."""
    outcome = ask(router, model, mock)
    error = json.loads(outcome.body)["error"]
    assert (outcome.status, error["code"], error["retryable"]) == (504, "upstream_timeout", True)
    assert words in error["message"]
    assert [attempt.error_code for attempt in outcome.attempts] == ["upstream_timeout"] * 2
    assert all(words in (attempt.error or "") for attempt in outcome.attempts)


def test_a_rate_limit_carries_the_upstreams_retry_after(router: RouterProcess):
    """429 with 2 seconds comes through as 429 with 2 seconds."""
    outcome = ask(router, "limited", {"status": 429, "retry_after": "2"})
    assert (outcome.status, outcome.headers["retry-after"]) == (429, "2")


@pytest.mark.parametrize("case", BROKEN_STREAMS, ids=lambda case: case.name)
def test_a_stream_that_breaks_is_never_a_success(router: RouterProcess, case: Case):
    """It ends with an error event and without [DONE]; it is recorded as failed, with one attempt."""
    outcome = ask(router, case.name, {**case.mock, "chunk_delay_ms": 10}, stream=True)
    assert outcome.status == 200
    assert b"[DONE]" not in outcome.body
    *before, last = outcome.body.strip().split(b"\n\n")
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == case.code
    assert all(json.loads(event.removeprefix(b"data: "))["choices"] for event in before)
    assert outcome.recorded == outcome.body
    assert (outcome.exchange.state, outcome.exchange.error_code) == ("failed", case.code)
    assert [attempt.error_code for attempt in outcome.attempts] == [case.code]


@pytest.mark.parametrize("case", FAILED_STREAMS, ids=lambda case: case.name)
def test_a_stream_that_never_begins_is_answered_like_a_plain_one(router: RouterProcess, case: Case):
    """Nothing went out yet: a whole error with its own status, after every attempt that is due."""
    outcome = ask(router, f"p-{case.name}", case.mock, stream=True)
    assert (outcome.status, json.loads(outcome.body)["error"]["code"]) == (case.status, case.code)
    assert [attempt.error_code for attempt in outcome.attempts] == [case.code] * case.attempts
    assert outcome.exchange.state == "complete"


def test_an_error_inside_a_stream_is_passed_and_recorded(router: RouterProcess):
    """The upstream's own words reach the client; the record says that it was no success."""
    outcome = ask(
        router, "w-error-in-stream", {"fault": "error-in-stream", "chunk_delay_ms": 10}, stream=True
    )
    assert b"the model broke" in outcome.body
    assert b"[DONE]" not in outcome.body
    assert outcome.exchange.error is not None
    assert outcome.exchange.state == "failed"


@pytest.mark.parametrize("fault", WHOLE_STREAMS)
def test_an_odd_stream_that_is_whole_passes(router: RouterProcess, fault: str):
    """No [DONE], comments, CRLF, events in halves: complete, and the same text as ever."""
    outcome = ask(router, f"w-{fault}", {"fault": fault, "chunks": 5}, stream=True)
    assert (outcome.exchange.state, outcome.exchange.error_code) == ("complete", None)
    assert outcome.exchange.finish_reason == "stop"
    text = ""
    for line in outcome.body.replace(b"\r\n", b"\n").split(b"\n"):
        if line.startswith(b"data: {"):
            text += json.loads(line[6:])["choices"][0]["delta"].get("content") or ""
    assert text == "the quick brown fox jumps"
    assert outcome.recorded == outcome.body


@pytest.mark.parametrize("stream", [False, True])
def test_a_ten_megabyte_answer_passes_whole(router: RouterProcess, stream: bool):
    """Every byte, both ways of answering."""
    outcome = ask(router, "w-big", {"size": 10_000_000, "chunks": 50}, stream=stream)
    assert len(outcome.body) > 10_000_000
    assert outcome.recorded == outcome.body
    assert outcome.exchange.state == "complete"


def test_two_thousand_tool_call_deltas_pass_whole(router: RouterProcess):
    """The arguments come together to what the upstream said."""
    outcome = ask(router, "w-tools", {"tool_deltas": 2000}, stream=True)
    events = [json.loads(line[6:]) for line in outcome.body.split(b"\n") if line.startswith(b"data: {")]
    deltas = [event["choices"][0]["delta"] for event in events if event["choices"]]
    calls = [delta["tool_calls"][0]["function"] for delta in deltas if "tool_calls" in delta]
    assert len(json.loads("".join(call["arguments"] for call in calls))["items"]) == 1999
    assert outcome.exchange.tools == ("take",)
    assert outcome.exchange.finish_reason == "tool_calls"


def test_a_dead_group_is_refused_at_once_and_found_again_by_a_probe(router: RouterProcess):
    """Failures open the breaker: 503 with Retry-After, nothing sent; then one probe closes it."""
    for _ in range(4):
        ask(router, "w-dead", {"status": 500})
    assert breaker(router, "w-dead") == "open"
    outcome = ask(router, "w-dead", {})
    error = json.loads(outcome.body)["error"]
    assert (outcome.status, error["code"], error["retryable"]) == (503, "all_deployments_down", True)
    assert outcome.attempts == []
    assert wait_until_probed(router, "w-dead", int(outcome.headers["retry-after"]))
    assert breaker(router, "w-dead") == "closed"


def wait_until_probed(router: RouterProcess, model: str, seconds: int) -> bool:
    deadline = time.monotonic() + seconds + 20
    while time.monotonic() < deadline:
        outcome = ask(router, model, {})
        if outcome.status == 200:
            return "half-open probe" in outcome.attempts[0].reason
        time.sleep(0.2)
    return False


def test_no_case_left_a_key_in_log_or_store(router: RouterProcess):
    """Neither the router's nor the upstream's key stands in a file of the home but config and .env."""
    kept = {router.home / ".env", router.home / "infra" / "litellm" / "config.yaml"}
    for path in router.home.rglob("*"):
        if path.is_file() and path not in kept:
            data = Path(path).read_bytes()
            assert b"sk-upstream-0123456789abcdef" not in data, path
            assert router.key.encode() not in data, path
