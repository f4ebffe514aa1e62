"""The router's promises over real upstreams: bytes, retries, fallbacks, places, records."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest

from workbench.domain.conversation import answer
from workbench.providers.provider import ANTHROPIC_ENDPOINTS, Price
from workbench.routing.builtin import builtin_deployments
from workbench.routing.config import Alias, Fallbacks, RouterConfig, RoutingSettings
from workbench.routing.errors import RouteError
from workbench.routing.values import RouteRequest

from .conftest import CHAT, PATIENT


async def test_bytes_pass_untouched_but_for_the_name(upstream: Any, bench: Any, raw_upstream: Any) -> None:
    """Layout, key order, number forms and unknown members go both ways as they were sent."""
    answered = b'{ "model":"theirs", "choices" : [], "odd": 1.50 ,"e":"\\u00e9"}\n'
    url, received = await raw_upstream(answered)
    body = b'{ "unknown": {"model": "x", "n": 1.50},\n "model" : "g", "messages":[], "e":"\\u00e9" }'
    outcome = await bench(upstream.deployment(api_base=f"{url}/v1")).ask(body)
    assert received == [body.replace(b'"g"', b'"up-one"')]
    assert outcome.body == answered
    assert outcome.requests[1] is None, "only the name differs: nothing more to keep"


async def test_upstreams_are_asked_for_identity_and_get_their_own_key(upstream: Any, bench: Any) -> None:
    """The client's key stays here, the deployment's goes; useful client headers go along."""
    upstream.forget()
    headers = [
        ("Authorization", "Bearer sk-client"),
        ("x-api-key", "sk-client"),
        ("User-Agent", "me/1"),
        ("X-Own", "1"),
    ]
    await bench(upstream.deployment(headers=[("X-Extra", "e")])).ask(headers=headers)
    (seen,) = upstream.requests()
    got = {name.lower(): value for name, value in dict(seen["headers"]).items()}
    assert got["accept-encoding"] == "identity"
    assert got["authorization"] == "Bearer sk-upstream-key-0123456789"
    assert (got["user-agent"], got["x-extra"]) == ("me/1", "e")
    assert "sk-client" not in json.dumps(seen)
    assert "x-own" not in got


@pytest.mark.parametrize("asked", [None, {"include_usage": False}, {"include_usage": True}])
async def test_usage_is_asked_for_and_taken_out_again(upstream: Any, bench: Any, asked: Any) -> None:
    """We always know the usage; the client sees its event only when it asked for it."""
    body: dict[str, Any] = {"stream": True, **({"stream_options": asked} if asked else {})}
    outcome = await bench(upstream.deployment()).ask(body)
    assert (outcome.answer.usage.output_tokens, outcome.answer.usage.estimated) == (8, False)
    assert (b'"usage"' in outcome.body) == (asked == {"include_usage": True})
    assert outcome.body.endswith(b"data: [DONE]\n\n")


async def test_an_upstream_without_usage_is_estimated(upstream: Any, bench: Any) -> None:
    """Estimated and marked so."""
    outcome = await bench(upstream.deployment(params={"x_mock": {"usage": "never"}})).ask({"stream": True})
    assert outcome.answer.usage.estimated
    assert outcome.answer.usage.output_tokens > 0


async def test_the_terminal_event_comes_alone_and_last(upstream: Any, bench: Any) -> None:
    """What ends an answer is announced before it is given, so that it can wait for the commit."""
    streamed = await bench(upstream.deployment()).ask({"stream": True})
    assert streamed.chunks[-1] == b"data: [DONE]\n\n"
    assert streamed.before_end + streamed.chunks[-1] == streamed.body
    plain = await bench(upstream.deployment()).ask()
    assert (plain.before_end, len(plain.chunks)) == (b"", 1)


async def test_cost_comes_from_the_deployments_price(upstream: Any, bench: Any) -> None:
    """Tokens from the wire times own prices."""
    made = bench(upstream.deployment(price=Price(input=0.001, output=0.01)))
    outcome = await made.ask()
    usage = outcome.answer.usage
    assert outcome.answer.cost_usd == pytest.approx(usage.input_tokens * 0.001 + usage.output_tokens * 0.01)
    assert made.state("one")["cost_usd"] == pytest.approx(outcome.answer.cost_usd)


@pytest.mark.parametrize("stream", [False, True])
async def test_cached_and_reasoning_tokens_have_their_own_price(
    upstream: Any, bench: Any, stream: bool
) -> None:
    """100 of the input from the cache, 10 of the output thought: each at its price, in streams too."""
    price = Price(input=0.01, output=0.1, cached=0.0001, reasoning=1.0)
    spoken = {"x_mock": {"cached": 100, "reasoning": 10}}
    outcome = await bench(upstream.deployment(price=price, params=spoken)).ask({"stream": stream})
    usage = outcome.answer.usage
    assert (usage.cached_tokens, usage.reasoning_tokens, usage.estimated) == (100, 10, False)
    fresh, words = usage.input_tokens - 100, usage.output_tokens - 10
    assert outcome.answer.cost_usd == pytest.approx(fresh * 0.01 + 100 * 0.0001 + words * 0.1 + 10 * 1.0)
    assert b'"usage"' not in outcome.body or not stream


async def test_retries_visit_untried_deployments_first(upstream: Any, bench: Any) -> None:
    """Two bad, one good: each is tried once, without a wait, and the reasons tell the story."""
    bad = {"x_mock": {"status": 500}}
    made = bench(
        upstream.deployment("a", order=1, params=bad),
        upstream.deployment("b", order=2, params=bad),
        upstream.deployment("c", order=3),
        num_retries=1,
    )
    outcome = await made.ask()
    assert outcome.answer.deployment == "c"
    assert [outcome.attempts[number].deployment for number in (1, 2, 3)] == ["a", "b", "c"]
    assert outcome.attempts[3].reason.startswith("retry 2, simple-shuffle: the only one open")
    assert [outcome.attempts[number].status for number in (1, 2, 3)] == [500, 500, 200]
    assert all(attempt.ended_at and attempt.latency_ms for attempt in outcome.attempts.values())


async def test_the_only_deployment_is_tried_again_with_backoff(upstream: Any, bench: Any) -> None:
    """One deployment, two retries: three attempts, then its error."""
    made = bench(upstream.deployment(params={"x_mock": {"status": 500}}), num_retries=2)
    clock = _on_own_clock(made)
    outcome = await made.ask()
    assert (outcome.status, len(outcome.attempts)) == (502, 3)
    assert 0.5 <= clock.slept[0] <= 1.25
    assert 1.0 <= clock.slept[1] <= 1.75


def _on_own_clock(made: Any) -> _Clock:
    clock = _Clock()
    made.router._clock = made.router._dispatch._clock = clock
    return clock


class _Clock:
    """Real readings, waits that are only noted."""

    def __init__(self) -> None:
        from workbench.routing.clock import SystemClock

        self._real = SystemClock()
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self._real.monotonic() + sum(self.slept)

    def wall_us(self) -> int:
        return self._real.wall_us()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def test_all_down_then_recovery_by_probe(upstream: Any, bench: Any) -> None:
    """Every breaker open: 503 at once, retryable, with Retry-After; a probe brings the group back."""
    refused = "http://127.0.0.1:9/v1"
    made = bench(
        upstream.deployment("a", api_base=refused),
        upstream.deployment("b", api_base=refused),
        allowed_fails=0,
        num_retries=1,
        cooldown_s=30.0,
    )
    _on_own_clock(made)
    assert (await made.ask()).status == 503
    down = await made.ask()
    assert (down.status, down.error.code, down.error.retryable) == (503, "all_deployments_down", True)
    assert 0 < down.error.retry_after_s <= 30
    assert down.attempts == {}
    await made.router.reload(
        msgspec.structs.replace(
            made.router.config, deployments=(upstream.deployment("a"), upstream.deployment("b"))
        )
    )
    assert (await made.ask()).status == 200


async def test_a_half_open_probe_closes_the_breaker(upstream: Any, bench: Any) -> None:
    """After the cooldown one request goes through, and says that it was the probe."""
    made = bench(upstream.deployment(), allowed_fails=0, cooldown_s=30.0)
    clock = _on_own_clock(made)
    failing = {"x_mock": {"status": 500}}
    assert (await made.ask(failing)).status == 502
    assert (made.state("one")["state"], (await made.ask()).status) == ("open", 503)
    clock.slept.append(31)
    assert made.state("one")["state"] == "half_open"
    outcome = await made.ask()
    assert (outcome.status, made.state("one")["state"]) == (200, "closed")
    assert "half-open probe" in outcome.attempts[1].reason


def _config(**own: Any) -> RouterConfig:
    return RouterConfig(settings=RoutingSettings(num_retries=0), **own)


async def test_fallbacks_follow_an_exhausted_group(upstream: Any, bench: Any) -> None:
    """The next group answers; the answer says who did."""
    bad = upstream.deployment("bad", group="main", params={"x_mock": {"status": 500}})
    good = upstream.deployment("good", group="spare")
    made = bench(bad, good, config=_config(fallbacks=Fallbacks(general={"main": ("spare",)})))
    outcome = await made.ask({"model": "main"})
    assert (outcome.answer.deployment, outcome.answer.group, outcome.answer.attempts) == ("good", "spare", 2)


async def test_the_first_groups_error_is_told_when_fallbacks_fail_too(upstream: Any, bench: Any) -> None:
    """Loops end, each group is tried once, and the client hears about what it asked for."""
    one = upstream.deployment("one", group="a", params={"x_mock": {"status": 503}})
    two = upstream.deployment("two", group="b", params={"x_mock": {"status": 401}})
    chains = Fallbacks(general={"a": ("b", "a"), "b": ("a",)}, default=("b",))
    outcome = await bench(one, two, config=_config(fallbacks=chains)).ask({"model": "a"})
    assert (outcome.error.code, outcome.error.details["upstream_status"], outcome.error.attempts) == (
        "upstream_error",
        503,
        2,
    )


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("message", "answers"),
    [
        ("This model's maximum context length is 8192 tokens", "large"),
        ("flagged by our content policy", "lenient"),
        ("messages: a role is missing", "small"),
    ],
)
async def test_fallbacks_by_what_a_400_says(
    upstream: Any, bench: Any, message: str, answers: str, stream: bool
) -> None:
    """Too long a prompt goes to the larger model, refused content to another; a bad request nowhere."""
    small = upstream.deployment("small", group="s", params={"x_mock": {"status": 400, "message": message}})
    chains = Fallbacks(general={"s": ("x",)}, context_window={"s": ("l",)}, content_policy={"s": ("c",)})
    others = [upstream.deployment("large", group="l"), upstream.deployment("lenient", group="c")]
    made = bench(small, *others, config=_config(fallbacks=chains))
    outcome = await made.ask({"model": "s", "stream": stream})
    assert (outcome.status, outcome.answer.deployment) == (400 if answers == "small" else 200, answers)
    assert [attempt.deployment for attempt in outcome.attempts.values()] == list(
        dict.fromkeys(["small", answers])
    )
    assert made.state("small")["state"] == "closed"


async def test_aliases_and_unknown_models(upstream: Any, bench: Any) -> None:
    """An alias is the group; an unknown name is 404 with the nearest ones."""
    made = bench(upstream.deployment(), config=_config(aliases={"gpt-4": Alias("g")}))
    assert (await made.ask({"model": "gpt-4"})).status == 200
    unknown = await made.ask({"model": "gpt-44"})
    assert (unknown.status, unknown.error.code) == (404, "model_not_found")
    assert "gpt-4" in unknown.error.details["near"]


async def test_no_model_means_the_default(upstream: Any, bench: Any) -> None:
    """A request without a model goes to the default group; without a default that is said."""
    body = b'{"messages":[{"role":"user","content":"x"}]}'
    assert (await bench(upstream.deployment(), config=_config(default_model="g")).ask(body)).status == 200
    assert (await bench(upstream.deployment()).ask(body)).error.code == "model_required"


async def test_disabled_deployments_say_why(upstream: Any, bench: Any) -> None:
    """A group whose key is missing is switched off, with the reason."""
    off = upstream.deployment(enabled=False, disabled_reason="OPENAI_API_KEY is not set")
    outcome = await bench(off).ask()
    assert (outcome.status, outcome.error.code, outcome.error.retryable) == (503, "model_disabled", False)
    assert "OPENAI_API_KEY is not set" in outcome.error.message


async def test_bursts_wait_for_a_place(upstream: Any, bench: Any) -> None:
    """One place, four requests at once: a short queue serves them all, one after the other."""
    made = bench(upstream.deployment(max_parallel=1, params={"x_mock": {"latency_ms": 30}}), queue_s=10.0)
    outcomes = await asyncio.gather(*(made.ask() for _ in range(4)))
    assert [outcome.status for outcome in outcomes] == [200] * 4
    assert made.state("one")["in_flight"] == 0


async def test_a_full_queue_is_a_429_that_names_the_limit(upstream: Any, bench: Any) -> None:
    """Which limit, how much is used, when it frees."""
    made = bench(upstream.deployment(rpm=1), queue_s=0.05)
    assert (await made.ask()).status == 200
    outcome = await made.ask()
    assert (outcome.status, outcome.error.code, outcome.error.retryable) == (429, "rate_limit", True)
    assert (outcome.error.details["limit"], outcome.error.details["max"], outcome.error.details["used"]) == (
        "rpm",
        1,
        1,
    )
    assert 1 <= outcome.error.retry_after_s <= 61


async def test_a_limited_deployment_is_passed_over(upstream: Any, bench: Any) -> None:
    """Another deployment with room takes the request at once."""
    made = bench(upstream.deployment("a", rpm=1, order=1), upstream.deployment("b", order=2))
    assert [(await made.ask()).answer.deployment for _ in range(3)] == ["a", "b", "b"]


async def test_a_client_that_leaves_ends_the_upstream_call(upstream: Any, bench: Any) -> None:
    """Closing the answer closes the connection, frees the place, and is nobody's failure."""
    slow = upstream.deployment(params={"x_mock": {"chunks": 1000, "chunk_delay_ms": 20}})
    made = bench(slow)
    request = RouteRequest(
        exchange_id="ex_1",
        endpoint=CHAT,
        body=b'{"model":"g","stream":true,"messages":[]}',
        model="g",
        stream=True,
    )
    seen: list[Any] = []
    given = await made.router.send(request, lambda attempt, sent, got: seen.append((attempt, sent, got)))
    await anext(given.chunks)
    assert made.state("one")["in_flight"] == 1
    await given.aclose()
    await given.aclose()
    assert seen[-1][0].error_code == "client_left"
    state = made.state("one")
    assert (state["in_flight"], state["failures"], state["state"]) == (0, 0, "closed")


