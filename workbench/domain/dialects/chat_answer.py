"""A messages answer (Anthropic) as a chat completions answer."""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.domain.answer import anthropic_usage
from workbench.domain.dialects.translation import Document, carried
from workbench.domain.message import as_dict, as_list, as_text

FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def chat_answer(document: Document, asked: Document) -> Document:
    """Return the chat completions answer for a messages answer."""
    choice = {
        "index": 0,
        "message": _message([as_dict(block) for block in as_list(document.get("content"))]),
        "logprobs": None,
        "finish_reason": finish_reason(document.get("stop_reason")),
    }
    return {
        "id": "chatcmpl-" + as_text(document.get("id")).removeprefix("msg_"),
        "object": "chat.completion",
        "created": 0,
        "model": document.get("model") or asked.get("model"),
        "choices": [choice],
        "usage": openai_figures(document.get("usage")),
        **carried(document),
    }


def finish_reason(stop: Any) -> str:
    """Return chat's word for a stop reason."""
    return FINISH_REASONS.get(as_text(stop), "stop")


def openai_figures(given: Any) -> Document:
    """Return Anthropic's usage as chat gives it: the cached part of the input inside the input."""
    usage = anthropic_usage(given)
    prompt = (usage.input_tokens if usage else None) or 0
    output = (usage.output_tokens if usage else None) or 0
    figures: Document = {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
    }
    if usage and usage.cached_tokens:
        figures["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    return figures


def _message(blocks: list[Document]) -> Document:
    texts = [as_text(block.get("text")) for block in blocks if block.get("type") == "text"]
    thoughts = [as_text(block.get("thinking")) for block in blocks if block.get("type") == "thinking"]
    calls = [block for block in blocks if block.get("type") == "tool_use"]
    message: Document = {"role": "assistant", "content": "".join(texts) if texts or not calls else None}
    if thoughts:
        message["reasoning_content"] = "".join(thoughts)
    if calls:
        message["tool_calls"] = [
            {
                "id": block.get("id"),
                "type": "function",
                "function": {
                    "name": block.get("name"),
                    "arguments": msgspec.json.encode(block.get("input", {})).decode(),
                },
            }
            for block in calls
        ]
    return message
