"""The ASGI application: an own small dispatch for model calls, Starlette's routing for everything else."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from workbench.gateway import problems
from workbench.gateway.calls import serve_call
from workbench.gateway.endpoints import BY_PATH, Endpoint
from workbench.gateway.internal import internal_routes
from workbench.gateway.pages import page_routes
from workbench.gateway.problems import Dialect, Problem
from workbench.gateway.requests import Request

if TYPE_CHECKING:
    from workbench.gateway.client import Receive, Scope, Send
    from workbench.gateway.gateway import Gateway

ASGIApp = Callable[["Scope", "Receive", "Send"], Awaitable[None]]

log = logging.getLogger("workbench.gateway")


def create_app(gateway: Gateway) -> ASGIApp:
    """Return the router's HTTP application over `gateway` (which carries every dependency).

    It takes ``http`` scopes only: its life is the runtime's affair, not the server's.
    """
    rest = _rest(gateway)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        endpoint = BY_PATH.get(scope["path"])
        if endpoint is None:
            await rest(scope, receive, send)
        elif scope["method"] != "POST":
            await send_problem(send, _not_allowed(scope["method"]), endpoint.dialect, [(b"allow", b"POST")])
        else:
            await _model_call(gateway, endpoint, scope, receive, send)

    return app


async def _model_call(
    gateway: Gateway, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send
) -> None:
    headers = dict(scope["headers"])
    principal = gateway.keys.check(headers)
    if principal is None:
        gateway.metrics.refused()
        log.info(
            "refused a request without a good key", extra={"path": scope["path"], "client": scope["client"]}
        )
        await send_problem(send, problems.unauthorized(), endpoint.dialect)
        return
    await serve_call(gateway, endpoint, Request(scope, receive, headers, principal), send)


async def send_problem(
    send: Send, problem: Problem, dialect: Dialect = "openai", lines: list[tuple[bytes, bytes]] | None = None
) -> None:
    """Send an error that is not part of an exchange."""
    body = problem.body(dialect, None)
    head = [*problem.headers(), (b"content-length", b"%d" % len(body)), *(lines or [])]
    await send({"type": "http.response.start", "status": problem.status, "headers": head})
    await send({"type": "http.response.body", "body": body})


def _not_allowed(method: str) -> Problem:
    return Problem(405, "method_not_allowed", f"{method} is not allowed here; this endpoint takes POST")


def _rest(gateway: Gateway) -> ASGIApp:
    from starlette.routing import Router

    async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        path = scope["path"]
        message = f"there is nothing at {path}; model endpoints are below /v1, GET / lists them"
        await send_problem(send, Problem(404, "not_found", message))

    return Router(
        routes=[*page_routes(gateway), *internal_routes(gateway)], redirect_slashes=False, default=not_found
    )
