"""Requests and answers that are nearly right: every dialect's shapes, with any JSON in any place.

One `random.Random` makes everything, so a seed is enough to see a failure again.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

CHAT, COMPLETIONS, EMBEDDINGS = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
RESPONSES, MESSAGES, COUNT = "/v1/responses", "/v1/messages", "/v1/messages/count_tokens"


def _words(text: str) -> list[str]:
    return text.split()


NEEDS = {
    CHAT: ("messages",),
    COMPLETIONS: ("prompt",),
    EMBEDDINGS: ("input",),
    RESPONSES: ("input",),
    MESSAGES: ("messages", "max_tokens"),
    COUNT: ("messages",),
}
SCALARS = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2**31,
    2**63,
    2**64,
    -(2**80),
    1e308,
    -0.0,
    1.5,
    "",
    "a",
    "\0",
    "\u2028",
]
SCALARS += ["😀", "data:image/png;base64,AAAA", "auto", "none", "required", "{}", "{", "[1]", "null", "high"]
NAMES = _words("""
    type text content name id input arguments function parameters input_schema role tool_calls image_url
    url source data media_type file file_data call_id output tool_use_id effort budget_tokens format
    schema index json_schema delta message choices usage error code status summary include_usage tags
    user_id description properties enum $ref anyOf items minItems maxLength prompt_tokens
    completion_tokens cached_tokens refusal finish_reason stop_reason reasoning_content title detail
    thinking is_error unknown
""")
TYPES = _words("""
    text image_url image input_text output_text input_image input_file file document tool_use
    tool_result function_call function_call_output custom_tool_call custom_tool_call_output reasoning
    message thinking refusal input_audio search_result item_reference function custom web_search auto
    any tool json_schema json_object enabled adaptive compaction
""")
OTHERS = _words("""
    stream_options tools tool_choice temperature top_p top_k stop n user system instructions thinking
    reasoning reasoning_effort response_format text metadata previous_response_id dimensions suffix
    encoding_format max_completion_tokens max_output_tokens max_tokens parallel_tool_calls stream
