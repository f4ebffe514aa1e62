"""One line that says what an exchange was about."""

from __future__ import annotations

from workbench.domain import marker as markers
from workbench.domain.conversation import request_messages
from workbench.domain.text import one_line


def asked(endpoint: str, body: bytes) -> str:
    """Return the last user message's beginning, or the last message's; empty when there is none."""
    messages = request_messages(endpoint, body)
    users = [message for message in messages if message.role == "user"]
    for message in reversed(users or messages):
        if text := message.text().strip():
            return _first_line(text)
    return ""


def _first_line(text: str) -> str:
    marker = markers.find(text)
    if marker is not None:
        return one_line(" ".join(part for part in (marker.kind, marker.path) if part))
    return one_line(text[:400])
