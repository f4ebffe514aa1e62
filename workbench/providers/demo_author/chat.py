"""Short answers to prompts that are not the workflow's: a sum, a greeting, an echo, a pointer onward."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.domain.message import Message
from workbench.domain.text import one_line
from workbench.providers.demo_author import arithmetic
from workbench.providers.demo_author.hostile import TERMINAL

ABOUT = "I am the built-in demo: this answer is canned, no model was asked."
_POINTERS = (
    (
        ("generate", "build", "write", "code", "program"),
        'workbench generate "a slug library with tests" --model demo',
    ),
    (("replay", "again", "compare", "diff"), "workbench replay EXCHANGE --model MODEL"),
    (("find", "search", "filter", "record", "history"), "workbench exchanges list 'text:hello since:1h'"),
    (("key", "provider", "openai", "anthropic", "deepseek", "real"), "workbench models"),
    (("error", "wrong", "broken", "fail", "problem"), "workbench doctor"),
)
_GREETING = re.compile(r"\W*(hi|hello|hey|ping|good (morning|evening|day)|ciao|hola|hallo)\b", re.I)


def last_user_text(messages: Sequence[Message]) -> str:
    """Return the text of the newest user message, or nothing."""
    return next((message.text() for message in reversed(messages) if message.role == "user"), "")


def reply(messages: Sequence[Message], *, hostile: bool = False) -> str:
    """Return a short, useful answer to the newest message; `hostile` adds what no terminal should obey."""
    text = f"{_essence(messages)}\n\n{ABOUT} {_pointer(last_user_text(messages))}"
    return f"{TERMINAL}{text}{TERMINAL}" if hostile else text


def _essence(messages: Sequence[Message]) -> str:
    if messages and messages[-1].role == "tool":
        return f"The tool answered: {one_line(messages[-1].text(), 200)}"
    said = last_user_text(messages)
    total = arithmetic.solve(said)
    if total is not None:
        return total
    if not said.strip():
        return "You sent no text."
    if _GREETING.match(said):
        turns = sum(message.role == "user" for message in messages)
        return "Hello!" if turns == 1 else f"Hello again; this is turn {turns} of our conversation."
    return f"You asked: {one_line(said, 160)}"


def _pointer(said: str) -> str:
    words = said[:2000].lower()
    command = next((command for stems, command in _POINTERS if any(stem in words for stem in stems)), None)
    return f"Try `{command or 'workbench models'}` next."
