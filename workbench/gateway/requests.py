"""A request's head, and the exchange that it opens."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING

from workbench.domain.exchange import Exchange, Headers
from workbench.domain.ids import EXCHANGE, new_id
from workbench.domain.text import one_line
from workbench.gateway.problems import Problem

if TYPE_CHECKING:
    from workbench.gateway.auth import Principal
    from workbench.gateway.client import Receive, Scope
    from workbench.gateway.endpoints import Endpoint, Wish
    from workbench.gateway.gateway import Gateway

DEFAULT_TENANT = "default"
MAX_TAGS = 32


class Request:
    """The head of a request, read once."""

    def __init__(
        self, scope: Scope, receive: Receive, headers: dict[bytes, bytes], principal: Principal
    ) -> None:
        self.started_at = time.time_ns() // 1000
        self.receive = receive
        self.headers = headers
        """Lower-case name -> value; the last line where a name comes twice."""
        self.principal = principal
        self._scope = scope

    @cached_property
    def lines(self) -> Headers:
        """All header lines in order."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._scope["headers"]]

    @property
    def query(self) -> str:
        """The query string, without ``?``."""
        raw: bytes = self._scope["query_string"]
        return raw.decode("latin-1")

    @property
    def tenant(self) -> str:
        """Who pays: the key's tenant, else the one that the operator names."""
        return self.principal.tenant or self.text(b"x-tenant-id") or DEFAULT_TENANT

    def text(self, name: bytes) -> str | None:
        """Return a header as one printable line of at most 200 characters, None when missing or empty."""
        value = self.headers.get(name)
        return one_line(value.decode("utf-8", "replace")) if value else None

    def check_tenant(self) -> None:
        """Raise Problem 403 when a tenant's key is used in another tenant's name."""
        named = self.text(b"x-tenant-id")
        own = self.principal.tenant
        if named is not None and own is not None and named != own:
            raise Problem(403, "tenant_mismatch", f"this key belongs to the tenant {own!r}, not to {named!r}")


def new_exchange(
    gateway: Gateway, endpoint: Endpoint, request: Request, wish: Wish | None, body: bytes
) -> Exchange:
    """Return the exchange of a request whose body is there."""
    exchange_id = new_id(EXCHANGE, request.started_at)
    return Exchange(
        id=exchange_id,
        started_at=request.started_at,
        endpoint=endpoint.path,
        model=(wish.model or gateway.default_model or "") if wish else "",
        stream=wish.stream if wish else False,
        run=request.text(b"x-workbench-run"),
        step=request.text(b"x-workbench-step"),
        session=request.text(b"x-workbench-session"),
        tenant=request.tenant,
        replay_of=request.text(b"x-workbench-replay-of"),
        tags=_tags(request.text(b"x-workbench-tags")),
        request_bytes=len(body),
        client=request.text(b"user-agent"),
        request_id=request.text(b"x-request-id"),
        instance=gateway.instance,
    )


def _tags(text: str | None) -> tuple[str, ...]:
    if not text:
        return ()
    return tuple(dict.fromkeys(tag for part in text.split(",")[:MAX_TAGS] if (tag := part.strip())))
