"""One recorded exchange with its two bodies, as replay reads it."""

from __future__ import annotations

from functools import cached_property

from workbench.domain import conversation
from workbench.domain.answer import Answer
from workbench.domain.exchange import Exchange
from workbench.domain.message import Message


class Recorded:
    """An exchange, the client's bytes and the bytes it got; what they say is read once, when asked for."""

    def __init__(self, exchange: Exchange, request: bytes, response: bytes) -> None:
        self.exchange = exchange
        self.request = request
        self.response = response

    @cached_property
    def answer(self) -> Answer:
        """What the model said; incomplete when the body is missing, cut or no answer."""
        return conversation.answer(self.exchange.endpoint, self.response, stream=self.exchange.stream)

    @cached_property
    def messages(self) -> list[Message]:
        """What the model was told, oldest first."""
        return conversation.request_messages(self.exchange.endpoint, self.request)

    @property
    def ok(self) -> bool:
        """Whether the client got a whole and successful answer."""
        status = self.exchange.status
        return status is not None and 200 <= status < 300 and self.answer.complete

    @property
    def problem(self) -> str | None:
        """One line about why it is not `ok`, None when it is."""
        if self.ok:
            return None
        said = self.exchange.error or self.answer.error
        status = self.exchange.status
        if status is None or status < 400:
            return said or f"the answer is not complete ({self.exchange.state})"
        return f"status {status}: {said}" if said else f"status {status}"
