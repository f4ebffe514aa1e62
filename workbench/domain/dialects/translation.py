"""Which dialect is translated into which, and what a translation is.

Pure: decoded JSON in, decoded JSON out. A translation keeps text, system prompts, tools and their results,
images, reasoning, stop reasons and usage; members that only one dialect knows are left out, and what would
change the meaning of the request is refused (`Untranslatable`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
MESSAGES = "/v1/messages"
COMPLETIONS = "/v1/completions"

Document = dict[str, Any]


class Untranslatable(ValueError):
    """The request holds something the other dialect has no word for; `path` names it."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class Out(msgspec.Struct, frozen=True):
    """One event for the client: its data, and its name in dialects that name events."""

    data: Document
    event: str | None = None


class StreamTranslator(Protocol):
    """Turns an upstream's stream into the client's dialect, event by event."""

    def feed(self, data: Document) -> list[Out]:
        """Take one decoded event; return the client's events it brings (may be none)."""
        ...

    def close(self) -> list[Out]:
        """Take the clean end of the stream; return what ends the client's."""
        ...


class Translation(msgspec.Struct, frozen=True, kw_only=True):
    """From a client's endpoint to an upstream's and back."""

    source: str
    target: str
    request: Callable[[Document], Document]
    """The client's body -> the upstream's body. Raises Untranslatable."""
    answer: Callable[[Document, Document], Document]
    """(the upstream's answer, the client's request) -> the client's answer."""
    stream: Callable[[Document], StreamTranslator]
    """The client's request -> a translator for its stream."""

    def encode(self, outs: Iterable[Out]) -> bytes:
        """Return the events as the client's dialect writes them."""
        return b"".join(_encoded(out) for out in outs)

    def encode_end(self, outs: Iterable[Out]) -> bytes:
        """Return the last events, and ``[DONE]`` where the client's dialect ends with it."""
        done = b"data: [DONE]\n\n" if self.source in (CHAT, COMPLETIONS) else b""
        return self.encode(outs) + done


def translation(source: str, targets: frozenset[str]) -> Translation | None:
    """Return the way from the client's endpoint to one the upstream speaks, or None."""
    from workbench.domain.dialects.ways import WAYS

    for target in (CHAT, MESSAGES):
        if target in targets and (source, target) in WAYS:
            return WAYS[source, target]
    return None


def carried(document: Document) -> Document:
    """Return our own member of an answer: canned answers stay marked in every dialect."""
    return {"workbench": document["workbench"]} if "workbench" in document else {}


def _encoded(out: Out) -> bytes:
    name = b"event: " + out.event.encode() + b"\n" if out.event else b""
    return name + b"data: " + msgspec.json.encode(out.data) + b"\n\n"
