"""Send the same requests to several models through the router, and measure what a client sees.

Bounded on every side: number of requests, seconds, and money. Models take turns (first request to each,
then the second to each), so that a slow minute of the machine or the network hits all of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence

import msgspec

from workbench.client import RouterClient
from workbench.domain import conversation
from workbench.domain.errors import RouterUnreachable, UnknownId, UsageError
from workbench.domain.payload import Payload
from workbench.replay import headers as names
from workbench.replay.edit import set_value
from workbench.replay.percentiles import percentile
from workbench.store.store import Reader


class BenchPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured. `requests` is for each model; `budget_usd` for all together."""

    models: Sequence[str]
    payloads: Sequence[Payload]
    requests: int = 20
    concurrency: int = 4
    seconds: float = 300.0
    budget_usd: float = 1.0
    run: str | None = None


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One request as the client saw it; tokens and cost as the router recorded them."""

    model: str
    exchange: str | None
    status: int
    ok: bool
    latency_ms: float
    ttft_ms: float | None
    """Until the first byte of the answer's body."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    problem: str | None = None


class ModelFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What one model showed. Times are of good answers only, in milliseconds."""

    model: str
    requests: int
    failed: int
    latency_p50_ms: float | None
    latency_p90_ms: float | None
    latency_p99_ms: float | None
    ttft_p50_ms: float | None
    ttft_p90_ms: float | None
    output_tokens: int
    tokens_per_s: float | None
    """Median over the answers: output tokens by the time after the first byte; by all of it when the answer
    came in one piece."""
    cost_usd: float
    problem: str | None
    """The first failure's words."""


class BenchReport(msgspec.Struct, frozen=True, kw_only=True):
    """All models' figures, in the order they were named."""

    models: list[ModelFigures]
    wall_s: float
    requests_per_s: float
    stopped: str | None
    """Why it ended before all requests were sent; None when it did not."""
    run: str | None = None


async def run_bench(
    client: RouterClient,
    reader: Reader,
    plan: BenchPlan,
    on_sample: Callable[[Sample], None] | None = None,
) -> BenchReport:
    """Send the plan's requests and return the figures."""
    state = _State(plan)
    started = time.perf_counter()
    workers = [
        asyncio.create_task(_work(client, reader, state, on_sample), name=f"bench {number}")
        for number in range(min(plan.concurrency, plan.requests * len(plan.models)))
    ]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
    wall = time.perf_counter() - started
    return BenchReport(
        models=[_figures(model, state.samples) for model in plan.models],
        wall_s=wall,
        requests_per_s=len(state.samples) / wall if wall else 0.0,
        stopped=state.stopped,
        run=plan.run,
    )


class _State:
    """What the workers share: the requests to come, the samples so far, and whether to stop."""

    def __init__(self, plan: BenchPlan) -> None:
        self.plan = plan
        self.samples: list[Sample] = []
        self.stopped: str | None = None
        self._deadline = time.perf_counter() + plan.seconds
        self._jobs = _jobs(plan)

    def next(self) -> tuple[str, Payload] | None:
        """Return the next request, or None at the end or at a bound."""
        spent = sum(sample.cost_usd or 0.0 for sample in self.samples)
        if spent >= self.plan.budget_usd > 0:
            self.stopped = f"the budget of {self.plan.budget_usd} USD is spent"
        elif time.perf_counter() > self._deadline:
            self.stopped = f"{self.plan.seconds:g} s are over"
        return None if self.stopped else next(self._jobs, None)


def _jobs(plan: BenchPlan) -> Iterator[tuple[str, Payload]]:
    for number in range(plan.requests):
        payload = plan.payloads[number % len(plan.payloads)]
        for model in plan.models:
            body = set_value(payload.body, ("model",), model)
            yield model, msgspec.structs.replace(payload, body=body)


