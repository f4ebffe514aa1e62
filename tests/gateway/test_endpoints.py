"""What a body must have, and what the answer says when it does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.gateway.endpoints import BY_PATH, Wish, read_wish
from workbench.gateway.problems import Problem

CHAT = BY_PATH["/v1/chat/completions"]


def problem_of(body: bytes, path: str = "/v1/chat/completions") -> Problem:
    with pytest.raises(Problem) as caught:
        read_wish(BY_PATH[path], body)
    return caught.value


def test_every_endpoint_answers_without_v1_too():
    """Clients configured with a bare base URL find the same endpoints."""
    for path in (
        "chat/completions",
        "completions",
        "embeddings",
        "responses",
        "messages",
        "messages/count_tokens",
    ):
        assert BY_PATH[f"/{path}"] is BY_PATH[f"/v1/{path}"]


def test_model_and_stream_are_read_and_the_rest_is_not_looked_at():
    """Unknown members of any type pass."""
    body = b'{"model":"m","stream":true,"messages":[{"role":"user","content":{"odd":[1]}}],"new":{"x":null}}'
    assert read_wish(CHAT, body) == Wish(model="m", stream=True)


def test_a_body_without_model_or_stream_asks_for_the_default():
    """No model means the default group, no stream means a plain answer."""
    assert read_wish(CHAT, b'{"messages":[]}') == Wish(model=None, stream=False)
    assert read_wish(CHAT, b'{"model":"","stream":null,"messages":[]}') == Wish(model=None, stream=False)


def test_an_endpoint_that_can_not_stream_does_not():
    """`stream` in an embeddings request changes nothing."""
    assert not read_wish(BY_PATH["/v1/embeddings"], b'{"input":"x","stream":true}').stream


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nope", b"\xff\xfe", b'{"messages":[]}}', b'{"model":"\\ud800","messages":[]}']
)
def test_what_is_not_json_is_400(body: bytes):
    """Broken JSON, no JSON and broken UTF-8 are all refused with a reason."""
    problem = problem_of(body)
    assert (problem.status, problem.code, problem.param) == (400, "invalid_json", "$")


def test_a_body_nested_too_deeply_is_400():
    """A hundred thousand brackets are no way to stop the router."""
    assert problem_of(b'{"messages":[],"deep":' + b"[" * 100_000).status == 400


@pytest.mark.parametrize(
    ("body", "path", "param"),
    [
        (b"[]", "/v1/chat/completions", "$"),
        (b"{}", "/v1/chat/completions", "$"),
        (b'{"model":1,"messages":[]}', "/v1/chat/completions", "$.model"),
        (b'{"messages":"hello"}', "/v1/chat/completions", "$.messages"),
        (b'{"messages":[{"role":"user"},{"role":5}]}', "/v1/chat/completions", "$.messages[1].role"),
        (b'{"messages":[{"role":"user"},{"role":"user"},3]}', "/v1/chat/completions", "$.messages[2]"),
        (b'{"messages":[],"stream":"yes"}', "/v1/chat/completions", "$.stream"),
        (b'{"messages":[],"max_tokens":"many"}', "/v1/messages", "$.max_tokens"),
        (b'{"input":5}', "/v1/responses", "$.input"),
        (b'{"input":null}', "/v1/embeddings", "$.input"),
        (b'{"model":"m"}', "/v1/completions", "$"),
    ],
)
def test_a_wrong_member_is_422_with_its_path(body: bytes, path: str, param: str):
    """The path names the very element, not only its list."""
    problem = problem_of(body, path)
    assert (problem.status, problem.param) == (422, param)
    assert param in problem.message


@given(st.binary(max_size=200), st.sampled_from(sorted(BY_PATH)))
def test_any_bytes_are_a_wish_or_a_problem(body: bytes, path: str):
    """Nothing a client sends is a crash."""
    try:
        outcome: Wish | int = read_wish(BY_PATH[path], body)
    except Problem as problem:
        outcome = problem.status
    assert isinstance(outcome, Wish) or outcome in (400, 422)
