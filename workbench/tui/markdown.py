"""A conversation as Markdown, for notes and bug reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.message import Message, Part

if TYPE_CHECKING:
    from workbench.replay.recorded import Recorded


def as_markdown(recorded: Recorded) -> str:
    """Return request and answer, a heading for each message; exact words, code fenced."""
    exchange = recorded.exchange
    head = f"<!-- {exchange.id} {exchange.model} status {exchange.status} -->\n"
    messages = [*recorded.messages, *recorded.answer.messages]
    parts = [head, *(_message(message) for message in messages)]
    if recorded.problem:
        parts.append(f"> {recorded.problem}\n")
    return "\n".join(parts)


def _message(message: Message) -> str:
    return f"### {message.role}\n\n" + "\n\n".join(_part(part) for part in message.parts) + "\n"


def _part(part: Part) -> str:
    match part.kind:
        case "text" | "refusal":
            return part.text
        case "tool_call":
            return f"**calls {part.name}**\n\n{_fenced(part.text, 'json')}"
        case "tool_result":
            return f"**result**\n\n{_fenced(part.text)}"
        case "reasoning":
            return "\n".join(f"> {line}" for line in part.text.split("\n"))
        case _:
            return f"*[{part.kind}: {part.text}]*"


def _fenced(text: str, language: str = "") -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"
