"""Requests and answers as plain text, line by line: what diffs are made of."""

from __future__ import annotations

import json
from collections.abc import Iterable

import msgspec

from workbench.domain.message import Message, Part
from workbench.replay.recorded import Recorded


def request_text(recorded: Recorded) -> str:
    """Return the request: its parameters as JSON, then every message under its role."""
    blocks = [_parameters(recorded.request), *(_message(message) for message in recorded.messages)]
    return "\n\n".join(block for block in blocks if block)


def answer_text(recorded: Recorded, *, reasoning: bool = True) -> str:
    """Return the answer's words and tool calls; the error's words, or the body as JSON, where it has none."""
    answer = recorded.answer
    if not recorded.ok and not answer.messages:
        return answer.error or _pretty(recorded.response)
    messages = [
        _parts(part for part in message.parts if reasoning or part.kind != "reasoning")
        for message in answer.messages
    ]
    if any(messages):
        text = "\n\n".join(messages)
        return f"{text}\n\n[error] {answer.error}" if answer.error else text
    return _pretty(recorded.response)


def tool_calls(recorded: Recorded) -> list[tuple[str, object]]:
    """Return the answer's tool calls in order: name, and the arguments parsed where they are JSON."""
    return [
        (part.name or "", _parsed(part.text))
        for message in recorded.answer.messages
        for part in message.parts
        if part.kind == "tool_call"
    ]


def _message(message: Message) -> str:
    head = f"[{message.role}]" if message.name is None else f"[{message.role} {message.name}]"
    return f"{head}\n{_parts(message.parts)}"


def _parts(parts: Iterable[Part]) -> str:
    return "\n".join(_part(part) for part in parts)


def _part(part: Part) -> str:
    if part.kind in ("text", "refusal"):
        return part.text
    if part.kind == "tool_call":
        arguments = _parsed(part.text)
        shown = (
            arguments if isinstance(arguments, str) else json.dumps(arguments, indent=2, ensure_ascii=False)
        )
        return f"[tool_call {part.name}]\n{shown}"
    name = f" {part.name}" if part.name else ""
    return f"[{part.kind}{name}]\n{part.text}"


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _parameters(body: bytes) -> str:
    """Return the body without what the messages say already, keys sorted: their order says nothing."""
    try:
        document = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body.decode("utf-8", "replace")
    if not isinstance(document, dict):
        return _pretty(body)
    rest = {
        name: value
        for name, value in document.items()
        if name not in ("messages", "system", "input", "instructions", "prompt")
    }
    return json.dumps(rest, indent=2, ensure_ascii=False, sort_keys=True)


def _pretty(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body.decode("utf-8", "replace")
