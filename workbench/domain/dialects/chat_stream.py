"""A messages stream (Anthropic's events) as a chat completions stream."""

from __future__ import annotations

from typing import Any

from workbench.domain.dialects.chat_answer import finish_reason, openai_figures
from workbench.domain.dialects.translation import Document, Out, carried
from workbench.domain.message import as_dict, as_text


class ChatStream:
    """One chunk for each delta; usage in a chunk of its own where the client asked for it."""

    def __init__(self, asked: Document) -> None:
        self._usage_asked = bool(as_dict(asked.get("stream_options")).get("include_usage"))
        self._head: Document = {
            "id": "chatcmpl-",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": asked.get("model"),
        }
        self._figures: Document = {}
        self._stop: Any = None
        self._tools: dict[str, int] = {}
        """Index of a content block, as text -> index of the tool call."""

    def feed(self, data: Document) -> list[Out]:
        """Take one event."""
        match data.get("type"):
            case "message_start":
                return self._start(as_dict(data.get("message")))
            case "content_block_start":
                return self._block(as_text(data.get("index")), as_dict(data.get("content_block")))
            case "content_block_delta":
                return self._delta(as_text(data.get("index")), as_dict(data.get("delta")))
            case "message_delta":
                self._stop = as_dict(data.get("delta")).get("stop_reason") or self._stop
                given = {name: value for name, value in as_dict(data.get("usage")).items() if value}
                self._figures.update(given)
        return []

    def close(self) -> list[Out]:
        """Give the finish reason, and the usage where it was asked for."""
        outs = [self._chunk({}, finish=finish_reason(self._stop))]
        if self._usage_asked:
            outs.append(Out({**self._head, "choices": [], "usage": openai_figures(self._figures)}))
        return outs

    def _start(self, message: Document) -> list[Out]:
        self._head["id"] = "chatcmpl-" + as_text(message.get("id")).removeprefix("msg_")
        self._head["model"] = message.get("model") or self._head["model"]
        self._figures = dict(as_dict(message.get("usage")))
        first = self._chunk({"role": "assistant", "content": ""})
        return [Out({**first.data, **carried(message)})]

    def _block(self, index: str, block: Document) -> list[Out]:
        if block.get("type") == "text" and block.get("text"):
            return [self._chunk({"content": block["text"]})]
        if block.get("type") != "tool_use":
            return []
        self._tools[index] = number = len(self._tools)
        function = {"name": block.get("name"), "arguments": ""}
        call = {"index": number, "id": block.get("id"), "type": "function", "function": function}
        return [self._chunk({"tool_calls": [call]})]

    def _delta(self, index: str, delta: Document) -> list[Out]:
        match delta.get("type"):
            case "text_delta":
                return [self._chunk({"content": as_text(delta.get("text"))})]
            case "thinking_delta":
                return [self._chunk({"reasoning_content": as_text(delta.get("thinking"))})]
            case "input_json_delta":
                function = {"arguments": as_text(delta.get("partial_json"))}
                call = {"index": self._tools.get(index, 0), "function": function}
                return [self._chunk({"tool_calls": [call]})]
        return []

    def _chunk(self, delta: Document, finish: str | None = None) -> Out:
        return Out({**self._head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