async def _work(
    client: RouterClient, reader: Reader, state: _State, on_sample: Callable[[Sample], None] | None
) -> None:
    while (job := state.next()) is not None:
        sample = await _measure(client, reader, *job, run=state.plan.run)
        state.samples.append(sample)
        if on_sample:
            on_sample(sample)


async def _measure(
    client: RouterClient, reader: Reader, model: str, payload: Payload, *, run: str | None
) -> Sample:
    extra = [(names.TAGS, "bench"), *([(names.RUN, run)] if run else [])]
    body, first = bytearray(), None
    started = time.perf_counter()
    async with client.stream(payload, extra) as reply:
        try:
            async for chunk in reply:
                first = first or time.perf_counter()
                body += chunk
        except RouterUnreachable as error:
            return Sample(
                model=model,
                exchange=reply.exchange,
                status=reply.status,
                ok=False,
                latency_ms=_ms(started),
                ttft_ms=None,
                problem=error.message,
            )
    latency = _ms(started)
    sample = Sample(
        model=model,
        exchange=reply.exchange,
        status=reply.status,
        ok=False,
        latency_ms=latency,
        ttft_ms=(first - started) * 1000 if first else None,
    )
    return await asyncio.to_thread(_judge, reader, payload, bytes(body), sample)


def _judge(reader: Reader, payload: Payload, body: bytes, sample: Sample) -> Sample:
    """Return the sample with what the answer says and what the store knows of it."""
    streamed = body.lstrip()[:1] != b"{"
    answer = conversation.answer(payload.endpoint, body, stream=streamed)
    ok = sample.status < 400 and answer.complete
    problem = None if ok else f"status {sample.status}: {answer.error or 'the answer is not complete'}"
    tokens, cost = (answer.usage.input_tokens, answer.usage.output_tokens), None
    if sample.exchange:
        try:
            row = reader.exchange(sample.exchange)
        except UnknownId:
            pass  # the router could not record it; health says why
        else:
            tokens, cost = (row.input_tokens, row.output_tokens), row.cost_usd
    return msgspec.structs.replace(
        sample, ok=ok, problem=problem, input_tokens=tokens[0], output_tokens=tokens[1], cost_usd=cost
    )


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _figures(model: str, samples: Sequence[Sample]) -> ModelFigures:
    mine = [sample for sample in samples if sample.model == model]
    good = [sample for sample in mine if sample.ok]
    latency = [sample.latency_ms for sample in good]
    first = [sample.ttft_ms for sample in good if sample.ttft_ms is not None]
    return ModelFigures(
        model=model,
        requests=len(mine),
        failed=len(mine) - len(good),
        latency_p50_ms=percentile(latency, 0.5),
        latency_p90_ms=percentile(latency, 0.9),
        latency_p99_ms=percentile(latency, 0.99),
        ttft_p50_ms=percentile(first, 0.5),
        ttft_p90_ms=percentile(first, 0.9),
        output_tokens=sum(sample.output_tokens or 0 for sample in good),
        tokens_per_s=percentile([rate for sample in good if (rate := _rate(sample))], 0.5),
        cost_usd=sum(sample.cost_usd or 0.0 for sample in mine),
        problem=next((sample.problem for sample in mine if sample.problem), None),
    )


def _rate(sample: Sample) -> float | None:
    if not sample.output_tokens:
        return None
    writing = sample.latency_ms - (sample.ttft_ms or 0.0)
    # An answer in one piece has no time after its first byte to speak of: the whole wait made it.
    spent = writing if writing > 0.05 * sample.latency_ms else sample.latency_ms
    return sample.output_tokens / (spent / 1000) if spent else None


async def check_models(client: RouterClient, models: Sequence[str]) -> None:
    """Raise UsageError for a model group that the router lacks, naming those it has."""
    known = [str(item.get("id")) for item in await client.models()]
    for model in models:
        if model not in known:
            raise UsageError(
                f"the router has no model group {model!r}", hint=f"one of: {', '.join(sorted(known))}"
            )