""")
ARGUMENTS = ["{}", "{", '{"a":1}', "[1]", "", '{"a":"\\ud800"}']
TEXTS = [
    "hi",
    "what is the weather in Paris?",
    "2+2",
    "",
    '[workbench kind=plan recipe=r path="\\q" nonce=n]',
]
_LATER = Callable[[], Any]


class Odd:
    """Makes odd things; `draw` is where all chance comes from."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def json(self, depth: int = 0) -> Any:
        kind = self.draw.random()
        if depth > 3 or kind < 0.5:
            return self.draw.choice(SCALARS)
        if kind < 0.75:
            return [self.json(depth + 1) for _ in range(self.draw.randrange(4))]
        return {self.draw.choice(NAMES): self.json(depth + 1) for _ in range(self.draw.randrange(4))}

    def shaped(self, right: float = 0.8, /, **members: Any) -> dict[str, Any]:
        """Return an object: each member right, or any JSON, or missing; now and then one that is unknown."""
        made: dict[str, Any] = {}
        for name, value in members.items():
            chance = self.draw.random()
            if chance < right:
                made[name] = value() if callable(value) else value
            elif chance < right + (1 - right) / 2:
                made[name] = self.json()
        if self.draw.random() < 0.1:
            made[self.draw.choice(NAMES)] = self.json()
        return made

    def several(self, one: _LATER, most: int = 3) -> list[Any]:
        return [one() for _ in range(self.draw.randrange(most + 1))]

    def one_of(self, *values: Any) -> Any:
        value = self.draw.choice(values)
        return value() if callable(value) else value

    def text(self) -> str:
        return self.draw.choice(TEXTS)

    def part(self) -> Any:
        source = {"type": "base64", "media_type": "image/png", "data": "AAAA", "url": "http://x/y"}
        return self.shaped(
            self.one_of(0.3, 0.6, 0.95),
            type=self.draw.choice(TYPES),
            text=self.text,
            image_url=lambda: self.one_of("http://x/y.png", {"url": "data:image/png;base64,AAAA"}),
            source=lambda: self.shaped(**{**source, "type": self.one_of("base64", "url", "text", "file")}),
            id="t1",
            name="f",
            input=dict,
            tool_use_id="t1",
            content=lambda: self.one_of(self.text, lambda: [self.part()], None),
            call_id="c1",
            arguments=lambda: self.draw.choice(ARGUMENTS),
            output=lambda: self.one_of(self.text, lambda: [self.part()]),
            file=lambda: {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"},
        )

    def call(self) -> Any:
        function = lambda: self.shaped(name="f", arguments=lambda: self.draw.choice(ARGUMENTS))  # noqa: E731
        return self.shaped(id="c1", type="function", index=0, function=function)

    def message(self) -> Any:
        return self.shaped(
            0.9,
            role=lambda: self.one_of("user", "assistant", "system", "tool", "developer", "odd"),
            content=lambda: self.one_of(self.text, None, lambda: self.several(self.part), self.json),
            tool_call_id="c1",
            tool_calls=lambda: self.several(self.call),
        )

    def tool(self) -> Any:
        function = lambda: self.shaped(name="get_weather", parameters=self.json, description="d")  # noqa: E731
        return self.shaped(
            type=lambda: self.draw.choice(TYPES),
            name="get_weather",
            function=function,
            input_schema=self.json,
            parameters=self.json,
        )

    def member(self, name: str) -> Any:
        choice = {"type": "function", "name": "get_weather", "function": {"name": "get_weather"}}
        makers: dict[str, tuple[Any, ...]] = {
            "messages": (lambda: self.several(self.message), lambda: [self.message()], self.json),
            "input": (
                self.text,
                lambda: self.several(self.part),
                lambda: self.several(self.message),
                self.json,
            ),
            "prompt": (self.text, lambda: [self.text()], self.json),
            "system": (self.text, lambda: [self.part()], self.json),
            "max_tokens": (1, 10, 5000, -1, 2**70),
            "stream": (True, True, False, None),
            "stream_options": ({"include_usage": True}, {}, self.json),
            "tools": (lambda: self.several(self.tool), self.json),
            "tool_choice": ("auto", "none", "required", "any", choice, {**choice, "type": "tool"}, self.json),
            "thinking": ({"type": "enabled", "budget_tokens": 1024}, {"type": "adaptive"}, self.json),
            "reasoning": ({"effort": "high"}, lambda: {"effort": self.json()}, self.json),
            "response_format": (
                lambda: {"type": "json_schema", "json_schema": {"schema": self.json()}},
                self.json,
            ),
            "metadata": ({"tags": ["a"]}, lambda: {"tags": self.json(), "user_id": self.json()}, self.json),
            "encoding_format": ("base64", "float", self.json),
        }
        return self.one_of(*makers.get(name, (self.json,)))

    def request(self, models: list[str]) -> tuple[str, bytes]:
        """Return an endpoint and a body for it; one in twenty is damaged."""
        path = self.draw.choice(list(NEEDS))
        body: dict[str, Any] = {"model": self.draw.choice(models), "stream": self.draw.random() < 0.5}
        names = [*NEEDS[path], *self.draw.choices(OTHERS, k=self.draw.randrange(6))]
        raw = json.dumps(body | {name: self.member(name) for name in names}).encode()
        return path, self.damaged(raw) if self.draw.random() < 0.05 else raw

    def damaged(self, raw: bytes) -> bytes:
        """Return the bytes cut off, or with some of them changed."""
        if self.draw.random() < 0.3:
            return raw[: self.draw.randrange(len(raw))]
        damaged = bytearray(raw)
        for _ in range(self.draw.randrange(1, 4)):
            damaged[self.draw.randrange(len(damaged))] = self.draw.randrange(256)
        return bytes(damaged)

    def answer(self, endpoint: str, *, stream: bool) -> bytes:
        """Return an upstream's nearly right answer."""
        if endpoint == MESSAGES:
            return self._messages(stream=stream)
        if endpoint == RESPONSES:
            return self._responses(stream=stream)
        if endpoint == EMBEDDINGS:
            return json.dumps(self.shaped(data=[{"embedding": [1]}], usage=self.json)).encode()
        if not stream:
            return json.dumps(self._chat("message")).encode()
        events = [self._chat("delta") for _ in range(self.draw.randrange(1, 6))]
        last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        return b"".join(_event(event) for event in [*events, last]) + b"data: [DONE]\n\n"

    def _chat(self, said: str) -> Any:
        figures = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
        words = lambda: self.shaped(  # noqa: E731
            role="assistant",
            content=lambda: self.one_of("hi", None, [{"type": "text", "text": "x"}], self.json),
            reasoning_content=lambda: self.one_of("r", None),
            tool_calls=lambda: self.several(self.call),
        )
        finish = lambda: self.one_of("stop", "length", "tool_calls", None)  # noqa: E731
        choice = lambda: self.shaped(0.9, index=0, finish_reason=finish, text="t", **{said: words})  # noqa: E731
        usage = lambda: self.shaped(**figures, prompt_tokens_details=self.json)  # noqa: E731
        return self.shaped(
            0.95, id="chatcmpl-1", created=1, model="m", choices=lambda: self.several(choice, 2), usage=usage
        )

    def _messages(self, *, stream: bool) -> bytes:
        usage = lambda: self.shaped(input_tokens=3, output_tokens=2, cache_read_input_tokens=1)  # noqa: E731
        whole = lambda: self.shaped(  # noqa: E731
            0.95,
            id="msg_1",
            type="message",
            role="assistant",
            content=lambda: self.several(self.part),
            stop_reason=lambda: self.one_of("end_turn", "tool_use", None),
            usage=usage,
        )
        if not stream:
            return json.dumps(whole()).encode()
        kinds = ("message_start", "content_block_start", "content_block_delta", "message_delta", "ping")
        delta = lambda: self.shaped(  # noqa: E731
            type=lambda: self.one_of("text_delta", "input_json_delta", "thinking_delta"),
            text="x",
            partial_json="{}",
            thinking="t",
            stop_reason="end_turn",
        )
        event = lambda: self.shaped(  # noqa: E731
            0.9,
            type=self.draw.choice(kinds),
            index=lambda: self.one_of(0, 1, self.json),
            message=whole,
            content_block=self.part,
            delta=delta,
            usage=usage,
        )
        return b"".join(map(_event, [*self.several(event, 6), {"type": "message_stop"}]))

    def _responses(self, *, stream: bool) -> bytes:
        whole = lambda: self.shaped(  # noqa: E731
            0.95, id="r", status="completed", output=lambda: self.several(self.part), usage=self.json
        )
        if not stream:
            return json.dumps(whole()).encode()
        kinds = ("response.created", "response.output_item.added", "response.output_text.delta", "error")
        event = lambda: self.shaped(  # noqa: E731
            0.9, type=self.draw.choice(kinds), output_index=0, response=whole, item=self.part, delta=self.json
        )
        return b"".join(
            map(_event, [*self.several(event, 5), {"type": "response.completed", "response": whole()}])
        )


def _event(document: Any) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"
