"""Asking the model, through the router like any client, and never twice for the same thing.

Before a call: a complete answer kept in the run's folder, or recorded in the store by the router after
we were killed, is used instead. The budget is asked before anything is sent. After it, request and
answer are kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import urllib.parse
from collections.abc import Callable
from typing import Any

import msgspec

from workbench.client import RouterClient
from workbench.domain.conversation import answer as read_answer
from workbench.domain.errors import (
    LimitReached,
    RouterUnreachable,
    UnusableAnswer,
    UpstreamError,
    WorkbenchError,
)
from workbench.domain.payload import Payload
from workbench.workflow.artifacts import Answer
from workbench.workflow.budget import Budget, Reservation
from workbench.workflow.dialect import Dialect
from workbench.workflow.job import Job
from workbench.workflow.prompts import Messages

ENDPOINT = "/v1/chat/completions"
_RETRIED = frozenset({429, 502, 503, 504})
_TRIES = 3
_LONGEST_PAUSE_S = 20.0
_USED = ("calls", "input_tokens", "output_tokens", "cost_usd")

Delta = Callable[[str], None]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a model. `key` names its files; `step` labels the recorded exchange."""

    key: str
    step: str
    messages: Messages
    max_output: int
    schema: dict[str, object] | None = None
    part_of: dict[str, Any] | None = None
    """The step's ``detail``, which learns what the answer cost."""


