"""The echo provider: says back the last thing the user said, or what the config's ``mock_response`` says."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from typing import Any

from workbench.domain.conversation import messages_of
from workbench.providers.canned import Words, canned_answer, decoded
from workbench.providers.provider import Answer, Call


class EchoProvider:
    """Answers in this process at once."""

    name = "echo"

    def __init__(self, draw: Callable[[], float] = random.random) -> None:
        self._draw = draw

    async def send(self, call: Call) -> Answer:
        """Return the echo. Raises ProviderFailure for a body that is no JSON object."""
        request = decoded(call)
        if self._draw() < float(call.deployment.params.get("mock_failure_rate", 0)):
            return _failure()
        fixed = call.deployment.params.get("mock_response")
        text = fixed if isinstance(fixed, str) else last_words(call.endpoint, request)
        return canned_answer(call, request, Words(text=text))

    async def aclose(self) -> None:
        """Nothing to close."""


def _failure() -> Answer:
    """Return what an imported mock with a ``mock_failure_rate`` answers now and then."""

    async def body() -> AsyncIterator[bytes]:
        yield b'{"error":{"message":"a mock failure, as configured","type":"server_error"}}'

    return Answer(status=500, headers=[("Content-Type", "application/json")], chunks=body())


def last_words(endpoint: str, request: dict[str, Any]) -> str:
    """Return the text of the last message that is not the assistant's, else of the last one."""
    messages = messages_of(endpoint, request)
    asked = [message for message in messages if message.role != "assistant"] or messages
    return asked[-1].text() if asked else ""
