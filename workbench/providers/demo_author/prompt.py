"""Reading a workflow prompt: what is asked for, and the fenced sections it gives.

The form is described in `workbench.workflow.prompts`; it is read here from its text alone, as any model
would, so that the author stays below the workflow.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import msgspec

from workbench.domain.marker import Marker, find
from workbench.domain.message import Message

_FACT = re.compile(r"^(Name|Package|Gate|Purpose|Allowed paths): (.+)$", re.M)
WISH = "as asked: "
"""Begins a line of a plan's acceptance that quotes a wish."""
MAX_WISH = 200
_FORM_EXAMPLE = "(content)"
"""Stands for a file's content where the prompt shows the form of the answer."""


class Section(msgspec.Struct, frozen=True):
    """One fenced piece: its label (BRIEF, FILE, LOG…), its name (a path, a gate), its text."""

    label: str
    name: str
    text: str


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow prompt, read. `refusals` are what was wrong with earlier answers to it, oldest first."""

    marker: Marker
    brief: str
    name: str = "generated"
    package: str = "generated"
    gate: str = ""
    log: str = ""
    allowed: tuple[str, ...] = ()
    files: dict[str, str] = {}
    feedback: tuple[str, ...] = ()
    """What was said to earlier plans, as typed; only a plan prompt shows it."""
    wishes: tuple[str, ...] = ()
    """The same, shortened, as plans carry it on to the prompts for files and repairs."""
    refusals: tuple[str, ...] = ()


def read(messages: Sequence[Message]) -> Prompt | None:
    """Return the workflow prompt that the newest user message asks, or None for any other conversation.

    A re-ask holds only the errors; what it asks for stands in the first message with the same marker.
    """
    asked = [message.text() for message in messages if message.role == "user"]
    marker = _marker(asked[-1]) if asked else None
    if marker is None:
        return None
    same = [text for text in asked if _marker(text) == marker]
    facts = _facts(same[0])
    found = sections(same[0], marker.nonce)
    feedback = tuple(part.text for part in found if part.label == "FEEDBACK")
    return Prompt(
        marker=marker,
        brief=_text(found, "BRIEF"),
        name=facts.get("Name", "generated"),
        package=facts.get("Package", "generated"),
        gate=facts.get("Gate", ""),
        log=_text(found, "LOG"),
        allowed=tuple(facts.get("Allowed paths", "").split(", ")),
        files={part.name: part.text for part in found if part.label == "FILE" and part.text != _FORM_EXAMPLE},
        feedback=feedback,
        wishes=tuple(map(shortened, feedback)) or _planned_wishes(_text(found, "PLAN")),
        refusals=tuple(_text(sections(text, marker.nonce), "ERRORS") for text in same[1:]),
    )


def sections(text: str, nonce: str) -> list[Section]:
    """Return the sections of `text` that are fenced with `nonce`; fences with another one are plain text."""
    fence = re.compile(
        rf"^=== ([A-Z]+) {re.escape(nonce)}(?: ([^\n]+))?\n(.*?)\n?^=== END {re.escape(nonce)}$", re.M | re.S
    )
    return [Section(label, name, body) for label, name, body in fence.findall(text)]


def shortened(wish: str) -> str:
    """Return a wish on one line, cut to what a plan quotes of it."""
    return " ".join(wish.split())[:MAX_WISH]


def _planned_wishes(plan: str) -> tuple[str, ...]:
    try:
        lines = json.loads(plan).get("acceptance", [])
    except (ValueError, AttributeError):
        return ()
    found = [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []
    return tuple(line.removeprefix(WISH) for line in found if line.startswith(WISH))


def _marker(text: str) -> Marker | None:
    """The first line's marker counts: a later one may be part of somebody's brief."""
    return find(text.partition("\n")[0]) or find(text)


def _facts(text: str) -> dict[str, str]:
    """Return the facts above the first section; what a brief says in their form is no fact."""
    return dict(_FACT.findall(text.partition("\n=== ")[0]))


def _text(found: Sequence[Section], label: str) -> str:
    return next((part.text for part in found if part.label == label), "")
