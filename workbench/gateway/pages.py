"""What anybody may ask (is it alive, is it ready) and the list of models."""

from __future__ import annotations

from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from workbench.gateway.endpoints import BY_PATH
from workbench.gateway.guard import check, guarded, json_response
from workbench.gateway.openapi import openapi_document
from workbench.gateway.problems import Problem
from workbench.routing.tenants import allows

if TYPE_CHECKING:
    from starlette.requests import Request

    from workbench.gateway.gateway import Gateway
    from workbench.routing.values import GroupInfo

CREATED = 1_700_000_000
"""``created`` of a model entry; clients want a number, and groups have no birthday."""


def page_routes(gateway: Gateway) -> list[Route]:
    """Return the open routes and the models' routes."""

    async def root(_: Request) -> Response:
        return json_response(_root(gateway))

    async def health(request: Request) -> Response:
        caller = gateway.keys.check(dict(request.scope["headers"]))
        details = _details(gateway) if caller is not None and caller.operator else {}
        return json_response(health_document(gateway) | details)

    async def healthz(_: Request) -> Response:
        return Response("ok\n", media_type="text/plain")

    async def readyz(_: Request) -> Response:
        reason = _not_ready(gateway)
        return json_response({"ready": reason is None, "reason": reason}, 200 if reason is None else 503)

    async def openapi(_: Request) -> Response:
        return json_response(openapi_document(gateway.version))

    async def models(request: Request) -> Response:
        entries = [_entry(group) for group in _listed(gateway, request)]
        edges = {"first_id": entries[0]["id"], "last_id": entries[-1]["id"]} if entries else {}
        return json_response({"object": "list", "data": entries, "has_more": False, **edges})

    async def model(request: Request) -> Response:
        return json_response(_entry(_group(_listed(gateway, request), request.path_params["id"], gateway)))

    return [
        Route("/", root),
        Route("/health", health),
        Route("/healthz", healthz),
        Route("/openapi.json", openapi),
        Route("/readyz", readyz),
        *(Route(prefix + "/models", guarded(gateway, models)) for prefix in ("/v1", "")),
        *(Route(prefix + "/models/{id:path}", guarded(gateway, model)) for prefix in ("/v1", "")),
    ]


def health_document(gateway: Gateway) -> dict[str, Any]:
    """Return ``/health``: no names of models or upstreams in it, because anybody may read it."""
    recorder = gateway.recorder.state
    return {
        "status": "ok" if recorder.status == "ok" else "degraded",
        "version": gateway.version,
        "instance": gateway.instance,
        "uptime_s": round(gateway.uptime_s, 3),
        "in_flight": gateway.in_flight,
        "draining": gateway.draining,
        "recorder": {
            "status": recorder.status,
            "error": recorder.error,
            "unrecorded": recorder.unrecorded,
            "queued": recorder.queued,
            "committed": recorder.committed,
            "refused": recorder.refused,
            "trouble": recorder.trouble,
        },
        "retention": {"error": gateway.retention_error},
    }


def _details(gateway: Gateway) -> dict[str, Any]:
    """Return what ``/health`` says besides to whoever has the master key."""
    deployments = [
        {"group": group["name"], **deployment}
        for group in gateway.router.status()["groups"]
        for deployment in group["deployments"]
    ]
    reason = _not_ready(gateway)
    return {"live": True, "ready": reason is None, "not_ready_reason": reason, "deployments": deployments}


def _not_ready(gateway: Gateway) -> str | None:
    return "the router is shutting down" if gateway.draining else None


def _root(gateway: Gateway) -> dict[str, Any]:
    return {
        "name": "workbench router",
        "version": gateway.version,
        "endpoints": sorted({endpoint.path for endpoint in BY_PATH.values()} | {"/v1/models"}),
        "health": "/health",
    }


def _entry(group: GroupInfo) -> dict[str, Any]:
    """Return one model in a shape that OpenAI's and Anthropic's clients both read."""
    return {
        "id": group.name,
        "object": "model",
        "created": CREATED,
        "owned_by": ", ".join(group.providers) or "workbench",
        "type": "model",
        "display_name": group.name,
        "created_at": "2023-11-14T22:13:20Z",
        **({"alias_of": group.alias_of} if group.alias_of else {}),
        **({"info": group.info} if group.info else {}),
    }


def _listed(gateway: Gateway, request: Request) -> list[GroupInfo]:
    """Return the groups that can answer and that the caller's tenant may ask for."""
    groups = [group for group in gateway.router.groups() if group.enabled]
    tenant = check(gateway, request).tenant
    if tenant is None:
        return groups
    patterns = gateway.router.config.policy.tenant(tenant).models
    return [group for group in groups if allows(patterns, group.name)]


def _group(listed: list[GroupInfo], name: str, gateway: Gateway) -> GroupInfo:
    found = next((group for group in listed if group.name == name), None)
    if found is not None:
        return found
    # The most telling pattern is the longest one, as when a request is routed.
    patterns = sorted((group for group in listed if group.wildcard), key=lambda group: -len(group.name))
    for group in patterns:
        if fnmatchcase(name, group.name):
            return msgspec.structs.replace(group, name=name)
    off = next((group for group in gateway.router.groups() if group.name == name and not group.enabled), None)
    why = f": {off.disabled_reason}" if off is not None and off.disabled_reason else ""
    near = get_close_matches(name, [group.name for group in listed], n=3, cutoff=0.4)
    hint = f"; did you mean {', '.join(near)}?" if near and not why else ""
    raise Problem(404, "model_not_found", f"no model named {name!r}{why}{hint}", details={"near": near})
