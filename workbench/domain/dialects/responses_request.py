"""A responses request (OpenAI) as a chat completions request."""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.domain.dialects.media import image_part
from workbench.domain.dialects.translation import Document, Untranslatable
from workbench.domain.message import as_dict, as_list, as_text

_SAME = ("temperature", "top_p", "stream", "parallel_tool_calls", "user", "top_logprobs", "seed")
_RESULTS = ("function_call_output", "custom_tool_call_output")
FREEFORM = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The whole input, as it is."}},
    "required": ["input"],
}
"""What a custom (free-form) tool looks like as a function."""


def chat_from_responses(document: Document) -> Document:
    """Return the chat completions body for a responses body. Raises Untranslatable."""
    for name in ("previous_response_id", "conversation"):
        if document.get(name):
            raise Untranslatable("no responses are kept for this upstream: send the whole input", name)
    chat: Document = {"model": document.get("model"), "messages": _messages(document)}
    chat.update({name: document[name] for name in _SAME if document.get(name) is not None})
    if document.get("max_output_tokens") is not None:
        chat["max_tokens"] = document["max_output_tokens"]
    effort = as_dict(document.get("reasoning")).get("effort")
    if effort:
        chat["reasoning_effort"] = effort
    form = _response_format(as_dict(as_dict(document.get("text")).get("format")))
    if form:
        chat["response_format"] = form
    _add_tools(chat, document)
    return chat


def custom_tools(document: Document) -> frozenset[str]:
    """Return the names of the request's custom (free-form) tools."""
    tools = map(as_dict, as_list(document.get("tools")))
    return frozenset(as_text(tool.get("name")) for tool in tools if tool.get("type") == "custom")


def _messages(document: Document) -> list[Document]:
    messages: list[Document] = []
    if document.get("instructions"):
        messages.append({"role": "system", "content": as_text(document["instructions"])})
    given = document.get("input")
    if isinstance(given, str):
        return [*messages, {"role": "user", "content": given}]
    seen: list[Document] = []
    for index, item in enumerate(map(as_dict, as_list(given))):
        path = f"input[{index}]"
        if item.get("type") in _RESULTS:
            messages.append(_result(item))
            seen += _attached(item, path)
            continue
        _show(messages, seen)
        _add_item(messages, item, path)
    _show(messages, seen)
    return messages


def _result(item: Document) -> Document:
    return {"role": "tool", "tool_call_id": item.get("call_id"), "content": _output(item.get("output"))}


def _attached(item: Document, path: str) -> list[Document]:
    """Return what else than words a tool gave: chat's tool message has room for words only."""
    parts = [(index, as_dict(part)) for index, part in enumerate(as_list(item.get("output")))]
    return [
        _part(part, f"{path}.output[{index}]")
        for index, part in parts
        if part.get("type") in ("input_image", "input_file")
    ]


def _show(messages: list[Document], seen: list[Document]) -> None:
    """Give the images of the results that stand last as the user's, after all of these results."""
    if seen:
        messages.append({"role": "user", "content": list(seen)})
        seen.clear()


def _add_item(messages: list[Document], item: Document, path: str) -> None:
    kind = item.get("type", "message")
    if kind == "message":
        messages.append({"role": _role(item), "content": _content(item.get("content"), path)})
    elif kind in ("function_call", "custom_tool_call"):
        _add_call(messages, item)
    elif kind not in ("reasoning", "compaction"):
        # Reasoning is sealed for the model that made it; the rest means nothing elsewhere.
        raise Untranslatable(f"an item of type {kind!r} exists only at OpenAI", path)


def _role(item: Document) -> str:
    role = as_text(item.get("role")) or "user"
    return "system" if role == "developer" else role


def _add_call(messages: list[Document], item: Document) -> None:
    """Calls that follow each other or the assistant's words are one message in chat."""
    if item.get("type") == "custom_tool_call":
        arguments = msgspec.json.encode({"input": as_text(item.get("input"))}).decode()
    else:
        arguments = as_text(item.get("arguments")) or "{}"
    call = {
        "id": item.get("call_id"),
        "type": "function",
        "function": {"name": item.get("name"), "arguments": arguments},
    }
    last = messages[-1] if messages else {}
    if last.get("role") == "assistant":
        last.setdefault("tool_calls", []).append(call)
    else:
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})


def _content(content: Any, path: str) -> Any:
    if not isinstance(content, list):
        return as_text(content)
    parts = [_part(as_dict(part), f"{path}.content[{index}]") for index, part in enumerate(content)]
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _part(part: Document, path: str) -> Document:
    kind = part.get("type")
    if kind in ("input_text", "output_text", "text"):
        return {"type": "text", "text": as_text(part.get("text"))}
    if kind == "refusal":
        return {"type": "text", "text": as_text(part.get("refusal"))}
    if kind == "input_image" and part.get("image_url"):
        return image_part(as_text(part["image_url"]), part.get("detail"))
    if kind == "input_file" and part.get("file_data"):
        kept = {name: part[name] for name in ("file_data", "filename") if part.get(name)}
        return {"type": "file", "file": kept}
    raise Untranslatable(f"a part of type {kind!r} exists only at OpenAI", path)


def _output(output: Any) -> str:
    if isinstance(output, list):
        texts = (as_dict(part).get("text") for part in output)
        return "\n".join(as_text(text) for text in texts if text is not None)
    return as_text(output)


def _response_format(form: Document) -> Document | None:
    if form.get("type") == "json_object":
        return {"type": "json_object"}
    if form.get("type") != "json_schema":
        return None
    kept = {name: form[name] for name in ("name", "schema", "strict", "description") if name in form}
    return {"type": "json_schema", "json_schema": kept}


def _add_tools(chat: Document, document: Document) -> None:
    """Functions and custom tools are passed on; OpenAI's hosted tools are not there, so not offered."""
    given = [as_dict(tool) for tool in as_list(document.get("tools"))]
    own = [tool for tool in given if tool.get("type") in ("function", "custom")]
    choice = document.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") not in ("function", "custom", "allowed_tools"):
        raise Untranslatable(f"the tool {choice.get('type')!r} runs only at OpenAI", "tool_choice")
    if not own:
        return
    chat["tools"] = [_tool(tool) for tool in own]
    if isinstance(choice, dict) and choice.get("name"):
        chat["tool_choice"] = {"type": "function", "function": {"name": choice["name"]}}
    elif isinstance(choice, str):
        chat["tool_choice"] = choice


def _tool(tool: Document) -> Document:
    schema = FREEFORM if tool.get("type") == "custom" else tool.get("parameters") or {"type": "object"}
    function: Document = {"name": tool.get("name"), "parameters": schema}
    for name in ("description", "strict"):
        if tool.get(name) is not None:
            function[name] = tool[name]
    return {"type": "function", "function": function}
