"""A recorded request as a curl command that can be pasted."""

from __future__ import annotations

import shlex
from pathlib import Path

from workbench.domain.payload import Payload
from workbench.domain.text import printable
from workbench.settings.keys import KEY_NAME

LONGEST_INLINE = 60_000
"""Bytes of a body written into the command; a Linux argument may have 128 KiB."""

_LEFT_OUT = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "host",
        "traceparent",
        "tracestate",
        "transfer-encoding",
        "user-agent",
        "x-api-key",
    }
)


def curl_command(exchange_id: str, payload: Payload, *, base_url: str, home: Path) -> str:
    """Return the command. A body that is long, or no plain text, is piped in from the store."""
    text = _inline(payload.body)
    lines = [f"curl -sS -N {shlex.quote(base_url + payload.endpoint)}"]
    lines.append(f'-H "Authorization: Bearer ${KEY_NAME}"')
    headers = [(name, value) for name, value in payload.headers if name.lower() not in _LEFT_OUT]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.insert(0, ("Content-Type", "application/json"))
    lines += [f"-H {shlex.quote(f'{name}: {printable(value)}')}" for name, value in headers]
    lines.append("--data-binary @-" if text is None else f"--data-binary {shlex.quote(text)}")
    command = " \\\n  ".join(lines)
    if text is not None:
        return command
    source = f"workbench --home {shlex.quote(str(home))} exchanges body {exchange_id} request"
    return f"{source} |\n{command}"


def _inline(body: bytes) -> str | None:
    """Return the body if a command line can hold it unchanged and a terminal can show it."""
    if len(body) > LONGEST_INLINE or body.startswith(b"@"):
        return None
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return text if printable(text) == text else None
