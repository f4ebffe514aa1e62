"""A chat completions answer as a messages answer (Anthropic)."""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.domain.answer import openai_usage
from workbench.domain.dialects.translation import Document, carried
from workbench.domain.exchange import Usage
from workbench.domain.message import as_dict, as_list, as_text

STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def messages_answer(document: Document, asked: Document) -> Document:
    """Return the messages answer for a chat completions answer."""
    choice = as_dict((as_list(document.get("choices")) or [{}])[0])
    message = as_dict(choice.get("message"))
    return {
        "id": message_id(document),
        "type": "message",
        "role": "assistant",
        "model": document.get("model") or asked.get("model"),
        "content": _blocks(message),
        "stop_reason": stop_reason(choice.get("finish_reason")),
        "stop_sequence": None,
        "usage": anthropic_figures(openai_usage(document.get("usage"))),
        **carried(document),
    }


def message_id(document: Document) -> str:
    """Return an id in Anthropic's form that still tells the upstream's."""
    return "msg_" + as_text(document.get("id")).removeprefix("chatcmpl-")


def stop_reason(finish: Any) -> str:
    """Return Anthropic's word for a finish reason."""
    return STOP_REASONS.get(as_text(finish), "end_turn")


def anthropic_figures(usage: Usage | None) -> Document:
    """Return usage as Anthropic gives it: fresh input apart from the cached."""
    if usage is None:
        return {"input_tokens": 0, "output_tokens": 0}
    cached = usage.cached_tokens or 0
    figures = {
        "input_tokens": max((usage.input_tokens or 0) - cached, 0),
        "output_tokens": usage.output_tokens or 0,
    }
    return {**figures, "cache_read_input_tokens": cached} if cached else figures


def tool_input(arguments: Any) -> Any:
    """Return a call's arguments as a value; what does not parse is kept as text under ``arguments``."""
    text = as_text(arguments)
    if not text.strip():
        return {}
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {"arguments": text}
    return value if isinstance(value, dict) else {"arguments": value}


def reasoning_of(said: Document) -> str:
    """Return the reasoning text in a message or delta, under either of its two names."""
    value = said.get("reasoning_content") or said.get("reasoning")
    return value if isinstance(value, str) else ""


def _blocks(message: Document) -> list[Document]:
    blocks: list[Document] = []
    if reasoning := reasoning_of(message):
        blocks.append({"type": "thinking", "thinking": reasoning, "signature": ""})
    text = _text(message.get("content")) or as_text(message.get("refusal"))
    if text:
        blocks.append({"type": "text", "text": text})
    for call in map(as_dict, as_list(message.get("tool_calls"))):
        function = as_dict(call.get("function"))
        blocks.append(
            {
                "type": "tool_use",
                "id": call.get("id"),
                "name": function.get("name"),
                "input": tool_input(function.get("arguments")),
            }
        )
    return blocks


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(as_text(as_dict(part).get("text")) for part in content)
    return as_text(content)
