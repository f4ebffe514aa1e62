"""Streams cut at every single byte: what is not whole is never presented as a success, in any dialect."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.domain.conversation import answer
from workbench.providers.provider import ANTHROPIC_ENDPOINTS, Answer, Call, Deployment, Secret
from workbench.routing.config import RouterConfig, RoutingSettings
from workbench.routing.router import Router

from .conftest import CHAT, Bench, Outcome

MESSAGES, RESPONSES = "/v1/messages", "/v1/responses"


def _sse(*events: dict[str, Any], named: bool = False) -> bytes:
    lines = []
    for event in events:
        name = f"event: {event['type']}\n" if named else ""
        lines.append(f"{name}data: {json.dumps(event)}\n\n")
    return "".join(lines).encode()


STREAMS = {
    CHAT: _sse(
        {"id": "c", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "hé"}}]},
        {"id": "c", "choices": [{"index": 0, "delta": {"content": "llo"}}]},
        {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"id": "c", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    )
    + b"data: [DONE]\n\n",
    MESSAGES: _sse(
        {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
        named=True,
    ),
    RESPONSES: _sse(
        {"type": "response.created", "response": {"id": "r", "status": "in_progress"}},
        {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "hello"},
        {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": []}},
        named=True,
    ),
}
ENDS = {CHAT: b'"finish_reason": "stop"', MESSAGES: b"message_stop", RESPONSES: b"response.completed"}
"""What an event holds after which the end of a stream is a clean one."""
ENDPOINTS = {
    CHAT: frozenset({CHAT}),
    MESSAGES: ANTHROPIC_ENDPOINTS,
    RESPONSES: frozenset({RESPONSES}),
}


class Script:
    """A provider that answers with given pieces."""

    name = "wire"

    def __init__(self, *pieces: bytes, content_type: str = "text/event-stream") -> None:
        self._pieces = pieces
        self._type = content_type

    async def send(self, call: Call) -> Answer:
        async def chunks() -> AsyncIterator[bytes]:
            for piece in self._pieces:
                yield piece

        return Answer(status=200, headers=[("Content-Type", self._type)], chunks=chunks())

    async def aclose(self) -> None:
        return None


class Scripts:
    """A provider that plays each deployment its own script."""

    name = "wire"

    def __init__(self, **scripts: Script) -> None:
        self._scripts = scripts

    async def send(self, call: Call) -> Answer:
        return await self._scripts[call.deployment.id].send(call)

    async def aclose(self) -> None:
        return None


async def _ask(
    client: str, upstream: str, *pieces: bytes, stream: bool = True, **own: Any
) -> tuple[Outcome, Bench]:
    deployment = Deployment(id="one", group="g", provider="p", model="m", endpoints=ENDPOINTS[upstream])
    config = RouterConfig(deployments=(deployment,), settings=RoutingSettings(num_retries=0))
    made = Bench(Router(config, {"wire": Script(*pieces, **own)}))
    return await made.ask({"stream": stream, "input": "x"}, endpoint=client), made


@pytest.mark.parametrize(
    ("client", "upstream"),
    [
        (CHAT, CHAT),
        (MESSAGES, MESSAGES),
        (RESPONSES, RESPONSES),
        (MESSAGES, CHAT),
        (RESPONSES, CHAT),
        (CHAT, MESSAGES),
        (RESPONSES, MESSAGES),
    ],
)
async def test_a_stream_cut_at_every_byte(client: str, upstream: str) -> None:
    """Success exactly where what came is whole; an error and a failed attempt everywhere else."""
    stream = STREAMS[upstream]
    for cut in range(len(stream) + 1):
        outcome, made = await _ask(client, upstream, stream[:cut])
        state = made.state("one")
        assert state["in_flight"] == 0, cut
        whole = answer(client, outcome.body, stream=True)
        if _is_whole(upstream, cut):
            assert outcome.error is None, cut
            assert (whole.text or "hello").replace("é", "e") == "hello", cut
            assert outcome.codes == [None], cut
            assert client != upstream or outcome.body == _without_usage(stream[:cut], upstream), cut
        else:
            assert outcome.error is not None, cut
            assert outcome.codes == ["upstream_malformed"], cut
            assert state["failures"] == 1, cut
            # A chat answer may have its finish reason already; the error event that follows says the rest.
            assert client == CHAT or not whole.complete, cut


KEY = "plain-key-0123456789"
ERRORS = {
    CHAT: _sse({"error": {"message": f"no more for {KEY}", "code": 503}}),
    MESSAGES: _sse({"type": "error", "error": {"type": "overloaded_error", "message": KEY}}, named=True),
}
WAYS = [(CHAT, CHAT), (MESSAGES, MESSAGES), (MESSAGES, CHAT), (RESPONSES, CHAT), (CHAT, MESSAGES)]


def _two(upstream: str, *pieces: bytes) -> Bench:
    """Return a router whose first deployment says `pieces`, and whose second one is well."""
    both = [
        Deployment(
            id=name,
            group="g",
            provider="p",
            model="m",
            order=order,
            endpoints=ENDPOINTS[upstream],
            api_key=Secret(KEY),
        )
        for order, name in enumerate(("bad", "good"))
    ]
    config = RouterConfig(deployments=tuple(both), settings=RoutingSettings(num_retries=1))
    scripts = Scripts(bad=Script(*pieces), good=Script(STREAMS[upstream]))
    return Bench(Router(config, {"wire": scripts}))


@pytest.mark.parametrize(("client", "upstream"), WAYS)
async def test_a_stream_that_begins_with_an_error_is_asked_for_elsewhere(client: str, upstream: str) -> None:
    """Nothing was said yet, so the next deployment answers, in every dialect; the key is nowhere."""
    outcome = await _two(upstream, ERRORS[upstream]).ask({"stream": True, "input": "x"}, endpoint=client)
    assert (outcome.error, outcome.answer.deployment) == (None, "good")
    assert outcome.codes == ["upstream_error", None]
    assert answer(client, outcome.body, stream=True).complete
    assert KEY not in str(outcome.attempts)


@pytest.mark.parametrize("pieces", [1, 2, 3])
@pytest.mark.parametrize(("client", "upstream"), WAYS)
async def test_an_error_after_words_is_told_after_them(client: str, upstream: str, pieces: int) -> None:
    """Words, the error and the upstream's end, in one read or several: no success, and no key."""
    stream = STREAMS[upstream]
    words = stream.index(b"\n\n", stream.index(b"delta", stream.index(b"\n\n"))) + 2
    ending = stream[stream.rindex(b"\n\n", 0, -2) + 2 :]
    parts = [stream[:words], ERRORS[upstream], ending]
    given = {1: [b"".join(parts)], 2: [parts[0] + parts[1], parts[2]], 3: parts}[pieces]
    outcome = await _two(upstream, *given).ask({"stream": True, "input": "x"}, endpoint=client)
    assert outcome.codes == ["upstream_error"]
    assert outcome.error is not None or outcome.answer.upstream_error
    assert not answer(client, outcome.body, stream=True).complete
    assert b"h" in outcome.body
    assert KEY.encode() not in outcome.body
    assert KEY not in f"{outcome.attempts} {outcome.error} {outcome.answer.upstream_error}"


