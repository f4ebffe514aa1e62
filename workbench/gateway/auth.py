"""Who is calling: the master key (the operator) or a tenant's key."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256

import msgspec

_BEARER = b"bearer "


class Principal(msgspec.Struct, frozen=True):
    """The holder of a key that was accepted."""

    tenant: str | None
    """The tenant whose key it is; None for the master key, whose holder may name any tenant."""
    operator: bool = False
    """May use ``/internal``."""


OPERATOR = Principal(tenant=None, operator=True)


class Keys:
    """The keys this router accepts.

    Keys are compared as SHA-256 digests and in constant time, so neither a key's characters nor its
    length can be guessed from how long a refusal takes.
    """

    def __init__(self, master: str, tenants: Mapping[str, str] | None = None) -> None:
        """Take the master key, and tenant keys as SHA-256 hex digest -> the tenant's name."""
        self._master = sha256(master.encode()).digest()
        self._tenants: dict[bytes, Principal] = {}
        self.replace_tenants(tenants or {})

    def replace_tenants(self, tenants: Mapping[str, str]) -> None:
        """Accept these tenant keys (SHA-256 hex digest -> tenant) from now on, and no others."""
        self._tenants = {bytes.fromhex(digest): Principal(tenant) for digest, tenant in tenants.items()}

    def check(self, headers: Mapping[bytes, bytes]) -> Principal | None:
        """Return who is calling, by ``Authorization: Bearer`` or ``x-api-key``; None when no key is good.

        `headers` has lower-case names.
        """
        given = _bearer(headers.get(b"authorization")) or headers.get(b"x-api-key")
        if not given:
            return None
        digest = sha256(given.strip()).digest()
        if hmac.compare_digest(digest, self._master):
            return OPERATOR
        return self._tenants.get(digest)


def _bearer(value: bytes | None) -> bytes | None:
    if value is None or value[:7].lower() != _BEARER:
        return None
    return value[7:]
