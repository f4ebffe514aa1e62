"""Starlette endpoints behind the key check, with our errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from workbench.gateway import problems
from workbench.gateway.problems import Problem

if TYPE_CHECKING:
    from starlette.requests import Request

    from workbench.gateway.auth import Principal
    from workbench.gateway.gateway import Gateway

Endpoint = Callable[["Request"], Awaitable[Response]]


def json_response(document: Any, status: int = 200) -> Response:
    """Return `document` as a JSON answer."""
    return Response(msgspec.json.encode(document), status, media_type="application/json")


def problem_response(problem: Problem) -> Response:
    """Return `problem` in OpenAI's dialect."""
    headers = {name.decode(): value.decode() for name, value in problem.headers()}
    return Response(problem.body("openai", None), problem.status, headers)


def check(gateway: Gateway, request: Request, *, operator: bool = False) -> Principal:
    """Return who is calling.

    Raises Problem: 401 without a good key, 403 for a tenant's key where the operator's is needed.
    """
    principal = gateway.keys.check(dict(request.scope["headers"]))
    if principal is None:
        gateway.metrics.refused()
        raise problems.unauthorized()
    if operator and not principal.operator:
        raise Problem(403, "operator_only", "this needs the master key")
    return principal


def guarded(gateway: Gateway, endpoint: Endpoint, *, operator: bool = False) -> Endpoint:
    """Return `endpoint` behind the key check; its Problems become answers."""

    async def checked(request: Request) -> Response:
        try:
            check(gateway, request, operator=operator)
            return await endpoint(request)
        except Problem as problem:
            return problem_response(problem)

    return checked
