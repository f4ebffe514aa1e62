"""Requests that nobody should send: whatever comes in, the router answers, and never with a 500 or a key."""

from __future__ import annotations

import json
import socket
import string
from collections.abc import Iterator
from typing import Any, Literal

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.e2e.conftest import MockUpstream, RouterProcess, write_config
from workbench.domain.exchange import Exchange
from workbench.settings.home import Home
from workbench.store.store import Reader
from workbench.store.transfer.copying import chosen
from workbench.store.verification import verify

UPSTREAM_KEY = b"sk-upstream-key-of-the-mock"
FEW, MANY = 300, 10_000
PATHS = [
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/responses",
    "/v1/messages",
    "/v1/messages/count_tokens",
]
MODELS = ["echo", "mock", "nope", ""]
HEADERS = [
    "X-Tenant-ID",
    "X-Workbench-Session",
    "X-Workbench-Run",
    "X-Workbench-Step",
    "X-Workbench-Replay-Of",
    "X-Workbench-Tags",
    "X-Workbench-Playback",
    "X-Request-ID",
    "Accept",
    "anthropic-version",
    "Content-Type",
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
parts = st.sampled_from(
    [
        {"type": "text", "text": "hello"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        {"type": "input_text", "text": "hello"},
        {"type": "tool_use", "id": "t1", "name": "f", "input": {}},
        {"type": "tool_result", "tool_use_id": "t1", "content": "done"},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "done"},
    ]
)
contents = st.text(max_size=30) | st.none() | st.lists(parts | json_values, max_size=3)
messages = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant", "system", "tool", "developer", "odd"]),
        "content": contents,
    },
    optional={
        "name": st.text(max_size=10),
        "tool_call_id": json_values,
        "tool_calls": st.lists(json_values, max_size=2),
    },
)
members: dict[str, st.SearchStrategy[Any]] = {
    "model": st.sampled_from(MODELS) | json_values,
    "messages": st.lists(messages | json_values, max_size=4) | json_values,
    "input": st.text(max_size=30) | st.lists(parts | messages | json_values, max_size=3) | json_values,
    "prompt": st.text(max_size=30) | json_values,
    "system": st.text(max_size=30) | st.lists(parts, max_size=2) | json_values,
    "instructions": json_values,
    "max_tokens": st.integers(-5, 10_000) | json_values,
    "stream": st.booleans() | json_values,
    "stream_options": st.just({"include_usage": True}) | json_values,
    "tools": st.lists(json_values, max_size=3) | json_values,
    "tool_choice": json_values,
    "temperature": st.floats(-2, 5) | json_values,
    "thinking": json_values,
    "reasoning": json_values,
    "metadata": json_values,
}
near_misses = st.fixed_dictionaries(
    {"model": st.sampled_from(["echo", "mock"]), "messages": st.lists(messages, min_size=1, max_size=3)},
    optional={**{name: value for name, value in members.items() if name not in ("model", "messages")}},
)
bodies = st.one_of(
    near_misses.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries({}, optional=members).map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=60),
)
header_values = st.text(string.ascii_letters + string.digits + " ,;:_-/{}\"'%ä", max_size=40).map(str.strip)
extra_headers = st.dictionaries(st.sampled_from(HEADERS), header_values, max_size=3)


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RouterProcess]:
    folder = tmp_path_factory.mktemp("fuzz")
    upstream = MockUpstream(folder / "upstream.log")
    write_config(folder / "home", {"mock": upstream.base_url})
    process = RouterProcess(folder / "home")
    yield process.start()
    process.stop()
    upstream.stop()


@pytest.fixture(scope="module")
def client(router: RouterProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=router.base_url, headers=router.headers, timeout=20) as made:
        yield made


