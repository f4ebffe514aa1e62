"""Asking a stream for its usage where the client did not, and taking the extra event out again."""

from __future__ import annotations

import msgspec

from workbench.domain.dialects import splice
from workbench.domain.dialects.splice import Span

WITH_USAGE = b'{"include_usage":true}'


def asked_for_usage(body: bytes, at: dict[str, Span]) -> bool:
    """Tell whether the client asked for the usage event itself."""
    options = _options(body, at)
    return isinstance(options, dict) and options.get("include_usage") is True


def usage_options(body: bytes, at: dict[str, Span]) -> bytes:
    """Return the value for ``stream_options`` that asks for usage and keeps the client's other options."""
    options = _options(body, at)
    if not isinstance(options, dict):
        return WITH_USAGE
    return msgspec.json.encode({**options, "include_usage": True})


def _options(body: bytes, at: dict[str, Span]) -> object:
    if "stream_options" not in at:
        return None
    return splice.value(body, at["stream_options"])
