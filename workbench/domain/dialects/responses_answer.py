"""A chat completions answer as a responses answer (OpenAI)."""

from __future__ import annotations

from typing import Any

from workbench.domain.answer import openai_usage
from workbench.domain.dialects.messages_answer import reasoning_of, tool_input
from workbench.domain.dialects.responses_request import custom_tools
from workbench.domain.dialects.translation import Document, carried
from workbench.domain.message import as_dict, as_list, as_text

_ECHOED: tuple[tuple[str, Any], ...] = (
    ("instructions", None),
    ("max_output_tokens", None),
    ("metadata", {}),
    ("parallel_tool_calls", True),
    ("reasoning", {"effort": None, "summary": None}),
    ("temperature", None),
    ("text", {"format": {"type": "text"}}),
    ("tool_choice", "auto"),
    ("tools", []),
    ("top_p", None),
    ("truncation", "disabled"),
)
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def responses_answer(document: Document, asked: Document) -> Document:
    """Return the responses answer for a chat completions answer."""
    choice = as_dict((as_list(document.get("choices")) or [{}])[0])
    message = as_dict(choice.get("message"))
    suffix = id_suffix(document)
    output: list[Document] = []
    if reasoning := reasoning_of(message):
        output.append(reasoning_item(f"rs_{suffix}", reasoning))
    text = _text(message.get("content"))
    calls = [as_dict(call) for call in as_list(message.get("tool_calls"))]
    if text or message.get("refusal") or not calls:
        output.append(message_item(f"msg_{suffix}", text, as_text(message.get("refusal"))))
    custom = custom_tools(asked)
    output += [call_item(f"fc_{suffix}_{index}", call, custom) for index, call in enumerate(calls)]
    head = response_head(document, asked)
    return {**head, **ending(choice.get("finish_reason"), document.get("usage")), "output": output}


def response_head(document: Document, asked: Document) -> Document:
    """Return the members of a response that are known from its start."""
    return {
        "id": f"resp_{id_suffix(document)}",
        "object": "response",
        "created_at": document.get("created") or 0,
        "status": "in_progress",
        "model": document.get("model") or asked.get("model"),
        "output": [],
        "error": None,
        "incomplete_details": None,
        "previous_response_id": None,
        "store": False,
        "usage": None,
        **{name: asked.get(name, default) for name, default in _ECHOED},
        **carried(document),
    }


def ending(finish: Any, usage: Any) -> Document:
    """Return the members that only the end tells."""
    reason = _INCOMPLETE.get(as_text(finish))
    return {
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "usage": figures(usage),
    }


def figures(given: Any) -> Document | None:
    """Return chat's usage as responses gives it."""
    usage = openai_usage(given)
    if usage is None:
        return None
    prompt, output = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens or 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": prompt + output,
    }


def message_item(item_id: str, text: str, refusal: str = "") -> Document:
    """Return a finished message item."""
    part: Document = {"type": "output_text", "text": text, "annotations": []}
    if refusal and not text:
        part = {"type": "refusal", "refusal": refusal}
    return {
        "type": "message",
        "id": item_id,
        "status": "completed",
        "role": "assistant",
        "content": [part],
    }


def reasoning_item(item_id: str, text: str) -> Document:
    """Return a finished reasoning item."""
    return {"type": "reasoning", "id": item_id, "summary": [{"type": "summary_text", "text": text}]}


def call_item(item_id: str, call: Document, custom: frozenset[str]) -> Document:
    """Return a finished call; one of a custom tool gives its input as it is."""
    function = as_dict(call.get("function"))
    name, arguments = function.get("name"), as_text(function.get("arguments"))
    common: Document = {"id": item_id, "status": "completed", "call_id": call.get("id"), "name": name}
    if as_text(name) in custom:
        given = as_dict(tool_input(arguments))
        return {"type": "custom_tool_call", **common, "input": as_text(given.get("input", arguments))}
    return {"type": "function_call", **common, "arguments": arguments or "{}"}


def id_suffix(document: Document) -> str:
    """Return the upstream's id without its prefix."""
    return as_text(document.get("id")).removeprefix("chatcmpl-")


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(as_text(as_dict(part).get("text")) for part in content)
    return as_text(content)
