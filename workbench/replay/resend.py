"""Send recorded requests again, through the router like any client, and judge the answers.

Each replay is a new exchange that names its original (``X-Workbench-Replay-Of``). More than one request
makes a run of kind ``replay`` around them, so that they are found again together. Nothing is retried
here: the router does that.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any

import msgspec

from workbench.client import ClientAnswer, RouterClient
from workbench.domain.errors import RouterUnreachable, UnknownId, UsageError
from workbench.domain.exchange import Exchange, Headers
from workbench.domain.payload import Payload
from workbench.domain.verdict import Comparison
from workbench.replay import headers as names
from workbench.replay.compare import compare
from workbench.replay.edit import Edit, apply_edits
from workbench.replay.recorded import Recorded
from workbench.replay.source import Pending, Source, exchange_source, pending, read_recorded
from workbench.store.store import Reader


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is different this time. `model` None keeps the request's own."""

    model: str | None = None
    edits: tuple[Edit, ...] = ()
    playback: bool = False
    fast: bool = False
    """Playback without the original's pauses."""
    run: str | None = None
    tags: tuple[str, ...] = ()
    headers: Headers = []


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """One replay: where it came from, what it became, and the verdict (None when there is no original).

    `problem` is one line about an answer that is not whole and successful.
    """

    source: str
    model: str
    exchange: str | None
    """Id of the new exchange; None when the router could not record it."""
    replay: Recorded
    comparison: Comparison | None
    problem: str | None = None
    original: Recorded | None = None
    run: str | None = None
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form: the comparison's fields, flat, with the replay's own."""
        judged = msgspec.to_builtins(self.comparison) if self.comparison else {}
        answered = self.replay.exchange
        return {
            "source": self.source,
            "original": None,
            "replay": self.exchange,
            "verdict": None,
            "similarity": None,
            "reasons": [],
            "diff": "",
            "facts": {},
            **judged,
            "model": self.model,
            "status": answered.status,
            "problem": self.problem,
            "run": self.run,
            "warnings": list(self.warnings),
        }

    def lean(self) -> Replayed:
        """Return the result without any body, for keeping many."""
        return msgspec.structs.replace(self, replay=Recorded(self.replay.exchange, b"", b""), original=None)


Job = tuple[Pending, Options]


def prepare(source: Source, options: Options) -> tuple[Payload, Headers]:
    """Return the payload and our own headers of a replay. Pure. Raises UsageError for a bad edit."""
    edits = options.edits
    if options.model is not None:
        edits = (*edits, Edit(("model",), options.model))
    payload = msgspec.structs.replace(source.payload, body=apply_edits(source.payload.body, edits))
    own: Headers = list(options.headers)
    if source.original is not None:
        own.append((names.REPLAY_OF, source.original.exchange.id))
        if options.playback:
            own.append((names.PLAYBACK, source.original.exchange.id))
            own.append((names.PLAYBACK_SPEED, "fast" if options.fast else "original"))
    elif options.playback:
        raise UsageError(f"{source.name} is a file: only a recorded exchange can be played back")
    if options.run:
        own.append((names.RUN, options.run))
    if options.tags:
        own.append((names.TAGS, ",".join(options.tags)))
    return payload, own


async def resend(reader: Reader, client: RouterClient, source: Source, options: Options) -> Replayed:
    """Send one source once and judge the answer.

    An answer with an error status is a result, not an exception. Raises UsageError for a bad edit,
    RouterUnreachable when no answer came at all.
    """
    payload, own = prepare(source, options)
    answer = await _send(client, payload, own)
    replay = await asyncio.to_thread(_recorded, reader, payload, answer)
    comparison = None
    if source.original is not None and not _answer_is_gone(source.original):
        comparison = await asyncio.to_thread(compare, source.original, replay)
    return Replayed(
        source=source.name,
        model=options.model or _asked_model(payload.body),
        exchange=answer.exchange,
        replay=replay,
        comparison=comparison,
        problem=replay.problem,
        original=source.original,
        run=options.run,
        warnings=source.warnings,
    )


async def _send(client: RouterClient, payload: Payload, own: Headers) -> ClientAnswer:
    """Return the answer; one that breaks off is what had come by then, to be judged like any other."""
    body = bytearray()
    async with client.stream(payload, own) as reply:
        with contextlib.suppress(RouterUnreachable):
            async for chunk in reply:
                body += chunk
    return ClientAnswer(status=reply.status, headers=reply.headers, body=bytes(body), exchange=reply.exchange)


async def resend_exchange(
    reader: Reader, client: RouterClient, exchange_id: str, options: Options | None = None
) -> Replayed:
    """Send one recorded exchange again: what the TUI's replay key does."""
    source = await asyncio.to_thread(exchange_source, reader, exchange_id)
    return await resend(reader, client, source, options or Options())


async def resend_all(
    reader: Reader,
    client: RouterClient,
    jobs: Sequence[Job],
    *,
    concurrency: int = 1,
) -> AsyncGenerator[Replayed, None]:
    """Send every job, at most `concurrency` at once, and yield the results in the order of `jobs`.

    One after the other (the default) keeps a conversation's order. When the caller stops iterating, what
    is under way is cancelled and what was not begun is not sent.
    """
    gate = asyncio.Semaphore(concurrency)

    async def one(waiting: Pending, options: Options) -> Replayed:
        async with gate:
            source = await asyncio.to_thread(waiting.load, reader)
            return await resend(reader, client, source, options)

    tasks = deque(
        asyncio.create_task(one(*job), name=f"replay {number}") for number, job in enumerate(jobs, start=1)
    )
    try:
        while tasks:  # a task keeps its result, so none is kept that has been handed on
            result = await tasks[0]
            tasks.popleft()
            yield result
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def jobs_for(sources: Iterable[Source], models: Sequence[str], options: Options) -> list[Job]:
    """Return every source once for each model, or once as it is when no model is named.

    Raises UsageError for a source that can't be changed or played back as asked, before anything is sent.
    """
    jobs: list[Job] = []
    for source in sources:
        for model in models or (None,):
            own = msgspec.structs.replace(options, model=model)
            prepare(source, own)
            jobs.append((pending(source), own))
    return jobs


def _recorded(reader: Reader, payload: Payload, answer: ClientAnswer) -> Recorded:
    """Return the replay as the store has it, or as we saw it where the router could not record."""
    if answer.exchange is not None:
        try:
            return read_recorded(reader, answer.exchange)
        except UnknownId:
            pass
    seen = Exchange(
        id=answer.exchange or "",
        started_at=0,
        endpoint=payload.endpoint,
        model=_asked_model(payload.body),
        status=answer.status,
        state="complete",
        stream=_is_stream(payload.body),
        request_bytes=len(payload.body),
        response_bytes=len(answer.body),
    )
    return Recorded(seen, payload.body, answer.body)


def _answer_is_gone(original: Recorded) -> bool:
    return bool(original.exchange.response_bytes) and not original.response


class _Asked(msgspec.Struct):
    model: Any = None
    stream: Any = False


def _asked(body: bytes) -> _Asked:
    try:
        return msgspec.json.decode(body, type=_Asked)
    except msgspec.DecodeError:
        return _Asked()


def _asked_model(body: bytes) -> str:
    model = _asked(body).model
    return model if isinstance(model, str) else ""


def _is_stream(body: bytes) -> bool:
    return _asked(body).stream is True
