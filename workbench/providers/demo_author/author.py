"""What the built-in demo models say: canned answers, worked out from the request alone.

Pure and deterministic: the same request always gets the same answer, nothing is remembered between
requests, and nothing is read but this package's own templates. Workflow prompts (known by their marker
line) are answered with small programs that fit the brief; everything else with something short and useful.

Models: ``demo`` is right at once; ``demo-flaky`` makes one mistake and mends it from the gate's log;
``demo-truncating`` is cut short until it is given more room; ``demo-hostile`` misbehaves in every way that
the workflow defends against. Any other name is answered as ``demo``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from workbench.domain.message import Message
from workbench.providers.demo_author import (
    chat,
    flaky,
    hostile,
    prompt,
    structured,
    tools,
    truncating,
    workflow,
)

FinishReason = Literal["stop", "length", "tool_calls"]
MODELS = ("demo", "demo-flaky", "demo-truncating", "demo-hostile")
CHARS_PER_TOKEN = 4
"""A rough measure, for ``max_tokens`` of a prompt that is no workflow's."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer: words, or one tool call, and why it ended (in the words of chat completions)."""

    text: str = ""
    tool: tuple[str, dict[str, Any]] | None = None
    """Name and arguments of the one call; `text` is empty then."""
    finish_reason: FinishReason = "stop"


def answer(model: str, messages: Sequence[Message], *, request: dict[str, Any]) -> Reply:
    """Return the answer of `model` to `messages`, oldest first.

    `request` is the decoded request body; read are ``max_tokens`` and its synonyms, ``response_format``,
    ``tools`` and ``tool_choice``, whichever dialect they are in. Never raises for what a client may send.
    """
    asked = prompt.read(messages)
    if asked is not None:
        return _to_workflow(model, asked, request)
    call = tools.call(messages, request)
    if call is not None:
        return Reply(tool=call, finish_reason="tool_calls")
    form = structured.form(request)
    if form is not None:
        return Reply(text=structured.reply(form, messages))
    return _cut(chat.reply(messages, hostile=model == "demo-hostile"), structured.max_tokens(request))


def reply(model: str, messages: Sequence[Message], *, request: dict[str, Any]) -> str:
    """Return only the words of `answer`."""
    return answer(model, messages, request=request).text


def tool_call(messages: Sequence[Message], request: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Return the name and arguments of the tool call that the request asks for, or None."""
    return tools.call(messages, request)


def _to_workflow(model: str, asked: prompt.Prompt, request: dict[str, Any]) -> Reply:
    if model == "demo-truncating":
        text, cut = truncating.answer(asked, structured.max_tokens(request))
        return Reply(text=text, finish_reason="length" if cut else "stop")
    speak = {"demo-flaky": flaky.answer, "demo-hostile": hostile.answer}.get(model, workflow.answer)
    return Reply(text=speak(asked))


def _cut(text: str, max_tokens: int | None) -> Reply:
    if max_tokens is not None and len(text) > max_tokens * CHARS_PER_TOKEN:
        return Reply(text=text[: max_tokens * CHARS_PER_TOKEN], finish_reason="length")
    return Reply(text=text)
