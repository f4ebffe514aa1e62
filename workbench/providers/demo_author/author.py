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
from workbench.providers.demo_author import chat

FinishReason = Literal["stop", "length", "tool_calls"]


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
    return Reply(text=chat.reply(messages))


def reply(model: str, messages: Sequence[Message], *, request: dict[str, Any]) -> str:
    """Return only the words of `answer`."""
    return answer(model, messages, request=request).text


def tool_call(messages: Sequence[Message], request: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Return the name and arguments of the tool call that the request asks for, or None."""
    return None
