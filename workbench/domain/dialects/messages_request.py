"""A messages request (Anthropic) as a chat completions request."""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.domain.dialects.media import document_part, image_part, source_to_url
from workbench.domain.dialects.translation import Document, Untranslatable
from workbench.domain.message import as_dict, as_list, as_text

_EFFORTS = ((2048, "low"), (8192, "medium"))
_EFFORT_NAMES = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
"""What Anthropic's clients say beside ``thinking`` -> a word that every chat upstream with efforts knows."""
_SAME = ("temperature", "top_p", "stream")


def chat_from_messages(document: Document) -> Document:
    """Return the chat completions body for a messages body. Raises Untranslatable."""
    messages: list[Document] = []
    if system := _texts(document.get("system")):
        messages.append({"role": "system", "content": system})
    for index, message in enumerate(as_list(document.get("messages"))):
        messages += _message(as_dict(message), f"messages[{index}]")
    chat: Document = {"model": document.get("model"), "messages": messages}
    chat.update({name: document[name] for name in _SAME if name in document})
    if "max_tokens" in document:
        chat["max_tokens"] = document["max_tokens"]
    if document.get("stop_sequences"):
        chat["stop"] = document["stop_sequences"]
    if user := as_dict(document.get("metadata")).get("user_id"):
        chat["user"] = user
    wanted = as_dict(document.get("output_config"))
    if effort := _effort(as_dict(document.get("thinking"))):
        chat["reasoning_effort"] = _EFFORT_NAMES.get(as_text(wanted.get("effort")), effort)
    if form := as_dict(wanted.get("format")) or as_dict(document.get("output_format")):
        chat["response_format"] = _response_format(form)
    _add_tools(chat, document)
    return chat


def _message(message: Document, path: str) -> list[Document]:
    content = message.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else as_list(content)
    if message.get("role") == "assistant":
        return _assistant(blocks)
    if message.get("role") == "system":
        return [{"role": "system", "content": _texts(content)}]
    return _user(blocks, path)


def _assistant(blocks: list[Any]) -> list[Document]:
    """Thinking is left out: it is signed for the model that thought it."""
    texts = [as_text(block.get("text")) for block in map(as_dict, blocks) if block.get("type") == "text"]
    calls = [_call(block) for block in map(as_dict, blocks) if block.get("type") == "tool_use"]
    if not texts and not calls:
        return []
    message: Document = {"role": "assistant", "content": "\n".join(texts) or None}
    if calls:
        message["tool_calls"] = calls
    return [message]


def _call(block: Document) -> Document:
    arguments = msgspec.json.encode(block.get("input", {})).decode()
    return {
        "id": block.get("id"),
        "type": "function",
        "function": {"name": block.get("name"), "arguments": arguments},
    }


def _user(blocks: list[Any], path: str) -> list[Document]:
    """Tool results come first: chat wants them right after the calls."""
    results: list[Document] = []
    parts: list[Document] = []
    for index, block in enumerate(map(as_dict, blocks)):
        here = f"{path}.content[{index}]"
        if block.get("type") == "tool_result":
            results.append(_result(block))
            parts += _attached(block, here)
        else:
            parts.append(_part(block, here))
    if not parts:
        return results
    alone = len(parts) == 1 and parts[0]["type"] == "text"
    return [*results, {"role": "user", "content": parts[0]["text"] if alone else parts}]


def _part(block: Document, path: str) -> Document:
    kind = block.get("type")
    if kind == "text":
        return {"type": "text", "text": as_text(block.get("text"))}
    if kind == "image":
        return image_part(source_to_url(as_dict(block.get("source")), path))
    if kind == "document":
        return document_part(block, path)
    if kind == "search_result":
        return {"type": "text", "text": _texts(block.get("content"))}
    raise Untranslatable(f"a {kind!r} block exists only at Anthropic", path)


def _result(block: Document) -> Document:
    text = _texts(block.get("content"))
    if block.get("is_error"):
        text = f"Error: {text}"
    return {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": text}


def _attached(block: Document, path: str) -> list[Document]:
    """Images in a tool's result: chat's tool message has words only, so they follow as the user's."""
    inner = [as_dict(item) for item in as_list(block.get("content"))]
    return [_part(item, path) for item in inner if item.get("type") in ("image", "document")]


def _texts(content: Any) -> str:
    if isinstance(content, str):
        return content
    blocks = map(as_dict, as_list(content))
    return "\n".join(as_text(block.get("text")) for block in blocks if block.get("type") == "text")


def _effort(thinking: Document) -> str | None:
    if thinking.get("type") not in ("enabled", "adaptive"):
        return None
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int):
        return "medium"
    return next((effort for limit, effort in _EFFORTS if budget <= limit), "high")


def _response_format(form: Document) -> Document:
    if form.get("type") != "json_schema":
        message = f"an answer in the form {form.get('type')!r} exists only at Anthropic"
        raise Untranslatable(message, "output_config.format.type")
    schema = {"name": "answer", "schema": form.get("schema", {}), "strict": True}
    return {"type": "json_schema", "json_schema": schema}


def _add_tools(chat: Document, document: Document) -> None:
    given = [as_dict(tool) for tool in as_list(document.get("tools"))]
    own = [tool for tool in given if tool.get("type") in (None, "custom")]
    if given and not own:
        message = f"the tool {given[0].get('type')!r} runs only at Anthropic"
        raise Untranslatable(message, "tools[0].type")
    if own:
        chat["tools"] = [_tool(tool) for tool in own]
    choice = as_dict(document.get("tool_choice"))
    if choice and own:
        chat["tool_choice"] = _choice(choice)
        if choice.get("disable_parallel_tool_use"):
            chat["parallel_tool_calls"] = False


def _tool(tool: Document) -> Document:
    function: Document = {
        "name": tool.get("name"),
        "parameters": tool.get("input_schema", {"type": "object"}),
    }
    if tool.get("description"):
        function["description"] = tool["description"]
    return {"type": "function", "function": function}


def _choice(choice: Document) -> Any:
    kind = choice.get("type")
    if kind == "tool":
        return {"type": "function", "function": {"name": choice.get("name")}}
    return {"any": "required", "none": "none"}.get(as_text(kind), "auto")
