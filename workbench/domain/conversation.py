"""Reading requests and answers of every endpoint: the one place that knows which dialect is spoken where."""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.domain.answer import Answer, Builder
from workbench.domain.answer_chat import ChatBuilder
from workbench.domain.answer_messages import MessagesBuilder
from workbench.domain.answer_responses import ResponsesBuilder
from workbench.domain.message import (
    Message,
    Part,
    as_dict,
    as_list,
    as_text,
    content_parts,
    tool_call,
    tool_result,
)
from workbench.domain.sse import Event, Parser

__all__ = ["Answer", "AnswerBuilder", "Message", "Part", "answer", "request_messages"]


def builder(endpoint: str) -> Builder:
    """Return the builder for an endpoint's dialect."""
    if endpoint.startswith("/v1/messages"):
        return MessagesBuilder()
    if endpoint.startswith("/v1/responses"):
        return ResponsesBuilder()
    return ChatBuilder()


class AnswerBuilder:
    """Reads a streamed answer as it arrives: feed it bytes, ask for the answer at any time."""

    def __init__(self, endpoint: str) -> None:
        self._parser = Parser()
        self._builder = builder(endpoint)

    def feed(self, chunk: bytes) -> list[Event]:
        """Take bytes cut anywhere; return the events they completed."""
        events = self._parser.feed(chunk)
        for event in events:
            self._builder.feed(event)
        return events

    def close(self) -> Answer:
        """Take the end of the stream and return the answer."""
        for event in self._parser.close():
            self._builder.feed(event)
        return self._builder.answer()

    def answer(self) -> Answer:
        """Return what is known so far."""
        return self._builder.answer()


def answer(endpoint: str, body: bytes, *, stream: bool) -> Answer:
    """Return the answer in a recorded body; what can't be read is an incomplete answer, never an error."""
    if stream and body.lstrip()[:1] != b"{":
        reader = AnswerBuilder(endpoint)
        try:
            reader.feed(body)
        except ValueError as error:
            return Answer(error=str(error))
        return reader.close()
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Answer(error=f"not JSON: {error}" if body else "an empty body")
    if not isinstance(document, dict):
        return Answer(error="not a JSON object")
    reading = builder(endpoint)
    reading.whole(document)
    return reading.answer()


def request_messages(endpoint: str, body: bytes) -> list[Message]:
    """Return the messages of a request body, oldest first, system prompt included; empty when unreadable."""
    try:
        document = as_dict(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    return messages_of(endpoint, document)


def messages_of(endpoint: str, document: dict[str, Any]) -> list[Message]:
    """Return the messages of a decoded request body, oldest first."""
    if endpoint.startswith("/v1/responses"):
        return _responses_input(document)
    head: list[Message] = []
    if endpoint.startswith("/v1/messages") and document.get("system"):
        head = [Message(role="system", parts=content_parts(document["system"]))]
    if "messages" in document:
        return head + [_message(as_dict(item)) for item in as_list(document["messages"])]
    return head + _plain(document.get("prompt", document.get("input")))


def _message(item: dict[str, Any]) -> Message:
    role = as_text(item.get("role")) or "user"
    if role in {"tool", "function"}:
        parts = [tool_result(item.get("content"), item.get("tool_call_id") or item.get("name"))]
    else:
        parts = content_parts(item.get("content"))
    reasoning = item.get("reasoning_content") or item.get("reasoning")
    if isinstance(reasoning, str):
        parts.insert(0, Part(kind="reasoning", text=reasoning))
    for call in as_list(item.get("tool_calls")):
        function = as_dict(as_dict(call).get("function") or as_dict(call).get("custom"))
        arguments = function.get("arguments", function.get("input"))
        parts.append(tool_call(function.get("name"), arguments, as_dict(call).get("id")))
    return Message(role=role, parts=parts, name=as_text(item.get("name")) or None)


def _plain(value: Any) -> list[Message]:
    items = value if isinstance(value, list) else [value]
    return [
        Message(role="user", parts=[Part(kind="text", text=as_text(item))])
        for item in items
        if item is not None
    ]


def _responses_input(document: dict[str, Any]) -> list[Message]:
    messages = []
    if document.get("instructions"):
        messages.append(Message(role="system", parts=content_parts(document["instructions"])))
    given = document.get("input")
    if isinstance(given, str):
        return [*messages, Message(role="user", parts=[Part(kind="text", text=given)])]
    return messages + [_responses_item(as_dict(item)) for item in as_list(given)]


def _responses_item(item: dict[str, Any]) -> Message:
    kind = item.get("type")
    if kind in {"function_call", "custom_tool_call"}:
        arguments = item.get("arguments", item.get("input"))
        return Message(role="assistant", parts=[tool_call(item.get("name"), arguments, item.get("call_id"))])
    if kind in {"function_call_output", "custom_tool_call_output"}:
        return Message(role="tool", parts=[tool_result(item.get("output"), item.get("call_id"))])
    if kind == "reasoning":
        words = content_parts(item.get("summary")) or content_parts(item.get("content"))
        return Message(role="assistant", parts=[Part(kind="reasoning", text=part.text) for part in words])
    if kind in {None, "message"}:
        return Message(role=as_text(item.get("role")) or "user", parts=content_parts(item.get("content")))
    return Message(role="assistant", parts=[Part(kind="other", name=as_text(kind), text=as_text(item))])
