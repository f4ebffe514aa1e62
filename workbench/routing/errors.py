"""The router's own errors, as data that each dialect can word.

::

    RouteError                      status, code, message, retryable, retry_after_s, details
    +-- StreamBroken                after the first byte: the answer can only be ended with an error event
"""

from __future__ import annotations

from typing import Any


class RouteError(Exception):
    """No answer for the client but this error.

    `status` is the HTTP status, `code` a stable word (``model_not_found``, ``rate_limit``,
    ``all_deployments_down``, ``upstream_error`` …), `param` the JSON path of what is wrong in the body,
    `details` goes into the error's body as it is. `deployment`, `provider` and `attempts` say who was tried
    last and how often. An upstream's own 400, 404, 413 or 422 is no RouteError: it passes as an answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retryable: bool = False,
        retry_after_s: float | None = None,
        param: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.param = param
        self.details = details or {}
        self.deployment: str | None = None
        self.provider: str | None = None
        self.attempts = 0


class StreamBroken(RouteError):
    """A stream that was cut, stalled or malformed after its first byte went to the client."""