class Asker:
    """The one way a run talks to a model."""

    def __init__(self, job: Job, client: RouterClient, budget: Budget) -> None:
        self._job, self._client, self.budget = job, client, budget
        self._dialect = Dialect()
        self._recorded: dict[str, str] | None = None
        self.asked = 0
        """Calls that were really made by this process."""

    async def ask(self, question: Question, on_delta: Delta | None = None) -> Answer:
        """Return a complete answer. Raises LimitReached before a call, UpstreamError and others after it."""
        hashed = self._hash(question)
        kept = self._job.folder.answer(question.key)
        if kept is None or kept.request_sha256 != hashed:
            kept = await self._from_store(question, hashed)
        if kept is None:
            kept = await self._call(question, hashed, on_delta)
        elif on_delta is not None:
            on_delta(kept.text)
        self._count(question, kept)
        return kept

    def _count(self, question: Question, answer: Answer) -> None:
        """Add the answer to what its step says it used."""
        if question.part_of is None:
            return
        used = question.part_of.setdefault("used", dict.fromkeys(_USED, 0))
        used["calls"] += 1
        used["input_tokens"] += answer.input_tokens
        used["output_tokens"] += answer.output_tokens
        used["cost_usd"] = round(used["cost_usd"] + (answer.cost_usd or 0.0), 6)
        question.part_of.setdefault("exchanges", []).append(answer.exchange)

    def _hash(self, question: Question) -> str:
        document = [self._job.state.model, question.messages, question.max_output]
        return hashlib.sha256(msgspec.json.encode(document)).hexdigest()

    async def _call(self, question: Question, hashed: str, on_delta: Delta | None) -> Answer:
        chars = sum(len(str(message["content"])) for message in question.messages)
        reservation = self.budget.reserve(chars, question.max_output)
        answer: Answer | None = None
        try:
            answer = await self._understood(question, reservation.max_output, hashed, on_delta)
        finally:
            self._settle(reservation, answer, chars)
        self._job.folder.save_answer(question.key, answer)
        return answer

    def _settle(self, reservation: Reservation, answer: Answer | None, chars: int) -> None:
        """Count what was used; a call that broke is counted by its input, which the provider may charge."""
        self.asked += 1
        self.budget.settle(
            reservation,
            input_tokens=answer.input_tokens if answer else chars // 4,
            output_tokens=answer.output_tokens if answer else 0,
            usd=answer.cost_usd if answer else None,
        )

    def _payload(self, question: Question, options: dict[str, Any]) -> Payload:
        """Return what `RouterClient.chat_text` sends, so that `workbench replay` can send it again."""
        body = {"model": self._job.state.model, "messages": question.messages, "stream": True, **options}
        headers = [("Content-Type", "application/json")]
        return Payload(endpoint=ENDPOINT, body=msgspec.json.encode(body), headers=headers)

    def _headers(self, question: Question) -> list[tuple[str, str]]:
        return [
            ("X-Workbench-Run", self._job.state.run),
            ("X-Workbench-Step", _label(question)),
            ("X-Workbench-Tags", "workflow"),
        ]

    async def _understood(
        self, question: Question, max_output: int, hashed: str, on_delta: Delta | None
    ) -> Answer:
        """Send the question, put in the model's own way if it refuses the usual one."""
        while True:
            options = self._dialect.options(max_output, question.schema)
            self._job.folder.save_payload(question.key, self._payload(question, options))
            try:
                return await self._send(question, options, hashed, on_delta)
            except UpstreamError as error:
                if not self._dialect.learn(error, options):
                    raise
                self._job.note(f"asked again in another way: {error}")

    async def _send(
        self, question: Question, options: dict[str, Any], hashed: str, on_delta: Delta | None
    ) -> Answer:
        for number in range(1, _TRIES + 1):
            try:
                return await self._stream(question, options, hashed, on_delta)
            except (UpstreamError, RouterUnreachable) as error:
                if number == _TRIES or not _passes(error):
                    raise
                waited = error.retry_after if isinstance(error, UpstreamError) else None
                pause = min(waited or 0.5 * 2**number, _LONGEST_PAUSE_S)
                self._job.note(f"{error}; again in {pause:g} s")
                await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    async def _stream(
        self, question: Question, options: dict[str, Any], hashed: str, on_delta: Delta | None
    ) -> Answer:
        try:
            async with asyncio.timeout(self.budget.wall_left()):
                reply = await self._client.chat_text(
                    self._job.state.model,
                    question.messages,
                    headers=self._headers(question),
                    options=options,
                    on_text=on_delta,
                )
        except TimeoutError:
            raise LimitReached("the run's time was used up during a call") from None
        if not reply.answer.complete:
            raise UnusableAnswer("the answer broke off: the stream ended without its last event")
        usage = reply.answer.usage
        return await self._with_facts(
            Answer(
                request_sha256=hashed,
                text=reply.text,
                finish_reason=reply.answer.finish_reason,
                exchange=reply.exchange,
                provider=None,
                input_tokens=usage.input_tokens or 0,
                output_tokens=usage.output_tokens or len(reply.text) // 4,
            )
        )

    async def _with_facts(self, answer: Answer) -> Answer:
        """Add what only the recording knows: the provider and the cost."""
        if answer.exchange is None:
            return answer
        try:
            exchange = await asyncio.to_thread(self._job.store.exchange, answer.exchange)
        except WorkbenchError:
            return answer
        return msgspec.structs.replace(
            answer,
            provider=exchange.provider,
            cost_usd=exchange.cost_usd,
            input_tokens=answer.input_tokens or exchange.input_tokens or 0,
        )

    async def _from_store(self, question: Question, hashed: str) -> Answer | None:
        """Return an answer that the router recorded whole while we were gone."""
        if self._recorded is None:
            self._recorded = await asyncio.to_thread(self._recorded_steps)
        exchange = self._recorded.get(_label(question))
        if exchange is None:
            return None
        body = await asyncio.to_thread(self._job.store.body, exchange, "response")
        said = read_answer(ENDPOINT, body, stream=True)
        if not said.complete or not said.text:
            return None
        kept = Answer(
            request_sha256=hashed,
            text=said.text,
            finish_reason=said.finish_reason,
            exchange=exchange,
            provider=None,
            input_tokens=said.usage.input_tokens or 0,
            output_tokens=said.usage.output_tokens or 0,
        )
        kept = await self._with_facts(kept)
        self._job.folder.save_answer(question.key, kept)
        self._count_once(kept)
        self._job.note(f"{question.step}: the recorded answer {exchange} is used")
        return kept

    def _count_once(self, answer: Answer) -> None:
        spent = self.budget.spent
        spent.calls += 1
        spent.input_tokens += answer.input_tokens
        spent.output_tokens += answer.output_tokens
        spent.usd += answer.cost_usd or 0.0

    def _recorded_steps(self) -> dict[str, str]:
        """Return step label -> exchange id of this run's complete answers by the run's model, newest wins."""
        found: dict[str, str] = {}
        before = None
        try:
            while True:
                page = self._job.store.exchanges(f"run:{self._job.state.run}", before=before, limit=200)
                for exchange in page.items:
                    good = (
                        exchange.state == "complete" and exchange.status == 200 and exchange.replay_of is None
                    )
                    if good and exchange.step and exchange.model == self._job.state.model:
                        found.setdefault(exchange.step, exchange.id)
                before = page.next
                if before is None:
                    return found
        except WorkbenchError:
            return found


def _label(question: Question) -> str:
    """Return the step as a header value: paths may hold letters that headers can't."""
    return urllib.parse.quote(question.step, safe="/:#")


def _passes(error: UpstreamError | RouterUnreachable) -> bool:
    """Tell whether the fault may be gone in a moment: limits, a broken stream, a router that restarts."""
    return isinstance(error, RouterUnreachable) or error.status in _RETRIED or error.status < 400
