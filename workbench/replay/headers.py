"""Which of a recorded request's headers belong to a replay."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.domain.exchange import Headers

REPLAY_OF = "X-Workbench-Replay-Of"
RUN = "X-Workbench-Run"
TAGS = "X-Workbench-Tags"
PLAYBACK = "X-Workbench-Playback"
PLAYBACK_SPEED = "X-Workbench-Playback-Speed"

_BELONG_TO_THE_CONNECTION = frozenset(
    {
        "host",
        "content-length",
        "connection",
        "keep-alive",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "accept",
        "accept-encoding",
        "user-agent",
        "proxy-connection",
        "forwarded",
        "via",
    }
)
_BELONG_TO_THE_SENDER = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "cookie",
        "x-tenant-id",
        "x-request-id",
        "idempotency-key",
    }
)
_REDACTED = "[redacted"
"""How every mark begins that stands where a secret stood; sent again it would be nonsense."""
_PREFIXES = ("x-workbench-", "x-stainless-", "x-forwarded-")


def sendable(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return the headers that say something to the model's endpoint, such as ``anthropic-beta``.

    What belongs to the old connection, to who sent it, or to our own bookkeeping stays behind: a replay
    is paid for and identified by the one who replays.
    """
    return [
        (name, value)
        for name, value in headers
        if _belongs_to_request(name.lower()) and _REDACTED not in value
    ]


def _belongs_to_request(name: str) -> bool:
    return not (
        name in _BELONG_TO_THE_CONNECTION or name in _BELONG_TO_THE_SENDER or name.startswith(_PREFIXES)
    )
