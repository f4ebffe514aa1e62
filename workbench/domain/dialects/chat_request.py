"""A chat completions request as a messages request (Anthropic)."""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.domain.dialects.media import file_block, url_to_source
from workbench.domain.dialects.messages_answer import tool_input
from workbench.domain.dialects.translation import Document, Untranslatable
from workbench.domain.message import as_dict, as_list, as_text

DEFAULT_MAX_TOKENS = 4096
"""Anthropic wants a number; litellm's default."""
_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 2048, "high": 4096, "xhigh": 8192}


def messages_from_chat(document: Document) -> Document:
    """Return the messages body for a chat completions body. Raises Untranslatable."""
    if isinstance(document.get("n"), int) and document["n"] > 1:
        raise Untranslatable("Anthropic gives one choice", "n")
    given = [as_dict(message) for message in as_list(document.get("messages"))]
    messages: Document = {
        "model": document.get("model"),
        "max_tokens": _limit(document),
        "messages": _turns(given),
    }
    if system := _system(given, as_dict(document.get("response_format"))):
        messages["system"] = system
    _add_sampling(messages, document)
    _add_tools(messages, document)
    _add_thinking(messages, document)
    return messages


def _limit(document: Document) -> int:
    for name in ("max_completion_tokens", "max_tokens"):
        value = document.get(name)
        if isinstance(value, int) and value > 0:
            return int(value)
    return DEFAULT_MAX_TOKENS


def _system(messages: list[Document], form: Document) -> str:
    texts = [_plain(message) for message in messages if message.get("role") in ("system", "developer")]
    if form.get("type") == "json_object":
        texts.append("Answer with one JSON object and nothing else.")
    if form.get("type") == "json_schema":
        schema = msgspec.json.encode(as_dict(form.get("json_schema")).get("schema", {})).decode()
        texts.append(f"Answer with one JSON value that fits this JSON schema, and nothing else: {schema}")
    return "\n\n".join(text for text in texts if text)


def _turns(messages: list[Document]) -> list[Document]:
    """Return the turns; tool results and the user's words after them are one turn."""
    turns: list[Document] = []
    for index, message in enumerate(messages):
        role = message.get("role")
        if role in ("system", "developer"):
            continue
        blocks = _blocks(message, f"messages[{index}]")
        side = "assistant" if role == "assistant" else "user"
        if turns and turns[-1]["role"] == side:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": side, "content": blocks})
    return turns


def _blocks(message: Document, path: str) -> list[Document]:
    if message.get("role") in ("tool", "function"):
        result = {"type": "tool_result", "tool_use_id": message.get("tool_call_id") or message.get("name")}
        return [{**result, "content": _result(message.get("content"), path)}]
    blocks = _content(message.get("content"), path)
    for call in map(as_dict, as_list(message.get("tool_calls"))):
        function = as_dict(call.get("function"))
        value = tool_input(function.get("arguments"))
        blocks.append(
            {"type": "tool_use", "id": call.get("id"), "name": function.get("name"), "input": value}
        )
    return blocks


def _result(content: Any, path: str) -> Any:
    return content if isinstance(content, str) else _content(content, path)


def _content(content: Any, path: str) -> list[Document]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    parts = enumerate(map(as_dict, as_list(content)))
    return [_block(part, f"{path}.content[{index}]") for index, part in parts]


def _block(part: Document, path: str) -> Document:
    kind = part.get("type")
    if kind in ("text", "refusal"):
        block: Document = {"type": "text", "text": as_text(part.get("text") or part.get("refusal"))}
        return {**block, "cache_control": part["cache_control"]} if "cache_control" in part else block
    if kind == "image_url":
        image = part.get("image_url")
        url = image if isinstance(image, str) else as_text(as_dict(image).get("url"))
        return {"type": "image", "source": url_to_source(url)}
    if kind == "file":
        return file_block(part, path)
    raise Untranslatable(f"Anthropic takes no {kind!r} part", path)


def _plain(message: Document) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(as_text(as_dict(part).get("text")) for part in as_list(content))


def _add_sampling(messages: Document, document: Document) -> None:
    temperature = document.get("temperature")
    if temperature is not None:
        # OpenAI's range ends at 2, Anthropic's at 1. What is no number is the upstream's to refuse.
        messages["temperature"] = (
            min(temperature, 1) if isinstance(temperature, (int, float)) else temperature
        )
    for name in ("top_p", "top_k", "stream"):
        if document.get(name) is not None:
            messages[name] = document[name]
    stop = document.get("stop")
    if stop:
        messages["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    if document.get("user"):
        messages["metadata"] = {"user_id": document["user"]}


def _add_tools(messages: Document, document: Document) -> None:
    tools = [as_dict(tool) for tool in as_list(document.get("tools"))]
    if not tools:
        return
    messages["tools"] = [_tool(tool, index) for index, tool in enumerate(tools)]
    choice: Document = _choice(document.get("tool_choice"))
    if document.get("parallel_tool_calls") is False:
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    if choice:
        messages["tool_choice"] = choice


def _tool(tool: Document, index: int) -> Document:
    if tool.get("type") != "function":
        raise Untranslatable(f"Anthropic takes no {tool.get('type')!r} tool", f"tools[{index}].type")
    function = as_dict(tool.get("function"))
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    made: Document = {"name": function.get("name"), "input_schema": schema}
    return {**made, "description": function["description"]} if function.get("description") else made


def _choice(choice: Any) -> Document:
    if isinstance(choice, dict):
        return {"type": "tool", "name": as_dict(choice.get("function")).get("name")}
    kinds = {"auto": "auto", "required": "any", "none": "none"}
    kind = kinds.get(as_text(choice))
    return {"type": kind} if kind else {}


def _add_thinking(messages: Document, document: Document) -> None:
    budget = _BUDGETS.get(as_text(document.get("reasoning_effort")))
    if budget is None:
        return
    messages["thinking"] = {"type": "enabled", "budget_tokens": budget}
    # The budget is part of max_tokens, and thinking goes with no other temperature than the default.
    messages["max_tokens"] = max(messages["max_tokens"], budget + 1024)
    for name in ("temperature", "top_p", "top_k"):
        messages.pop(name, None)
