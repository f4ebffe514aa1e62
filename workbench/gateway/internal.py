"""The operator's endpoints below ``/internal``: state, metrics, the live tail, reload and profile."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from workbench.domain.errors import WorkbenchError
from workbench.gateway.client import Presence
from workbench.gateway.guard import check, guarded, json_response, problem_response
from workbench.gateway.pages import health_document
from workbench.gateway.problems import Problem
from workbench.gateway.sse import CONTENT_TYPE
from workbench.telemetry import metrics

if TYPE_CHECKING:
    from starlette.requests import Request

    from workbench.gateway.client import Receive, Scope, Send
    from workbench.gateway.gateway import Gateway


def internal_routes(gateway: Gateway) -> list[Route]:
    """Return the routes that need the master key."""

    async def status(_: Request) -> Response:
        cost = round(gateway.cost.today(time.time_ns() // 1000), 6)
        return json_response({**health_document(gateway), "cost_today_usd": cost, **gateway.router.status()})

    async def metrics_text(_: Request) -> Response:
        return Response(gateway.metrics.text(), headers={"content-type": metrics.CONTENT_TYPE})

    async def reload(_: Request) -> Response:
        if gateway.reload is None:
            raise Problem(501, "not_supported", "this router can't reload its configuration")
        return await _done(gateway.reload())

    async def probe(_: Request) -> Response:
        return json_response({"deployments": await gateway.router.probe()})

    async def profile(request: Request) -> Response:
        if gateway.set_profile is None:
            raise Problem(501, "not_supported", "this router has no profiles")
        return await _done(gateway.set_profile(await _profile_name(request)))

    return [
        Route("/internal/status", guarded(gateway, status, operator=True)),
        Route("/internal/metrics", guarded(gateway, metrics_text, operator=True)),
        Route("/internal/events", _Events(gateway)),
        Route("/internal/reload", guarded(gateway, reload, operator=True), methods=["POST"]),
        Route("/internal/probe", guarded(gateway, probe, operator=True), methods=["POST"]),
        Route("/internal/profile", guarded(gateway, profile, operator=True), methods=["POST"]),
    ]


async def _done(work: Any) -> Response:
    """Await a change; an error of ours becomes 422 and leaves everything as it was."""
    try:
        return json_response(await work)
    except WorkbenchError as error:
        raise Problem(422, "invalid_configuration", error.message, details={"hint": error.hint}) from None


async def _profile_name(request: Request) -> str:
    try:
        document = msgspec.json.decode(await request.body())
        name = document["profile"]
    except (msgspec.DecodeError, KeyError, TypeError):
        name = None
    if not isinstance(name, str):
        raise Problem(422, "invalid_request", 'send {"profile": NAME}', param="$.profile")
    return name


class _Events:
    """``GET /internal/events``: plain ASGI, because a response object would buffer and cost."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.requests import Request

        try:
            check(self._gateway, Request(scope), operator=True)
        except Problem as problem:
            await problem_response(problem)(scope, receive, send)
            return
        lines = [(b"content-type", CONTENT_TYPE), (b"cache-control", b"no-cache")]
        await send({"type": "http.response.start", "status": 200, "headers": lines})
        await self._stream(receive, send, self._gateway.tail.stream())

    async def _stream(self, receive: Receive, send: Send, events: AsyncIterator[bytes]) -> None:
        async with Presence(receive, self._gateway.newcomers):
            async for data in events:
                await send({"type": "http.response.body", "body": data, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
