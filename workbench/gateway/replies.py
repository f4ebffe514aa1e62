"""Header lines of the gateway's answers."""

from __future__ import annotations

import re

from workbench.domain.exchange import Exchange, Headers

Lines = list[tuple[bytes, bytes]]

_NOT_PASSED = frozenset(
    {
        "alt-svc",
        "connection",
        "content-encoding",
        "content-length",
        "date",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "server",
        "set-cookie",
        "strict-transport-security",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "www-authenticate",
        "x-request-id",
    }
)
"""Headers of an upstream's answer that mean that connection or that site, not the answer."""
_UNSENDABLE = re.compile(r"[^\x20-\x7e\x80-\xff\t]")


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
    """Return the upstream's header lines that the client gets."""
    return [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in ((name.lower(), value) for name, value in headers)
        if name not in _NOT_PASSED
        and not name.startswith("x-workbench-")
        and not _UNSENDABLE.search(value)
        and not _UNSENDABLE.search(name)
    ]


def as_text(lines: Lines) -> Headers:
    """Return header lines as the record keeps them."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in lines]
