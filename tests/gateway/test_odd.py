"""Nearly right requests, answered by nearly right upstreams: never a 500, never a key, never a lost record.

Without sockets, so that a hundred thousand of them take minutes; `tests/e2e/test_router_fuzz.py` has sockets.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.builders import KEY
from tests.gateway.odd import CHAT, EMBEDDINGS, MESSAGES, NEEDS, RESPONSES, Odd
from workbench.providers.demo_author import structured
from workbench.providers.provider import Answer, Call
from workbench.runtime import RouterRuntime
from workbench.settings.home import Home
from workbench.settings.sections import Settings
from workbench.store.store import Reader

UPSTREAM_KEY = "sk-upstream-key-of-the-odd-one"
FEW, MANY = 1_500, 100_000
PATIENCE_S = 60
MODELS = ["echo", "demo", "demo-flaky", "demo-truncating", "chatty", "clauded", "native"]
CONFIG = f"""
general_settings: {{master_key: {KEY}}}
model_list:
  - model_name: chatty
    litellm_params: {{model: openai/up, api_base: "http://127.0.0.1:9/v1", api_key: {UPSTREAM_KEY}}}
    model_info: {{supports_reasoning: true, supported_endpoints: [{CHAT}, /v1/completions, {EMBEDDINGS}]}}
  - model_name: clauded
    litellm_params: {{model: anthropic/up, api_base: "http://127.0.0.1:9", api_key: {UPSTREAM_KEY}}}
  - model_name: native
    litellm_params: {{model: openai/up, api_base: "http://127.0.0.1:9/v1", api_key: {UPSTREAM_KEY}}}
    model_info: {{supported_endpoints: [{RESPONSES}, {MESSAGES}, {CHAT}]}}
router_settings: {{num_retries: 0, allowed_fails: 1000000, cooldown_time: 0}}
"""


class OddUpstream:
    """Stands where the wire does; repeats its key in every error."""

    name = "wire"

    def __init__(self, odd: Odd) -> None:
        self._odd = odd

    async def send(self, call: Call) -> Answer:
        odd = self._odd
        status = odd.one_of(*[200] * 20, 400, 404, 429, 500, 529)
        if status == 200:
            body = odd.answer(call.endpoint, stream=call.stream)
            body = odd.damaged(body) if odd.draw.random() < 0.05 else body
        else:
            told = {"message": f"no, {UPSTREAM_KEY}", "code": odd.json()}
            body = json.dumps(odd.one_of({"error": told}, [told], told)).encode()
        step = odd.one_of(7, 100, 1_000_000)

        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(body), step):
                yield body[start : start + step]

        kind = "text/event-stream" if call.stream and status == 200 else "application/json"
        return Answer(status=status, headers=[("Content-Type", kind)], chunks=chunks())

    async def aclose(self) -> None:
        """Nothing to close."""


class Inside:
    """The application without a server: one request in, status and body out."""

    def __init__(self, runtime: RouterRuntime) -> None:
        self.runtime = runtime

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Return status and body; an answer that is broken off on purpose is what had come of it."""
        given: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]
        status, parts = 0, []

        async def receive() -> Any:
            return given.pop() if given else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            parts.append(message.get("body", b""))

        headers = [(b"authorization", b"Bearer " + KEY.encode())]
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self.runtime.app({**scope, "client": ("test", 1)}, receive, send)  # type: ignore[arg-type]
        except ConnectionAbortedError:
            assert status == 200
        return status, b"".join(parts)


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Inside]:
    home = Home(tmp_path / "home")
    home.config.parent.mkdir(parents=True)
    home.config.write_text(CONFIG)
    async with RouterRuntime(home, Settings(), {}) as runtime:
        yield Inside(runtime)


@pytest.fixture
def no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let demo's streams come at once."""
    from workbench.providers import demo

    monkeypatch.setattr(demo, "_PACE", demo.Pace())


