"""Answers of ``/v1/responses`` (OpenAI's API reference, 2026): items, and events that build them."""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.domain.answer import Answer, error_of, merge_usage, openai_usage
from workbench.domain.message import Message, Part, as_dict, as_list, as_text, content_parts, tool_call
from workbench.domain.sse import DONE, Event

_TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed", "response.done"})


class ResponsesBuilder:
    """Builder for ``/v1/responses``."""

    def __init__(self) -> None:
        self._items: dict[int, dict[str, Any]] = {}
        self._texts: dict[tuple[int, str], list[str]] = {}
        self._answer = Answer()

    def feed(self, event: Event) -> None:
        if event.data.strip() == DONE:
            return
        try:
            data = as_dict(msgspec.json.decode(event.data))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._answer.error = self._answer.error or f"an event that is not JSON: {error}"
            return
        kind = as_text(data.get("type") or event.event)
        if "response" in data:
            self._document(as_dict(data["response"]), ended=kind in _TERMINAL)
        elif kind == "error" or "error" in data:
            self._error(data if "error" in data else {"error": data})
        else:
            self._piece(kind, data)

    def whole(self, document: dict[str, Any]) -> None:
        self._document(document, ended="output" in document)

    def answer(self) -> Answer:
        parts = [part for index, item in sorted(self._items.items()) for part in self._parts(index, item)]
        answer = self._answer
        answer.messages = [Message(role="assistant", parts=parts)] if parts else []
        answer.complete = answer.complete and answer.error is None
        return answer

    def _document(self, document: dict[str, Any], *, ended: bool) -> None:
        answer = self._answer
        answer.id = as_text(document.get("id")) or answer.id
        answer.model = as_text(document.get("model")) or answer.model
        answer.usage = merge_usage(answer.usage, openai_usage(document.get("usage")))
        for index, item in enumerate(as_list(document.get("output"))):
            self._items[index] = as_dict(item)
        self._error(document)
        if ended:
            answer.complete = True
            answer.finish_reason = self._finish(document)

    def _finish(self, document: dict[str, Any]) -> str:
        reason = as_text(as_dict(document.get("incomplete_details")).get("reason"))
        if reason:
            return "length" if reason == "max_output_tokens" else reason
        calls = any(item.get("type") == "function_call" for item in self._items.values())
        return (
            "tool_calls"
            if calls
            else "stop"
            if document.get("status") == "completed"
            else as_text(document.get("status"))
        )

    def _error(self, document: dict[str, Any]) -> None:
        if found := error_of(document):
            self._answer.error, self._answer.error_code = found

    def _piece(self, kind: str, data: dict[str, Any]) -> None:
        index = data.get("output_index")
        if not isinstance(index, int):
            return
        if kind in {"response.output_item.added", "response.output_item.done"}:
            self._items[index] = as_dict(data.get("item"))
        elif kind.endswith(".delta"):
            self._items.setdefault(index, {})
            self._texts.setdefault((index, _piece_kind(kind)), []).append(as_text(data.get("delta")))

    def _parts(self, index: int, item: dict[str, Any]) -> list[Part]:
        kind = as_text(item.get("type"))
        if kind in {"function_call", "custom_tool_call"}:
            arguments = item.get("arguments") or item.get("input") or self._streamed(index, "tool_call")
            return [tool_call(item.get("name"), arguments, item.get("call_id") or item.get("id"))]
        if kind == "reasoning":
            words = content_parts(item.get("summary")) or content_parts(item.get("content"))
            text = "\n".join(part.text for part in words) or self._streamed(index, "reasoning")
            return [Part(kind="reasoning", text=text)] if text else []
        parts = [part for part in content_parts(item.get("content")) if part.text]
        if not parts and (text := self._streamed(index, "text")):
            parts = [Part(kind="text", text=text)]
        if not parts and kind not in {"message", ""}:
            parts = [Part(kind="other", name=kind, text=as_text(item))]
        return parts

    def _streamed(self, index: int, kind: str) -> str:
        return "".join(self._texts.get((index, kind), []))


def _piece_kind(event: str) -> str:
    if "arguments" in event or "tool_call_input" in event:
        return "tool_call"
    return "reasoning" if "reasoning" in event else "text"
