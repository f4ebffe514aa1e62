"""``GET /openapi.json``: what this router takes, written from the same definitions that check requests."""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.gateway.endpoints import ALL

_ERRORS = {
    "400": "The body is not JSON, or no deployment fits the request",
    "401": "The key is missing or wrong",
    "403": "Not allowed for this tenant",
    "404": "No such model; the answer has the nearest names",
    "413": "The body is too large",
    "422": "A member of the body has the wrong type; `param` is its JSON path",
    "429": "A limit or budget is reached, or the upstream's",
    "502": "The upstream broke",
    "503": "Every deployment is unavailable, or the router is stopping",
    "504": "The upstream took too long",
}
_OPEN = {
    "/": "What this is",
    "/health": "Health: ok or degraded, version, instance, recorder",
    "/healthz": "Alive",
    "/readyz": "Ready",
}
_KEYED = {"/v1/models": "The model groups", "/internal/status": "Deployments, tenants, recorder (operator)"}


def openapi_document(version: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    _, schemas = msgspec.json.schema_components(
        [endpoint.body for endpoint in ALL], ref_template="#/components/schemas/{name}"
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "workbench router", "version": version},
        "paths": {**_gets(_OPEN, security=[]), **_gets(_KEYED), **_model(), **_posts()},
        "security": [{"bearer": []}, {"x-api-key": []}],
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }


def _gets(places: dict[str, str], **extra: Any) -> dict[str, Any]:
    answer = {"responses": {"200": {"description": "OK"}}}
    return {path: {"get": {"summary": text, **answer, **extra}} for path, text in places.items()}


def _model() -> dict[str, Any]:
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    found = {"200": {"description": "OK"}, "404": {"description": _ERRORS["404"]}}
    return {
        "/v1/models/{id}": {
            "get": {"summary": "One model group", "parameters": [parameter], "responses": found}
        }
    }


def _posts() -> dict[str, Any]:
    responses = {"200": {"description": "The answer, or server-sent events where `stream` is true"}}
    responses |= {status: {"description": text} for status, text in _ERRORS.items()}
    paths = {}
    for endpoint in ALL:
        schema = {"$ref": f"#/components/schemas/{endpoint.body.__name__}"}
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        summary = f"{endpoint.dialect} dialect" + (", streams" if endpoint.streams else "")
        paths[endpoint.path] = {"post": {"summary": summary, "requestBody": body, "responses": responses}}
    return paths
