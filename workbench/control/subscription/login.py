"""Signing in to a subscription through the proxy's management interface.

The proxy asks the provider for an address (and a code); the user opens it in a browser; we wait. The proxy
answers ``ok`` for a sign-in it has forgotten, too, so only a new or changed account file counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

import httpx
import msgspec

from workbench.control.subscription.layout import Layout, base_url, management_key
from workbench.domain.errors import CheckFailed, ToolUnavailable

Kind = Literal["codex", "copilot"]

_START = {"codex": "/codex-auth-url?is_webui=true", "copilot": "/github-auth-url"}
_TYPES = {"codex": {"codex"}, "copilot": {"github-copilot", "copilot", "github"}}


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """What the user must do: open `url`, and type `code` there if there is one."""

    url: str
    code: str | None = None


def log_in(
    layout: Layout,
    kind: Kind,
    on_prompt: Callable[[Prompt], None],
    *,
    timeout_s: float = 900.0,
    poll_s: float = 2.0,
) -> str:
    """Sign in and return the account file's name.

    Raises CheckFailed when the provider refuses, the time is over or no account appeared; ToolUnavailable
    when the proxy does not answer.
    """
    headers = {"Authorization": f"Bearer {management_key(layout)}"}
    root = f"{base_url(layout)}/v0/management"
    with httpx.Client(base_url=root, headers=headers, trust_env=False, timeout=15.0) as client:
        before = _accounts(client, kind)
        begun = _get(client, _START[kind])
        if begun.get("status") not in {"ok", None} or not begun.get("state"):
            raise CheckFailed(f"the sign-in can't begin: {begun.get('error') or begun}")
        on_prompt(_prompt(begun))
        _await_end(client, str(begun["state"]), on_prompt, timeout_s, poll_s)
        changed = {name: mark for name, mark in _accounts(client, kind).items() if before.get(name) != mark}
    if not changed:
        raise CheckFailed("the sign-in ended without an account", hint=f"workbench auth {kind} login")
    return next(iter(changed))


def _await_end(
    client: httpx.Client, state: str, on_prompt: Callable[[Prompt], None], timeout_s: float, poll_s: float
) -> None:
    deadline = time.monotonic() + timeout_s
    shown: set[str] = set()
    while time.monotonic() < deadline:
        answer = _get(client, "/get-auth-status", {"state": state})
        status = answer.get("status")
        if status == "ok":
            return
        if status == "error":
            raise CheckFailed(f"the sign-in failed: {answer.get('error') or 'no reason given'}")
        if status in {"device_code", "auth_url"} and str(answer) not in shown:
            shown.add(str(answer))
            on_prompt(_prompt(answer))
        time.sleep(poll_s)
    raise CheckFailed(f"nobody signed in within {timeout_s:g} s")


def _prompt(answer: dict[str, Any]) -> Prompt:
    url = answer.get("verification_uri") or answer.get("verification_url") or answer.get("url") or ""
    return Prompt(url=str(url), code=answer.get("user_code") or None)


def _accounts(client: httpx.Client, kind: Kind) -> dict[str, str]:
    """Return the kind's account files: name -> a mark that changes when the file does."""
    files = _get(client, "/auth-files").get("files") or []
    found = {}
    for item in files:
        if isinstance(item, dict) and str(item.get("type") or item.get("provider")).lower() in _TYPES[kind]:
            found[str(item.get("name"))] = f"{item.get('modtime')} {item.get('size')}"
    return found


def _get(client: httpx.Client, path: str, query: dict[str, str] | None = None) -> dict[str, Any]:
    try:
        reply = client.get(path, params=query)
    except httpx.HTTPError as error:
        raise ToolUnavailable(
            f"the sign-in proxy does not answer: {str(error) or type(error).__name__}",
            hint="workbench auth start",
        ) from None
    try:
        document = reply.json()
    except ValueError:
        document = None
    if reply.status_code != 200 or not isinstance(document, dict):
        raise ToolUnavailable(
            f"the sign-in proxy answered HTTP {reply.status_code} to {path.partition('?')[0]}",
            hint="workbench auth status",
        )
    return document
