"""Answers of Anthropic's ``/v1/messages`` (its API reference, 2026): content blocks and their events."""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.domain.answer import Answer, anthropic_usage, error_of, merge_usage, number
from workbench.domain.exchange import Usage
from workbench.domain.message import Message, Part, as_dict, as_list, as_text, content_parts
from workbench.domain.sse import Event


class MessagesBuilder:
    """Builder for ``/v1/messages``."""

    def __init__(self) -> None:
        self._blocks: dict[int, dict[str, Any]] = {}
        self._pieces: dict[int, list[str]] = {}
        self._usage: dict[str, Any] = {}
        self._answer = Answer()

    def feed(self, event: Event) -> None:
        try:
            data = as_dict(msgspec.json.decode(event.data))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._answer.error = self._answer.error or f"an event that is not JSON: {error}"
            return
        match as_text(data.get("type") or event.event):
            case "message_start":
                self._head(as_dict(data.get("message")))
            case "content_block_start":
                self._blocks[_index(data)] = as_dict(data.get("content_block"))
            case "content_block_delta":
                self._delta(_index(data), as_dict(data.get("delta")))
            case "message_delta":
                self._answer.finish_reason = as_text(as_dict(data.get("delta")).get("stop_reason")) or None
                self._add_usage(data.get("usage"))
            case "message_stop":
                self._answer.complete = True
            case "error":
                self._error(data)

    def whole(self, document: dict[str, Any]) -> None:
        if isinstance(document.get("input_tokens"), int) and "content" not in document:  # count_tokens
            self._answer.usage = Usage(input_tokens=number(document["input_tokens"]))
            self._answer.complete = True
            return
        self._head(document)
        for index, block in enumerate(as_list(document.get("content"))):
            self._blocks[index] = as_dict(block)
        self._answer.finish_reason = as_text(document.get("stop_reason")) or None
        self._answer.complete = "content" in document
        self._error(document)

    def answer(self) -> Answer:
        parts = [part for index, block in sorted(self._blocks.items()) for part in self._parts(index, block)]
        answer = self._answer
        answer.messages = [Message(role="assistant", parts=parts)] if parts else []
        answer.complete = answer.complete and answer.error is None
        return answer

    def _head(self, document: dict[str, Any]) -> None:
        self._answer.id = as_text(document.get("id")) or self._answer.id
        self._answer.model = as_text(document.get("model")) or self._answer.model
        self._add_usage(document.get("usage"))

    def _add_usage(self, value: Any) -> None:
        # message_start gives the input's figures and message_delta the output's: join the raw fields,
        # so that the sum of fresh and cached input is taken over all of them.
        self._usage |= {name: count for name, count in as_dict(value).items() if count is not None}
        self._answer.usage = merge_usage(self._answer.usage, anthropic_usage(self._usage))

    def _delta(self, index: int, delta: dict[str, Any]) -> None:
        piece = delta.get("text") or delta.get("partial_json") or delta.get("thinking")
        if isinstance(piece, str):
            self._pieces.setdefault(index, []).append(piece)

    def _error(self, document: dict[str, Any]) -> None:
        if found := error_of(document):
            self._answer.error, self._answer.error_code = found

    def _parts(self, index: int, block: dict[str, Any]) -> list[Part]:
        streamed = "".join(self._pieces.get(index, []))
        if not streamed:
            return [part for part in content_parts([block]) if part.text or part.kind == "tool_call"]
        if as_text(block.get("type")) in {"tool_use", "server_tool_use"}:
            return content_parts([{**block, "input": streamed}])
        key = "thinking" if block.get("type") == "thinking" else "text"
        return content_parts([{**block, key: as_text(block.get(key)) + streamed}])


def _index(data: dict[str, Any]) -> int:
    index = data.get("index")
    return index if isinstance(index, int) else 0
