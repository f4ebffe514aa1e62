"""Which dialect is translated into which, and what a translation is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
MESSAGES = "/v1/messages"
COMPLETIONS = "/v1/completions"


class Untranslatable(ValueError):
    """The request holds something the other dialect has no word for; `path` names it."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class StreamTranslator(Protocol):
    """Turns an upstream's stream into the client's dialect, event by event."""

    def feed(self, data: dict[str, Any]) -> bytes:
        """Take one decoded event; return the bytes for the client (may be empty)."""
        ...

    def close(self) -> bytes:
        """Take the clean end of the stream; return the client's terminal events."""
        ...


class Translation(msgspec.Struct, frozen=True, kw_only=True):
    """From a client's endpoint to an upstream's and back."""

    source: str
    target: str
    request: Callable[[dict[str, Any]], dict[str, Any]]
    """The client's body -> the upstream's body. Raises Untranslatable."""
    answer: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]
    """(the upstream's answer, the client's request) -> the client's answer."""
    stream: Callable[[dict[str, Any]], StreamTranslator]
    """The client's request -> a translator for its stream."""


def translation(source: str, targets: frozenset[str]) -> Translation | None:
    """Return the way from the client's endpoint to one the upstream speaks, or None."""
    del source, targets
    return None
