"""Short answers to prompts that are not the workflow's: a greeting, a sum, an echo, a pointer onward."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.domain.message import Message
from workbench.domain.text import one_line

_ABOUT = (
    "I am the built-in demo: a canned answer, no model was asked. "
    '`workbench models` lists what else can answer; `workbench generate "a slug library"` shows what I write.'
)


def last_user_text(messages: Sequence[Message]) -> str:
    """Return the text of the newest user message, or nothing."""
    return next((message.text() for message in reversed(messages) if message.role == "user"), "")


def reply(messages: Sequence[Message]) -> str:
    """Return a short, useful answer to the newest user message."""
    said = last_user_text(messages)
    echo = f"You said: {one_line(said, 160)}\n\n" if said.strip() else ""
    return echo + _ABOUT
