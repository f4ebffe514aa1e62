"""Header lines of the gateway's answers."""

from __future__ import annotations

import re

from workbench.domain.exchange import Exchange, Headers

Lines = list[tuple[bytes, bytes]]

_SENDABLE = re.compile(r"[\x20-\x7e\x80-\xff\t]*").fullmatch


def own_lines(exchange: Exchange) -> Lines:
    """Return our header lines about `exchange`."""
    return [
        (b"x-workbench-exchange", exchange.id.encode()),
        (b"x-workbench-deployment", (exchange.deployment or "").encode("latin-1", "replace")),
        (b"x-workbench-attempts", b"%d" % exchange.attempts),
        (b"x-workbench-cache", exchange.cache.encode()),
        (b"x-request-id", (exchange.request_id or exchange.id).encode("latin-1", "replace")),
    ]


def passed_lines(headers: Headers) -> Lines:
    """Return the upstream's header lines that routing lets pass, without what HTTP can't carry."""
    return [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in headers
        if _SENDABLE(name) and _SENDABLE(value)
    ]


def as_text(lines: Lines) -> Headers:
    """Return header lines as the record keeps them."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in lines]
