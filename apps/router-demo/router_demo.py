#!/usr/bin/env python3
"""A client of the router that knows nothing but HTTP: models, chat, stream, and replay of a payload file.

One file, Python's standard library only: take it anywhere. Where the router is and its key come from the
command line, the environment or an env file; see README.md.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

DEFAULT_URL = "http://127.0.0.1:4000"
KEY_NAME = "LITELLM_MASTER_KEY"
_OLD_CONNECTION = {
    "host",
    "content-length",
    "connection",
    "transfer-encoding",
    "accept-encoding",
    "authorization",
    "x-api-key",
}
_OLD_CONNECTION |= {"content-type", "cookie", "expect"}


class DemoError(Exception):
    """Something the person can mend; the message says what."""


@dataclass(frozen=True)
class Request:
    """What a payload file holds: endpoint path, headers without secrets, exact body."""

    endpoint: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Router:
    """The router's address and key."""

    url: str
    key: str

    def call(
        self, method: str, path: str, body: bytes | None, headers: tuple[tuple[str, str], ...]
    ) -> http.client.HTTPResponse:
        """Send one request and return the answer, its body unread. Raises DemoError when nobody answers."""
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=600)
        own = {"Authorization": f"Bearer {self.key}", "User-Agent": "router-demo/1"}
        if body is not None:
            own["Content-Type"] = "application/json"
        try:
            connection.request(method, parts.path.rstrip("/") + path, body, {**dict(headers), **own})
            return connection.getresponse()
        except OSError as error:
            raise DemoError(
                f"no router at {self.url} ({error}); `workbench router start` starts one"
            ) from None


def load_request(path: Path, model: str | None = None) -> Request:
    """Return the request in a payload file, or in a bare request body; `model` replaces its model.

    A payload file is ``{"version": 1, "endpoint", "headers": [[k, v]], "body" or "body_b64"}``.
    """
    try:
        data = path.read_bytes()
        document = json.loads(data)
    except (OSError, ValueError) as error:
        raise DemoError(f"{path}: {error}") from None
    if not isinstance(document, dict):
        raise DemoError(f"{path}: a JSON object is needed")
    if "version" not in document:
        return Request(_guess_endpoint(document, path), _with_model(data, model))
    if document["version"] != 1:
        raise DemoError(f"{path}: version {document['version']!r}; this program reads 1")
    if "body" in document:
        body = json.dumps(document["body"], ensure_ascii=False, separators=(",", ":")).encode()
    else:
        body = base64.b64decode(document.get("body_b64", ""))
    headers = tuple(
        (name, value) for name, value in document.get("headers", []) if name.lower() not in _OLD_CONNECTION
    )
    return Request(document["endpoint"], _with_model(body, model), headers)


def _guess_endpoint(document: dict[str, Any], path: Path) -> str:
    if "messages" in document:
        anthropic = "system" in document and "max_tokens" in document
        return "/v1/messages" if anthropic else "/v1/chat/completions"
    if "input" in document:
        return "/v1/responses"
    raise DemoError(f"{path}: neither a payload file nor a request body (no messages, no input)")


def _with_model(body: bytes, model: str | None) -> bytes:
    if model is None:
        return body
    return json.dumps({**json.loads(body), "model": model}, ensure_ascii=False).encode()


def chat_request(text: str, model: str, *, stream: bool) -> Request:
    """Return a chat request of one user message."""
    body = {"model": model, "messages": [{"role": "user", "content": text}], "stream": stream}
    return Request("/v1/chat/completions", json.dumps(body).encode())


def send(router: Router, request: Request) -> http.client.HTTPResponse:
    """Send the request; an error status is raised as DemoError with the router's own words."""
    answer = router.call("POST", request.endpoint, request.body, request.headers)
    if answer.status >= 400:
        raise DemoError(f"{answer.status} from the router: {_problem(answer.read())}")
    return answer


