"""A Codex CLI's ``auth.json`` as an account file of the sign-in proxy.

The tokens are copied, not moved: a refresh token rotates, so whichever program refreshes first strands the
other's copy. The caller says so.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from workbench.control.files import PRIVATE, PRIVATE_FOLDER, write_atomic
from workbench.control.subscription.layout import Layout
from workbench.domain.errors import UsageError

TOKENS = ("id_token", "access_token", "refresh_token")
_CLAIM = "https://api.openai.com/auth"


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """An account that was taken over."""

    path: Path
    email: str
    account_id: str
    expires: str
    """RFC 3339, from the access token."""


def import_codex(source: Path, layout: Layout) -> Imported:
    """Write the proxy's account file from a Codex ``auth.json`` and return what it holds.

    Raises UsageError when tokens are missing (an API key alone is no subscription); then nothing is written.
    """
    record = account_record(_read(source), str(source))
    email = record["email"]
    layout.auth.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    layout.auth.chmod(PRIVATE_FOLDER)
    path = layout.auth / f"codex-{re.sub(r'[^A-Za-z0-9@._+-]', '_', email)}.json"
    write_atomic(path, msgspec.json.format(msgspec.json.encode(record), indent=2), mode=PRIVATE)
    return Imported(path=path, email=email, account_id=record["account_id"], expires=record["expired"])


def account_record(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the proxy's flat record for a Codex document. Raises UsageError when something is missing."""
    tokens = document.get("tokens")
    if not isinstance(tokens, dict):
        extra = " (it holds an API key: put that into .env)" if document.get("OPENAI_API_KEY") else ""
        raise UsageError(f"{name} has no tokens{extra}", hint="codex login")
    missing = [token for token in TOKENS if not isinstance(tokens.get(token), str) or not tokens[token]]
    if missing:
        raise UsageError(f"{name} lacks {', '.join(missing)}", hint="codex login")
    identity, access = claims(tokens["id_token"]), claims(tokens["access_token"])
    account = tokens.get("account_id") or (identity.get(_CLAIM) or {}).get("chatgpt_account_id")
    email, expiry = identity.get("email"), access.get("exp")
    if not account or not email or not isinstance(expiry, int | float):
        raise UsageError(f"{name}: the tokens name no account, e-mail or expiry", hint="codex login")
    return {
        "type": "codex",
        **{token: tokens[token] for token in TOKENS},
        "account_id": account,
        "email": email,
        "last_refresh": document.get("last_refresh") or _rfc3339(datetime.now(UTC).timestamp()),
        "expired": _rfc3339(expiry),
    }


def claims(token: str) -> dict[str, Any]:
    """Return a JWT's claims, unverified: they are only shown and copied. Empty for what is no JWT."""
    try:
        middle = token.split(".")[1]
        document = msgspec.json.decode(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (IndexError, ValueError, msgspec.DecodeError):
        return {}
    return document if isinstance(document, dict) else {}


def _read(source: Path) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(source.read_bytes())
    except OSError as error:
        raise UsageError(f"{source} can't be read: {error.strerror}", hint="codex login") from None
    except msgspec.DecodeError as error:
        raise UsageError(f"{source} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise UsageError(f"{source} is no Codex auth.json")
    return document


def _rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