@pytest.mark.parametrize(
    ("seed", "count"), [(1, FEW), pytest.param(2, MANY, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])]
)
@pytest.mark.usefixtures("no_pace")
async def test_nearly_right_on_both_sides(
    inside: Inside, caplog: pytest.LogCaptureFixture, seed: int, count: int
) -> None:
    """Whatever both sides say, the client gets an answer, the exchange is on record, the log is quiet."""
    caplog.set_level(logging.ERROR)
    odd = Odd(seed)
    inside.runtime.gateway.router._providers["wire"] = OddUpstream(odd)  # type: ignore[index]
    for number in range(count):
        path, body = odd.request(MODELS)
        status, answer = await inside.post(path, body)
        seen = f"request {number} of seed {seed}: {path} {body!r}\n-> {status} {answer[:500]!r}\n"
        seen += caplog.text[-3000:]
        assert not caplog.records, seen
        assert status == 200 or b"internal_error" not in answer, seen
        assert KEY.encode() not in answer, seen
        assert UPSTREAM_KEY.encode() not in answer, seen
    assert inside.runtime.gateway.in_flight == 0
    recorder = inside.runtime.gateway.recorder.state
    assert (recorder.unrecorded, recorder.error) == (0, None)
    with Reader.open(inside.runtime.home.store) as store:
        assert store.count() == count


DEEP = "[" * 400 + "]" * 400
UNREADABLE = ["1e999", "1" * 5000, '"\\ud800"', '["\\udc00\\ud800"]']


def bodies(value: str, model: str) -> list[tuple[str, bytes]]:
    """Return a body for each endpoint with `value`, JSON text, in the places that the router looks at."""
    said = f'"model":"{model}","metadata":{value},"stream_options":{value},"thinking":{value}'
    turn = f'"max_tokens":9,"messages":[{{"role":"user","content":{value}}}]'
    inputs = {"prompt": '"x"', "input": f'[{{"role":"user","content":{value}}}]'}
    return [
        (
            path,
            f"{{{said},{turn if needs[0] == 'messages' else f'{needs[0]!r}:{inputs[needs[0]]}'}}}".replace(
                "'", '"'
            ).encode(),
        )
        for path, needs in NEEDS.items()
    ]


@pytest.mark.parametrize("model", ["echo", "demo"])
@pytest.mark.parametrize(
    "value", ["null", "1", "{}", '[null,1,[],{"type":null}]', '[{"type":["text"]}]', DEEP, *UNREADABLE]
)
async def test_any_content_is_an_answer_or_a_refusal(inside: Inside, value: str, model: str) -> None:
    """Null, a number, an object, odd members, nesting, JSON that skims well and can't be read."""
    for path, body in bodies(value, model):
        status, answer = await inside.post(path, body)
        assert status in (200, 400, 422), (path, answer[:300])


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"echo","messages":[],"\xff":1}',
        b'{"model":"echo","messages":[],"max_completion_tokens":' + b"9" * 5000 + b"}",
        b'{"model":"clauded","messages":[],"tools":[{"type":"function","function":{}}],"tool_choice":[1]}',
    ],
)
async def test_what_made_a_500_once(inside: Inside, body: bytes) -> None:
    """A key that is not UTF-8, a number too long to read, a choice that is no word."""
    inside.runtime.gateway.router._providers["wire"] = OddUpstream(Odd(3))  # type: ignore[index]
    status, answer = await inside.post(CHAT, body)
    assert status != 500 or b"internal_error" not in answer


async def test_a_client_cannot_take_the_built_in_groups_from_others(inside: Inside) -> None:
    """What one of them sends may be unreadable: that says nothing about the deployment."""
    bad = b'{"model":"echo","messages":[{"role":"user","content":1e999}]}'
    for _ in range(20):
        assert (await inside.post(CHAT, bad))[0] == 400
    good = b'{"model":"echo","messages":[{"role":"user","content":"hi"}]}'
    assert (await inside.post(CHAT, good))[0] == 200


async def test_dimensions_that_are_no_number_are_not_taken(inside: Inside) -> None:
    """True is an int in Python, and no count of numbers anywhere else."""
    status, answer = await inside.post(EMBEDDINGS, b'{"model":"echo","input":"x","dimensions":true}')
    assert (status, len(json.loads(answer)["data"][0]["embedding"])) == (200, 256)


async def test_vectors_without_end_are_refused(inside: Inside) -> None:
    """Canned vectors are made on the event loop: a request must not stop all others."""
    body = json.dumps({"model": "echo", "input": ["x"] * 5000, "dimensions": 8000}).encode()
    assert (await inside.post(EMBEDDINGS, body))[0] == 400


def test_a_schema_without_end_has_an_example() -> None:
    """Members that refer to the whole, lists of lists: the demo's example stays small."""
    members = {f"m{number}": {"$ref": "#"} for number in range(20)}
    lists: dict[str, Any] = {"type": "string", "minLength": 900_000}
    for _ in range(8):
        lists = {"type": "array", "minItems": 900_000, "items": lists}
    for schema in ({"type": "object", "properties": members}, lists):
        assert len(structured.reply(schema, [])) < 60_000_000