def check(
    router: RouterProcess, client: httpx.Client, path: str, body: bytes, headers: dict[str, str]
) -> None:
    sent = {name: value.encode("utf-8") for name, value in headers.items()}
    try:
        answer = client.post(path, content=body, headers=sent)  # type: ignore[arg-type]
    except httpx.TransportError as error:
        pytest.fail(f"{path} {body!r} {headers}: {error!r}; {router.post_mortem()}")
    if answer.status_code == 500:
        pytest.fail(f"{path} {body!r} {headers}: {answer.text}\n{router.post_mortem()}")
    assert answer.headers["x-workbench-exchange"].startswith("ex_")
    assert router.key.encode() not in answer.content
    assert UPSTREAM_KEY not in answer.content
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert error["message"], answer.text


def everything(store: Reader, exchange: Exchange) -> bytes:
    """All that is recorded of an exchange."""
    attempts = store.attempts(exchange.id)
    sides: list[Literal["request", "response"]] = ["request", "response"]
    bodies = [store.body(exchange.id, side) for side in sides]
    for attempt in attempts:
        bodies += [store.attempt_body(exchange.id, attempt.number, "request")] if attempt.has_request else []
        bodies += (
            [store.attempt_body(exchange.id, attempt.number, "response")] if attempt.has_response else []
        )
    heads = [store.headers(exchange.id, side) for side in sides]
    return b"\n".join([*bodies, repr((heads, attempts, exchange)).encode()])


@pytest.mark.parametrize(
    "examples", [FEW, pytest.param(MANY, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]
)
def test_no_request_makes_a_500_a_hang_or_a_leak(router: RouterProcess, client: httpx.Client, examples: int):
    """Random and nearly right bodies and headers everywhere; afterwards the router is as well as before."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.sampled_from(PATHS), bodies, extra_headers)
    def attack(path: str, body: bytes, headers: dict[str, str]) -> None:
        check(router, client, path, body, headers)

    attack()
    health = client.get("/health").json()
    assert (health["status"], health["in_flight"]) == ("ok", 0)
    secrets = (router.key.encode(), UPSTREAM_KEY)
    with Reader.open(Home(router.home).store) as store:
        recorded = list(chosen(store, ""))
        assert len(recorded) >= min(examples, FEW) // 2
        assert [one.id for one in recorded if any(key in everything(store, one) for key in secrets)] == []
        assert verify(store).sound
    log = (Home(router.home).logs / "router.log").read_bytes()
    assert b"Traceback" not in log
    assert router.key.encode() not in log
    assert UPSTREAM_KEY not in log


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\n" + b"X-Big: " + b"x" * 200_000 + b"\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%00%ff/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://elsewhere/v1/models HTTP/1.1\r\nHost: elsewhere\r\n\r\n",
    ],
)
def test_bytes_that_are_no_request_are_refused_and_harm_nobody(router: RouterProcess, data: bytes):
    """The connection gets an error or is closed; the router answers the next client."""
    with socket.create_connection(("127.0.0.1", router.port), timeout=10) as raw:
        raw.sendall(data)
        raw.shutdown(socket.SHUT_WR)
        try:
            first = raw.recv(65536)
        except ConnectionResetError:
            first = b""
    assert not first.startswith(b"HTTP/1.1 5")
    assert router.chat().startswith("ex_")


@pytest.mark.parametrize("offer", ["h2c", "websocket"])
def test_a_client_that_offers_another_protocol_is_answered_in_this_one(router: RouterProcess, offer: str):
    """Java's HttpClient offers h2c with every request to a plain address; its body is a body all the same."""
    body = json.dumps(
        {"model": "echo", "messages": [{"role": "user", "content": "Upgrade: h2c\r\n"}]}
    ).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {router.key}\r\n"
    head += f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {offer}\r\nHTTP2-Settings: AAMAAABk\r\n"
    with socket.create_connection(("127.0.0.1", router.port), timeout=10) as raw:
        for _ in range(2):
            raw.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = b""
            while not answer.endswith(b"}}"):
                answer += raw.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200")
            assert b'"content":"Upgrade: h2c\\r\\n"' in answer
