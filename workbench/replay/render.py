"""A payload as something to paste: a curl command, a Python program, a raw HTTP request.

The key never stands in the text: it comes from the environment variable `KEY_VARIABLE` when that runs.
"""

from __future__ import annotations

import base64
import json
import pprint
import shlex
from urllib.parse import urlsplit

import msgspec

from workbench.domain.errors import UsageError
from workbench.domain.payload import Payload
from workbench.replay.headers import sendable
from workbench.settings.keys import KEY_NAME

KEY_VARIABLE = KEY_NAME
_LONGEST_ARGUMENT = 60_000
"""Bytes; one argument may have 128 KiB on Linux, and quoting makes it longer. ``printf`` has no limit."""
_OPENAI_CALLS = {
    "/v1/chat/completions": "chat.completions.create",
    "/v1/completions": "completions.create",
    "/v1/embeddings": "embeddings.create",
    "/v1/responses": "responses.create",
}


def as_curl(payload: Payload, base_url: str) -> str:
    """Return a shell command that sends `payload` to the router at `base_url` (without ``/v1``)."""
    lines = [f"curl -sS {shlex.quote(base_url.rstrip('/') + payload.endpoint)}"]
    lines += [f'-H "Authorization: Bearer ${KEY_VARIABLE}"', "-H 'Content-Type: application/json'"]
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in _extra(payload)]
    if _is_streaming(payload):
        lines.append("-N")
    text = _shell_text(payload.body)
    if text is None:  # a shell word can't hold every byte
        encoded = base64.b64encode(payload.body).decode()
        lines[0] = f"printf %s {encoded} | base64 -d | {lines[0]}"
    lines.append("--data-binary @-" if text is None else f"--data-raw {text}")
    return " \\\n  ".join(lines) + "\n"


def as_python(payload: Payload, base_url: str) -> str:
    """Return a program for the `openai` package, or for the standard library where that lacks the call."""
    call = _OPENAI_CALLS.get(payload.endpoint)
    body = _decoded(payload)
    if call is None or not isinstance(body, dict):
        return _as_urllib(payload, base_url)
    arguments = pprint.pformat(body, width=100, sort_dicts=False)
    use = "for event in answer:\n    print(event)\n" if body.get("stream") else "print(answer)\n"
    extra = dict(_extra(payload))
    headers = f", extra_headers={extra!r}" if extra else ""
    return (
        "import os\n\nfrom openai import OpenAI\n\n"
        f"client = OpenAI(base_url={base_url.rstrip('/') + '/v1'!r}, api_key=os.environ[{KEY_VARIABLE!r}])\n"
        f"body = {arguments}\n"
        f"answer = client.{call}(**body{headers})\n{use}"
    )


def as_http(payload: Payload, base_url: str) -> str:
    """Return the request as HTTP/1.1 text, the key named by its variable."""
    parts = urlsplit(base_url)
    head = [
        f"POST {payload.endpoint} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Authorization: Bearer ${KEY_VARIABLE}",
        "Content-Type: application/json",
        f"Content-Length: {len(payload.body)}",
        *(f"{name}: {value}" for name, value in _extra(payload)),
    ]
    return "\r\n".join(head) + "\r\n\r\n" + payload.body.decode("utf-8", "replace")


RENDERERS = {"curl": as_curl, "python": as_python, "http": as_http}


def render(payload: Payload, base_url: str, form: str) -> str:
    """Return `payload` in one of `RENDERERS`. Raises UsageError for another form."""
    if form not in RENDERERS:
        raise UsageError(f"no form {form!r}", hint=f"one of: {', '.join(RENDERERS)}")
    return RENDERERS[form](payload, base_url)


def _as_urllib(payload: Payload, base_url: str) -> str:
    headers = {"Content-Type": "application/json", **dict(_extra(payload))}
    return (
        "import os\nimport urllib.request\n\n"
        f"headers = {headers!r}\n"
        f'headers["Authorization"] = "Bearer " + os.environ[{KEY_VARIABLE!r}]\n'
        f"request = urllib.request.Request({base_url.rstrip('/') + payload.endpoint!r}, headers=headers,\n"
        f"    data={payload.body!r})\n"
        "with urllib.request.urlopen(request) as answer:\n    print(answer.read().decode())\n"
    )


def _extra(payload: Payload) -> list[tuple[str, str]]:
    return [(name, value) for name, value in sendable(payload.headers) if name.lower() != "content-type"]


def _decoded(payload: Payload) -> object:
    try:
        return msgspec.json.decode(payload.body)
    except msgspec.DecodeError:
        return None


def _is_streaming(payload: Payload) -> bool:
    body = _decoded(payload)
    return isinstance(body, dict) and body.get("stream") is True


def _shell_text(body: bytes) -> str | None:
    """Return `body` as one shell word that no terminal acts on; None for what is neither text nor JSON,
    or longer than an argument may be.
    """
    if len(body) > _LONGEST_ARGUMENT:
        return None
    text = body.decode("utf-8", "surrogateescape")
    if text.replace("\n", "").replace("\t", "").isprintable():
        return shlex.quote(text)
    try:
        return shlex.quote(json.dumps(json.loads(text)))
    except (ValueError, UnicodeError):
        return None
