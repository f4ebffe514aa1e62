"""One tool call, where the request offers tools: the one that is forced, or that the words ask for.

A client may really run what is called, a coding agent's shell for one. So only tools that look something up
are called unforced and with the user's words; any other gets the word "demo" wherever it takes a text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from workbench.domain.message import Message, as_dict, as_list, as_text
from workbench.domain.text import one_line
from workbench.providers.demo_author.chat import last_user_text
from workbench.providers.demo_author.structured import example

_LOOK_UP = re.compile(r"(get|list|find|search|look_?up|describe|count|calculate)(?![a-z])")


class Tool(msgspec.Struct, frozen=True):
    """A function that may be called, whichever dialect described it."""

    name: str
    parameters: dict[str, Any]


def call(messages: Sequence[Message], request: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Return name and arguments of the call to make, or None.

    A call is made once: when the newest message is a tool's result, words follow.
    """
    offered = _offered(request)
    choice = request.get("tool_choice")
    if not offered or choice == "none" or as_dict(choice).get("type") == "none" or _answered(messages):
        return None
    said = last_user_text(messages)
    asked = (tool for tool in offered if _looks_up(tool.name) and _mentioned(tool.name, said))
    tool = _forced(choice, offered) or next(asked, None)
    if tool is None:
        return None
    words = one_line(said, 120) if _looks_up(tool.name) else "demo"
    arguments = example({"type": "object"} | tool.parameters, words, tool.parameters)
    return tool.name, as_dict(arguments)


def _offered(request: dict[str, Any]) -> list[Tool]:
    found = []
    for item in map(as_dict, as_list(request.get("tools"))):
        function = as_dict(item.get("function")) or item
        schema = as_dict(function.get("parameters") or function.get("input_schema"))
        if name := as_text(function.get("name")):
            found.append(Tool(name, schema))
    return found


def _answered(messages: Sequence[Message]) -> bool:
    return bool(messages) and any(part.kind == "tool_result" for part in messages[-1].parts)


def _forced(choice: Any, offered: Sequence[Tool]) -> Tool | None:
    named = as_dict(choice).get("name") or as_dict(as_dict(choice).get("function")).get("name")
    if named:
        return next((tool for tool in offered if tool.name == named), None)
    forced = (
        choice in {"required", "any"} if isinstance(choice, str) else as_dict(choice).get("type") == "any"
    )
    return offered[0] if forced else None


def _looks_up(name: str) -> bool:
    return _LOOK_UP.match(name) is not None


def _mentioned(name: str, said: str) -> bool:
    """Tell whether the words hold a telling part of the tool's name: ``get_weather`` and "the weather"."""
    parts = re.findall(r"[a-z]{4,}", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower())
    return any(part in said.lower() for part in parts if part not in {"tool", "call", "function"})
