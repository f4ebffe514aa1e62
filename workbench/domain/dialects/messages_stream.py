"""A chat completions stream as a messages stream (Anthropic's events)."""

from __future__ import annotations

from workbench.domain.answer import openai_usage
from workbench.domain.dialects.messages_answer import (
    anthropic_figures,
    message_id,
    reasoning_of,
    stop_reason,
)
from workbench.domain.dialects.translation import Document, Out, carried
from workbench.domain.exchange import Usage
from workbench.domain.message import as_dict, as_list, as_text


class MessagesStream:
    """Opens and closes content blocks as the chat deltas go from reasoning to text to tool calls."""

    def __init__(self, asked: Document) -> None:
        self._asked = asked
        self._started = False
        self._blocks = 0
        self._open: str | None = None
        """Kind of the open block: thinking, text or the tool call's index."""
        self._tools: dict[int, int] = {}
        """Index of a chat tool call -> index of its block."""
        self._finish: str | None = None
        self._usage: Usage | None = None

    def feed(self, data: Document) -> list[Out]:
        """Take one chunk."""
        outs = [] if self._started else [self._start(data)]
        self._usage = openai_usage(data.get("usage")) or self._usage
        for choice in map(as_dict, as_list(data.get("choices"))[:1]):
            delta = as_dict(choice.get("delta"))
            if reasoning := reasoning_of(delta):
                outs += self._said("thinking", {"type": "thinking_delta", "thinking": reasoning})
            if text := as_text(delta.get("content")) or as_text(delta.get("refusal")):
                outs += self._said("text", {"type": "text_delta", "text": text})
            for call in map(as_dict, as_list(delta.get("tool_calls"))):
                outs += self._called(call)
            if choice.get("finish_reason"):
                self._finish = as_text(choice["finish_reason"])
        return outs

    def close(self) -> list[Out]:
        """End the open block and the message."""
        outs = [] if self._started else [self._start({})]
        outs += self._shut()
        delta = {"stop_reason": stop_reason(self._finish), "stop_sequence": None}
        figures = anthropic_figures(self._usage)
        outs.append(_out("message_delta", delta=delta, usage=figures))
        outs.append(_out("message_stop"))
        return outs

    def _start(self, data: Document) -> Out:
        self._started = True
        message = {
            "id": message_id(data),
            "type": "message",
            "role": "assistant",
            "model": data.get("model") or self._asked.get("model"),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
            **carried(data),
        }
        return _out("message_start", message=message)

    def _said(self, kind: str, delta: Document) -> list[Out]:
        outs: list[Out] = []
        if self._open != kind:
            outs += self._shut()
            empty = {"thinking": "", "signature": ""} if kind == "thinking" else {"text": ""}
            outs.append(self._begin(kind, {"type": kind, **empty}))
        outs.append(_out("content_block_delta", index=self._blocks - 1, delta=delta))
        return outs

    def _called(self, call: Document) -> list[Out]:
        index = call.get("index")
        number = index if isinstance(index, int) else len(self._tools)
        function = as_dict(call.get("function"))
        outs: list[Out] = []
        if number not in self._tools:
            outs += self._shut()
            self._tools[number] = self._blocks
            block: Document = {
                "type": "tool_use",
                "id": call.get("id"),
                "name": function.get("name"),
                "input": {},
            }
            outs.append(self._begin(f"tool {number}", block))
        if arguments := as_text(function.get("arguments")):
            delta = {"type": "input_json_delta", "partial_json": arguments}
            outs.append(_out("content_block_delta", index=self._tools[number], delta=delta))
        return outs

    def _begin(self, kind: str, block: Document) -> Out:
        self._open = kind
        self._blocks += 1
        return _out("content_block_start", index=self._blocks - 1, content_block=block)

    def _shut(self) -> list[Out]:
        if self._open is None:
            return []
        self._open = None
        return [_out("content_block_stop", index=self._blocks - 1)]


def _out(kind: str, **members: object) -> Out:
    return Out({"type": kind, **members}, kind)
