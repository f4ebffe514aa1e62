"""What the client is told when no deployment answered."""

from __future__ import annotations

import math
from typing import Any

from workbench.routing.catalog import Resolved
from workbench.routing.errors import RouteError
from workbench.routing.relay import AttemptFailed
from workbench.routing.selection import Selection

_STATUS = {
    "upstream_auth": 502,
    "upstream_rate_limit": 429,
    "upstream_timeout": 504,
    "upstream_unreachable": 503,
    "upstream_rejected": 400,
    "unsupported_endpoint": 400,
    "untranslatable": 400,
    "invalid_json": 400,
    "unsupported": 400,
    "internal_error": 500,
}
_FINAL = frozenset({400, 500})
_DEFAULT_WAIT_S = 5.0


def nothing_open(group: Resolved, selection: Selection) -> RouteError:
    """Return the error for a group none of whose deployments could be tried."""
    name = group.asked
    if selection.limited:
        return _limited(name, selection)
    if selection.cooling:
        wait = max(min(wait for _, wait in selection.cooling), 1.0)
        reasons = {deployment.id: f"cooling down for {left:.1f} s" for deployment, left in selection.cooling}
        return RouteError(
            503,
            "all_deployments_down",
            f"every deployment of {name!r} is cooling down after failures",
            retryable=True,
            retry_after_s=math.ceil(wait),
            details={"deployments": reasons},
        )
    if selection.disabled:
        deployment = selection.disabled[0]
        message = f"{name!r} is switched off: {deployment.disabled_reason}"
        reasons = {entry.id: str(entry.disabled_reason) for entry in selection.disabled}
        return RouteError(503, "model_disabled", message, details={"deployments": reasons})
    message = f"no deployment of {name!r} fits this request (context window or tags)"
    return RouteError(400, "no_deployment_fits", message)


def _limited(name: str, selection: Selection) -> RouteError:
    deployment, refusal = min(selection.limited, key=lambda pair: pair[1].frees_in_s)
    never = math.isinf(refusal.frees_in_s)
    wait = None if never else max(math.ceil(refusal.frees_in_s), 1)
    details: dict[str, Any] = {"limit": refusal.name, "max": refusal.limit, "used": refusal.used}
    if wait is not None:
        details["reset_s"] = wait
    text = f"{name!r}: {refusal.text()} at {deployment.id}"
    return RouteError(429, "rate_limit", text, retryable=not never, retry_after_s=wait, details=details)


def after_attempts(failed: AttemptFailed, attempts: int) -> RouteError:
    """Return the error for a group whose deployments were tried and failed."""
    failure = failed.failure
    status = _STATUS.get(failure.code, 502)
    details: dict[str, Any] = {"kind": failure.kind}
    if failure.status is not None:
        details["upstream_status"] = failure.status
    retryable = status not in _FINAL and failure.code != "upstream_auth"
    wait = failure.retry_after_s
    if wait is None and status == 503:
        wait = _DEFAULT_WAIT_S
    error = RouteError(
        status,
        failure.code,
        failure.message,
        retryable=retryable,
        retry_after_s=None if wait is None else max(math.ceil(wait), 1),
        param=failure.param,
        details=details,
    )
    error.attempts = attempts
    return error
