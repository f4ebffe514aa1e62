"""The demo provider: canned, deterministic answers without any key. Its words come from `demo_author`."""

from __future__ import annotations

import asyncio

from workbench.domain.conversation import messages_of
from workbench.providers.canned import Pace, Words, canned_answer, decoded
from workbench.providers.provider import EMBEDDINGS, Answer, Call

_PACE = Pace(chunk_chars=18, wait_s=0.006, most_s=0.6)


class DemoProvider:
    """Answers in this process; a stream comes at about the pace of a quick model."""

    name = "demo"

    async def send(self, call: Call) -> Answer:
        """Return the canned answer. Raises ProviderFailure for a body that is no JSON object."""
        from workbench.providers.demo_author.author import answer

        request = decoded(call)
        if call.endpoint == EMBEDDINGS:
            return canned_answer(call, request, Words())
        messages = messages_of(call.endpoint, request)
        reply = await asyncio.to_thread(answer, call.deployment.model, messages, request=request)
        words = Words(text=reply.text, tool=reply.tool, finish_reason=reply.finish_reason)
        return canned_answer(call, request, words, _PACE)

    async def aclose(self) -> None:
        """Nothing to close."""
