"""Answers of chat completions, legacy completions and embeddings (OpenAI's API reference, 2026)."""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.domain.answer import Answer, error_of, merge_usage, openai_usage
from workbench.domain.exchange import Usage
from workbench.domain.message import Message, Part, as_dict, as_list, as_text, content_parts, tool_call
from workbench.domain.sse import DONE, Event

_REASONING_KEYS = ("reasoning_content", "reasoning")


class _Choice:
    """What one choice's deltas have said so far."""

    def __init__(self) -> None:
        self.role = "assistant"
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.refusal: list[str] = []
        self.calls: dict[int, dict[str, Any]] = {}
        self.finish: str | None = None

    def delta(self, data: dict[str, Any]) -> None:
        self.role = as_text(data.get("role")) or self.role
        content = data.get("content")
        if isinstance(content, str):
            self.text.append(content)
        elif content:
            self.text += [part.text for part in content_parts(content)]
        for key in _REASONING_KEYS:
            if data.get(key):
                self.reasoning.append(as_text(data[key]))
                break
        if data.get("refusal"):
            self.refusal.append(as_text(data["refusal"]))
        for position, item in enumerate(as_list(data.get("tool_calls"))):
            self._call(as_dict(item), position)

    def _call(self, item: dict[str, Any], position: int) -> None:
        index = item.get("index", position)
        call = self.calls.setdefault(
            index if isinstance(index, int) else position, {"id": None, "name": None, "arguments": []}
        )
        function = as_dict(item.get("function") or item.get("custom"))
        call["id"] = item.get("id") or call["id"]
        call["name"] = function.get("name") or call["name"]
        arguments = function.get("arguments", function.get("input"))
        if arguments:
            call["arguments"].append(as_text(arguments))

    def message(self) -> Message:
        parts: list[Part] = []
        if self.reasoning:
            parts.append(Part(kind="reasoning", text="".join(self.reasoning)))
        if text := "".join(self.text):
            parts.append(Part(kind="text", text=text))
        if self.refusal:
            parts.append(Part(kind="refusal", text="".join(self.refusal)))
        parts += [
            tool_call(call["name"], "".join(call["arguments"]), call["id"])
            for _, call in sorted(self.calls.items())
        ]
        return Message(role=self.role, parts=parts)


class ChatBuilder:
    """Builder for ``/v1/chat/completions``, ``/v1/completions`` and ``/v1/embeddings``."""

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}
        self._answer = Answer()
        self._done = False

    def feed(self, event: Event) -> None:
        if event.data.strip() == DONE:
            self._done = True
            return
        try:
            document = as_dict(msgspec.json.decode(event.data))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._answer.error = self._answer.error or f"an event that is not JSON: {error}"
            return
        self._take(document)

    def whole(self, document: dict[str, Any]) -> None:
        self._take(document)
        self._answer.embeddings = len(as_list(document.get("data")))
        self._done = bool(self._choices or self._answer.embeddings)

    def answer(self) -> Answer:
        choices = [choice for _, choice in sorted(self._choices.items())]
        finish = choices[0].finish if choices else None
        self._answer.messages = [choice.message() for choice in choices]
        self._answer.finish_reason = finish
        # Some servers close without [DONE]; a finish reason on every choice is an end as well.
        ended = bool(choices) and all(choice.finish for choice in choices)
        self._answer.complete = (self._done or ended) and self._answer.error is None
        return self._answer

    def _take(self, document: dict[str, Any]) -> None:
        answer = self._answer
        if found := error_of(document):
            answer.error, answer.error_code = found
        answer.id = answer.id or as_text(document.get("id")) or None
        answer.model = as_text(document.get("model")) or answer.model
        answer.usage = merge_usage(answer.usage, openai_usage(document.get("usage")))
        for position, item in enumerate(as_list(document.get("choices"))):
            self._choice(as_dict(item), position)

    def _choice(self, item: dict[str, Any], position: int) -> None:
        index = item.get("index", position)
        choice = self._choices.setdefault(index if isinstance(index, int) else position, _Choice())
        if isinstance(item.get("text"), str):
            choice.text.append(item["text"])
        choice.delta(as_dict(item.get("delta") or item.get("message")))
        choice.finish = as_text(item.get("finish_reason")) or choice.finish
        if usage := openai_usage(item.get("usage")):  # Moonshot puts it into the choice
            self._answer.usage = merge_usage(self._answer.usage, usage)

    @property
    def usage(self) -> Usage:
        """The usage told so far."""
        return self._answer.usage