async def test_a_client_that_leaves_before_the_head(upstream: Any, bench: Any) -> None:
    """Cancelling the call while the upstream thinks frees everything too."""
    made = bench(upstream.deployment(params={"x_mock": {"fault": "hang"}}))
    task = asyncio.create_task(made.ask())
    while not made.state("one")["in_flight"]:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (made.state("one")["in_flight"], made.state("one")["failures"]) == (0, 0)


async def test_a_client_that_leaves_while_the_answer_is_checked(upstream: Any, bench: Any) -> None:
    """Between the head and the last byte of a plain body: the upstream sees its connection closed."""
    upstream.forget()
    slow = upstream.deployment(
        params={"x_mock": {"fault": "hang-mid"}}, timeouts=PATIENT, stream_timeouts=PATIENT
    )
    made = bench(slow)
    task = asyncio.create_task(made.ask())
    while not await asyncio.to_thread(upstream.requests):
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (made.state("one")["in_flight"], made.state("one")["failures"]) == (0, 0)
    outcomes: list[str] = []
    for _ in range(200):
        outcomes = [seen["outcome"] for seen in await asyncio.to_thread(upstream.requests)]
        if outcomes == ["client left"]:
            break
        await asyncio.sleep(0.02)
    assert outcomes == ["client left"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("endpoint", [CHAT, "/v1/messages", "/v1/responses", "/v1/completions"])
@pytest.mark.parametrize("kind", ["chat", "anthropic", "demo", "echo"])
async def test_every_client_over_every_upstream(
    upstream: Any, bench: Any, endpoint: str, stream: bool, kind: str
) -> None:
    """Four client dialects over chat and Anthropic upstreams, demo and echo: whole answers with usage."""
    if kind in ("demo", "echo"):
        deployment = msgspec.structs.replace(
            next(entry for entry in builtin_deployments(()) if entry.group == kind), group="g"
        )
    elif kind == "anthropic":
        deployment = upstream.deployment(
            provider="anthropic",
            endpoints=ANTHROPIC_ENDPOINTS,
            api_base=upstream.url,
            wire={"auth": "x-api-key"},
        )
    else:
        deployment = upstream.deployment(endpoints=frozenset({CHAT}))
    body = {"stream": stream, "max_tokens": 50, "prompt": "hi there", "input": "hi there"}
    outcome = await bench(deployment).ask(body, endpoint=endpoint)
    assert outcome.error is None
    got = answer(endpoint, outcome.body, stream=stream)
    assert got.complete
    assert got.text
    assert outcome.answer.usage.output_tokens
    translated = endpoint not in deployment.endpoints
    assert bool(outcome.requests[1]) == translated
    assert bool(outcome.responses[1]) == translated


async def test_embeddings_and_what_can_not_be_translated(upstream: Any, bench: Any) -> None:
    """Embeddings pass; a chat-only upstream says that it has none."""
    good = await bench(upstream.deployment()).ask({"input": "x"}, endpoint="/v1/embeddings")
    assert json.loads(good.body)["data"]
    chat_only = bench(upstream.deployment(endpoints=frozenset({CHAT})))
    stored = await chat_only.ask({"input": "x", "previous_response_id": "resp_1"}, endpoint="/v1/responses")
    assert (stored.status, stored.error.code, stored.error.param) == (
        400,
        "untranslatable",
        "previous_response_id",
    )
    none = await bench(upstream.deployment(endpoints=frozenset({CHAT}))).ask(
        {"input": "x"}, endpoint="/v1/embeddings"
    )
    assert (none.status, none.error.code) == (400, "unsupported_endpoint")


async def test_count_tokens_is_estimated_where_nobody_counts(upstream: Any, bench: Any) -> None:
    """An Anthropic client over a chat upstream still gets a number, marked as an estimate."""
    outcome = await bench(upstream.deployment()).ask(endpoint="/v1/messages/count_tokens")
    assert json.loads(outcome.body)["input_tokens"] >= 1
    assert ("X-Workbench-Estimated", "true") in outcome.answer.headers


async def test_an_upstream_that_refuses_stream_options(upstream: Any, bench: Any, plain_server: Any) -> None:
    """Rejected because of the member we put in: sent again without it, and remembered."""
    url, paths = plain_server
    made = bench(upstream.deployment(api_base=f"{url}/v1"))
    for _ in range(2):
        outcome = await made.ask({"stream": True})
        assert (outcome.status, outcome.answer.usage.estimated) == (200, True)
        assert answer(CHAT, outcome.body, stream=True).text == "yes"
    assert paths == ["/v1/chat/completions"] * 3


async def test_an_upstream_without_responses_is_translated_from_then_on(
    upstream: Any, bench: Any, plain_server: Any
) -> None:
    """404 for /v1/responses from a server that looks like OpenAI's: asked again as chat, and remembered."""
    url, paths = plain_server
    endpoints = frozenset({CHAT, "/v1/responses"})
    made = bench(upstream.deployment(api_base=f"{url}/v1", endpoints=endpoints))
    for _ in range(2):
        outcome = await made.ask({"input": "hi"}, endpoint="/v1/responses")
        assert answer("/v1/responses", outcome.body, stream=False).text == "yes"
    assert paths == ["/v1/responses", "/v1/chat/completions", "/v1/chat/completions"]


async def test_bodies_that_are_no_objects(upstream: Any, bench: Any) -> None:
    """Malformed bodies are refused with a place, and nothing goes upstream."""
    upstream.forget()
    request = RouteRequest(exchange_id="ex_1", endpoint=CHAT, body=b'{"model": "g", ', model="g")
    with pytest.raises(RouteError) as caught:
        await bench(upstream.deployment()).router.send(request, lambda *_: None)
    assert (caught.value.status, caught.value.code) == (400, "invalid_json")
    assert upstream.requests() == []


async def test_many_at_once(upstream: Any, bench: Any) -> None:
    """A hundred plain and streaming requests at once: all whole, nothing left in flight."""
    made = bench(upstream.deployment("a"), upstream.deployment("b"))
    outcomes = await asyncio.gather(*(made.ask({"stream": bool(number % 2)}) for number in range(100)))
    assert {outcome.status for outcome in outcomes} == {200}
    assert all(
        answer(CHAT, outcome.body, stream=bool(number % 2)).complete
        for number, outcome in enumerate(outcomes)
    )
    assert made.state("a")["in_flight"] == made.state("b")["in_flight"] == 0