def _problem(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace")[:500]


def pieces(answer: http.client.HTTPResponse) -> Iterator[str]:
    """Yield the answer's text: as it arrives for a stream, at once otherwise."""
    if "text/event-stream" not in (answer.getheader("content-type") or ""):
        yield whole_text(json.loads(answer.read()))
        return
    for line in answer:
        data = line.strip().removeprefix(b"data:").strip()
        if line.startswith(b"data:") and data != b"[DONE]":
            event = json.loads(data)
            if "error" in event:
                raise DemoError(f"the stream broke: {event['error']}")
            yield delta_text(event)


def delta_text(event: dict[str, Any]) -> str:
    """Return the text that one event of a chat, responses or messages stream adds."""
    if event.get("type") == "response.output_text.delta":
        return str(event.get("delta", ""))
    if event.get("type") == "content_block_delta":
        return str(event["delta"].get("text", ""))
    choices = event.get("choices") or [{}]
    return (choices[0].get("delta") or {}).get("content") or choices[0].get("text") or ""


def whole_text(document: dict[str, Any]) -> str:
    """Return the text of a whole answer; the JSON itself where there is none (tool calls, embeddings)."""
    if document.get("choices"):
        choice = document["choices"][0]
        text = (choice.get("message") or {}).get("content") or choice.get("text")
    else:
        items = document.get("content") or [
            part for item in document.get("output", []) for part in item.get("content", [])
        ]
        text = "".join(part.get("text", "") for part in items)
    return text or json.dumps(document, indent=2, ensure_ascii=False)


def printable(text: str) -> str:
    """Return `text` with control characters shown: a model's words must not steer the terminal."""
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in text)


def show(router: Router, request: Request) -> None:
    """Send the request, print the answer on stdout and its exchange's id on stderr."""
    answer = send(router, request)
    for piece in pieces(answer):
        print(printable(piece), end="", flush=True)
    print()
    print(f"exchange {answer.getheader('x-workbench-exchange')}", file=sys.stderr)


def show_models(router: Router) -> None:
    """Print the names of the model groups, one a line."""
    answer = router.call("GET", "/v1/models", None, ())
    body = answer.read()
    if answer.status != 200:
        raise DemoError(f"{answer.status} from the router: {_problem(body)}")
    for item in json.loads(body)["data"]:
        print(item["id"])


def replay(router: Router, path: Path, models: list[str], original: str | None) -> None:
    """Send a payload file again, once for each model; `original` is the exchange it was saved from."""
    named = (("X-Workbench-Replay-Of", original),) if original else ()
    chosen: list[str | None] = [*models] or [None]
    for model in chosen:
        request = load_request(path, model)
        print(f"{path.name} -> {model or 'its own model'}", file=sys.stderr)
        show(router, Request(request.endpoint, request.body, request.headers + named))


def find_key(env_file: Path) -> str:
    """Return the key: the environment's, else the env file's. Raises DemoError when neither has one."""
    if key := os.environ.get(KEY_NAME):
        return key
    if env_file.is_file():
        for line in env_file.read_text(encoding="utf-8").splitlines():
            name, _, value = line.strip().removeprefix("export ").partition("=")
            if name.strip() == KEY_NAME and value.strip():
                return value.strip().strip("'\"")
    raise DemoError(f"no key: set {KEY_NAME}, or name the home's env file with --env-file")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    top = argparse.ArgumentParser(
        prog="router_demo.py", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    top.add_argument(
        "--url", default=os.environ.get("WORKBENCH_URL", DEFAULT_URL), help="where the router is"
    )
    top.add_argument("--env-file", type=Path, default=Path(".env"), help=f"file that holds {KEY_NAME}")
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser("models", help="list the model groups")
    for name, sentence in (
        ("chat", "ask once, get one answer"),
        ("stream", "ask once, read as it is written"),
    ):
        asking = commands.add_parser(name, help=sentence)
        asking.add_argument("text")
        asking.add_argument("--model", default="demo")
    again = commands.add_parser("replay", help="send a payload file again")
    again.add_argument("file", type=Path)
    again.add_argument("--model", action="append", default=[], help="another model; repeatable")
    again.add_argument("--of", dest="original", help="id of the exchange it was saved from")
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command; return 0, or 1 with the reason on stderr."""
    given = parser().parse_args(argv)
    try:
        router = Router(given.url, find_key(given.env_file))
        if given.command == "models":
            show_models(router)
        elif given.command == "replay":
            replay(router, given.file, given.model, given.original)
        else:
            show(router, chat_request(given.text, given.model, stream=given.command == "stream"))
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
