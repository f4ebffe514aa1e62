"""Errors the gateway answers with, in the dialect of the endpoint that was asked.

OpenAI's dialect is ``{"error": {"message", "type", "param", "code", ...}}``, Anthropic's is
``{"type": "error", "error": {"type", "message", ...}}``. Both carry our ``code``, ``retryable`` and
``exchange_id`` besides.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import msgspec

Dialect = Literal["openai", "responses", "anthropic"]
"""How an endpoint's clients expect errors and events; ``responses`` differs from ``openai`` in its events."""

_OPENAI_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "invalid_request_error",
    414: "invalid_request_error",
    415: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    431: "invalid_request_error",
    503: "service_unavailable_error",
    504: "timeout_error",
}
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    413: "request_too_large",
    414: "invalid_request_error",
    415: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    431: "invalid_request_error",
    503: "overloaded_error",
    504: "timeout_error",
}


class Problem(Exception):
    """An answer that is an error of ours.

    `status` is HTTP's, `code` a stable snake_case word, `message` a sentence for people, `param` the
    JSON path of the field at fault, `retryable` whether the same request may work later, `retry_after`
    seconds, `details` further members of the error object.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.retryable = retryable
        self.retry_after = retry_after
        self.details = details or {}

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the header lines this problem adds: ``Retry-After``, and ``x-should-retry`` for SDKs."""
        lines = [(b"content-type", b"application/json")]
        if self.retry_after is not None:
            lines.append((b"retry-after", str(max(0, math.ceil(self.retry_after))).encode()))
        if not self.retryable:
            lines.append((b"x-should-retry", b"false"))
        if self.status == 401:
            lines.append((b"www-authenticate", b"Bearer"))
        return lines

    def body(self, dialect: Dialect, exchange_id: str | None) -> bytes:
        """Return the JSON body in `dialect`."""
        return msgspec.json.encode(self.document(dialect, exchange_id))

    def document(self, dialect: Dialect, exchange_id: str | None) -> dict[str, Any]:
        """Return the error as a JSON object in `dialect`."""
        own = {"code": self.code, "retryable": self.retryable, "exchange_id": exchange_id}
        if self.retry_after is not None:
            own["retry_after"] = round(self.retry_after, 3)
        own |= self.details
        if dialect == "anthropic":
            kind = _ANTHROPIC_TYPES.get(self.status, "api_error")
            error = {"type": kind, "message": self.message, "param": self.param, **own}
            return {"type": "error", "error": error, "request_id": exchange_id}
        kind = _OPENAI_TYPES.get(self.status, "server_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, **own}}


def unauthorized() -> Problem:
    """Return the answer to a missing or wrong key."""
    return Problem(
        401,
        "invalid_api_key",
        "the key is missing or wrong; send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'",
    )


def too_large(limit: int) -> Problem:
    """Return the answer to a body over `limit` bytes."""
    return Problem(
        413,
        "request_too_large",
        f"the body is larger than {limit / 1e6:g} MB; router.max_body_mb in workbench.yaml raises the limit",
        details={"limit_bytes": limit},
    )


def too_deep() -> Problem:
    """Return the answer to a body whose nesting nobody can follow."""
    return Problem(400, "invalid_json", "the body is nested too deeply", param="$")


def encoded(encoding: str) -> Problem:
    """Return the answer to a compressed body: what is recorded and passed on must be what was sent."""
    return Problem(
        415,
        "unsupported_encoding",
        f"the body is sent as {encoding!r}; this router takes it as it is (no Content-Encoding)",
        details={"encoding": encoding},
    )


def draining(retry_after: float) -> Problem:
    """Return the answer of a router that is being stopped."""
    return Problem(
        503,
        "shutting_down",
        "the router is shutting down and takes no new requests",
        retryable=True,
        retry_after=retry_after,
    )


def recording_required(reason: str) -> Problem:
    """Return the answer while nothing can be recorded and the settings ask for it."""
    return Problem(
        503,
        "recording_unavailable",
        f"exchanges can't be recorded ({reason}), and recording.required refuses to go on without",
        retryable=True,
        retry_after=5.0,
    )


def crashed(exchange_id: str | None) -> Problem:
    """Return the answer to a bug of ours; the log has the rest under the exchange's id."""
    return Problem(
        500,
        "internal_error",
        f"the router failed on this request; logs/router.log has the rest ({exchange_id or 'by its time'})",
        retryable=True,
    )