def _without_usage(stream: bytes, upstream: str) -> bytes:
    """The usage event was asked for by the router, so it is taken out again."""
    *given, last = stream.split(b"\n\n")
    dropped = [event for event in (*given, last) if upstream == CHAT and b'"usage"' in event]
    kept = b"".join(event + b"\n\n" for event in given if event not in dropped)
    return kept + (b"" if last in dropped else last)


def _is_whole(upstream: str, cut: int) -> bool:
    """Whether the first `cut` bytes are whole events, but for the last line end, the ending among them."""
    events = STREAMS[upstream].split(b"\n\n")[:-1]
    *given, last = STREAMS[upstream][:cut].split(b"\n\n")
    seen = [*given, last.rstrip(b"\n")] if last.strip() else given
    return seen == events[: len(seen)] and any(ENDS[upstream] in event for event in seen)


@pytest.mark.parametrize(("client", "upstream"), [(CHAT, CHAT), (MESSAGES, CHAT), (CHAT, MESSAGES)])
@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.lists(st.integers(0, 2000), max_size=20), st.binary(max_size=6), st.integers(0, 2000))
def test_noise_anywhere_never_breaks_the_router(
    client: str, upstream: str, cuts: list[int], noise: bytes, place: int
) -> None:
    """Any bytes anywhere, cut anyhow: an answer or an error of ours, and nothing left in flight."""
    stream = STREAMS[upstream]
    place %= len(stream)
    noisy = stream[:place] + noise + stream[place:]
    edges = [0, *sorted(cut % len(noisy) for cut in cuts), len(noisy)]
    pieces = [noisy[a:b] for a, b in itertools.pairwise(edges) if a != b]
    outcome, made = asyncio.run(_ask(client, upstream, *pieces))
    assert made.state("one")["in_flight"] == 0
    assert len(outcome.attempts) == 1
    assert outcome.attempts[1].ended_at is not None


@pytest.mark.parametrize(
    ("client", "upstream"), [(CHAT, CHAT), (MESSAGES, CHAT), (CHAT, MESSAGES), (RESPONSES, CHAT)]
)
@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    st.binary(max_size=60)
    | st.dictionaries(st.text(max_size=4), st.integers()).map(lambda d: json.dumps(d).encode())
)
def test_any_plain_body_is_an_answer_or_an_error(client: str, upstream: str, body: bytes) -> None:
    """An upstream may answer 200 with anything."""
    outcome, made = asyncio.run(_ask(client, upstream, body, stream=False, content_type="application/json"))
    assert made.state("one")["in_flight"] == 0
    assert (outcome.error is None) == bool(outcome.body)
    if outcome.body:
        assert isinstance(json.loads(outcome.body), dict)
