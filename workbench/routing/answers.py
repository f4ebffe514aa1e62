"""Answers that come from no fresh attempt: an upstream's own error, a playback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import msgspec

from workbench.domain.conversation import messages_of
from workbench.domain.exchange import Exchange, Usage
from workbench.providers.playback import EXCHANGE_HEADER, SPEED_HEADER, RecordedAnswer
from workbench.providers.provider import Answer, Call, Deployment, Provider, ProviderFailure
from workbench.routing.attempt import Trying
from workbench.routing.cache import Cached
from workbench.routing.catalog import Resolved
from workbench.routing.errors import RouteError, StreamBroken
from workbench.routing.prepare import Incoming
from workbench.routing.relay import AttemptFailed, passed_headers
from workbench.routing.values import Origin, RouteAnswer, RouteRequest

_BYTES_A_TOKEN = 4


def upstream_error(failed: AttemptFailed, trying: Trying, group: Resolved) -> RouteAnswer:
    """Return an upstream's own 400, 404, 413 or 422 as it is."""
    assert failed.body is not None
    assert failed.failure.status is not None
    deployment = trying.last
    assert deployment is not None
    origin = Origin(
        group=group.asked,
        deployment=deployment.id,
        provider=deployment.provider,
        model=deployment.model,
        attempts=trying.count,
    )
    whole = _Whole(failed.body)
    answer = RouteAnswer(
        status=failed.failure.status,
        headers=passed_headers(failed.headers),
        origin=origin,
        stream=False,
        chunks=whole.chunks(),
    )
    answer.upstream_error = failed.failure.message
    whole.answer = answer
    return answer


def counted_here(incoming: Incoming, group: Resolved) -> RouteAnswer:
    """Return our estimate for ``count_tokens``, for upstreams that do not count."""
    document = incoming.decoded()
    texts = [part.text for message in messages_of("/v1/messages", document) for part in message.parts]
    size = sum(len(text.encode()) for text in texts) + len(msgspec.json.encode(document.get("tools") or ""))
    body = msgspec.json.encode({"input_tokens": max(size // _BYTES_A_TOKEN, 1)})
    whole = _Whole(body)
    headers = [("Content-Type", "application/json"), ("X-Workbench-Estimated", "true")]
    origin = Origin(group=group.asked, deployment="", provider="workbench", model=group.asked, attempts=0)
    whole.answer = RouteAnswer(
        status=200, headers=headers, origin=origin, stream=False, chunks=whole.chunks()
    )
    return whole.answer


def from_cache(kept: Cached) -> RouteAnswer:
    """Return an answer that was given before; it costs nothing."""
    whole = _Whole(*kept.chunks)
    whole.answer = RouteAnswer(
        status=200, headers=kept.headers, origin=kept.origin, stream=kept.stream, chunks=whole.chunks()
    )
    whole.answer.cache = "hit"
    whole.answer.usage = kept.usage
    whole.answer.cost_usd = 0.0
    whole.answer.finish_reason = kept.finish_reason
    return whole.answer


class _Whole:
    """A body that is there already."""

    def __init__(self, *pieces: bytes) -> None:
        self.answer: RouteAnswer | None = None
        self._pieces = pieces

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield its pieces, the last as the answer's end."""
        for number, piece in enumerate(self._pieces, 1):
            if self.answer is not None:
                self.answer.ending = number == len(self._pieces)
            yield piece


async def playback(providers: Mapping[str, Provider], request: RouteRequest) -> RouteAnswer:
    """Return the recorded answer of an exchange, with its timing; no upstream is asked. Raises RouteError."""
    provider = providers.get("playback")
    if provider is None:
        raise RouteError(503, "playback_unavailable", "this router plays nothing back")
    model = request.model or "playback"
    deployment = Deployment(
        id="playback", group=model, provider="playback", adapter="playback", model=model, params={}
    )
    call = Call(
        endpoint=request.endpoint,
        body=request.body,
        headers=[(EXCHANGE_HEADER, request.playback or ""), (SPEED_HEADER, request.playback_speed)],
        deployment=deployment,
        stream=request.stream,
        exchange_id=request.exchange_id,
    )
    try:
        recorded = await provider.send(call)
    except ProviderFailure as failure:
        raise RouteError(404, "playback_unavailable", failure.message) from None
    origin = Origin(group=model, deployment="playback", provider="playback", model=model, attempts=0)
    kind = recorded.header("content-type") or ""
    played = _Played(recorded)
    played.answer = RouteAnswer(
        status=recorded.status,
        headers=passed_headers(recorded.headers),
        origin=origin,
        stream=kind.startswith("text/event-stream"),
        chunks=played.chunks(),
        close=recorded.aclose,
    )
    if isinstance(recorded, RecordedAnswer):
        _tell_original(played.answer, recorded.original)
    return played.answer


def _tell_original(answer: RouteAnswer, original: Exchange) -> None:
    """Name the recording to the client, and take its figures: the same tokens, at no cost."""
    answer.headers = [*answer.headers, (EXCHANGE_HEADER, original.id)]
    answer.usage = Usage(
        input_tokens=original.input_tokens,
        output_tokens=original.output_tokens,
        cached_tokens=original.cached_tokens,
        cache_write_tokens=original.cache_write_tokens,
        reasoning_tokens=original.reasoning_tokens,
        estimated=original.usage_estimated,
    )
    answer.finish_reason = original.finish_reason
    answer.cost_usd = 0.0


class _Played:
    """A recorded answer on its way to the client again."""

    def __init__(self, recorded: Answer) -> None:
        self.answer: RouteAnswer | None = None
        self._recorded = recorded

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the recorded writes. Raises StreamBroken where the recording broke off."""
        try:
            async for chunk in self._recorded.chunks:
                if self.answer is not None and getattr(self._recorded, "at_end", False):
                    self.answer.ending = True
                yield chunk
        except ProviderFailure as failure:
            raise StreamBroken(502, "playback_broken", failure.message) from None
