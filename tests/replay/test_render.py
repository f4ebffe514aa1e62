"""What `copy as` gives can be run, and sends the very bytes."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from workbench.domain.errors import UsageError
from workbench.domain.payload import Payload
from workbench.replay.render import RENDERERS, as_curl, as_http, as_python, render

KEY = "sk-wb-a-key-that-is-only-in-the-environment"
NASTY = {
    "model": "m",
    "messages": [{"role": "user", "content": "it's $HOME `id` \"q\" \\ \n é 漢 \x1b[2J 'x'"}],
}
BODIES = [
    NASTY,
    b'{"plain": "it is \'quoted\'"}',
    b"\xff\x00 no JSON at all",
    b'{"long": "%s"}' % (b"'x" * 100_000),
]
ANSWER = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "pong"}, "finish_reason": "stop"}],
}  # fmt: skip


class Door:
    """A server that answers every POST and keeps what it was sent."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        seen = self.requests

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                data = json.dumps(ANSWER).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def door() -> Iterator[Door]:
    made = Door()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def run(*argv: str, script: str | None = None) -> str:
    environment = {"PATH": os.environ["PATH"], "LITELLM_MASTER_KEY": KEY}
    done = subprocess.run(
        argv, input=script, capture_output=True, text=True, timeout=60, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def payload(body: Any = NASTY, endpoint: str = "/v1/chat/completions") -> Payload:
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    headers = [("Authorization", "Bearer old"), ("anthropic-beta", "a,b"), ("X-Stainless-Lang", "python")]
    return Payload(endpoint=endpoint, body=data, headers=headers)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("body", BODIES, ids=["nasty", "quoted", "bytes", "long"])
def test_the_curl_command_sends_the_body(door: Door, body: Any) -> None:
    """Quotes, dollars, control characters and bytes arrive as they were, the key from the environment."""
    sent = payload(body)
    run("bash", "-s", script=as_curl(sent, door.url))
    path, headers, received = door.requests[0]
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["anthropic-beta"] == "a,b"
    if isinstance(body, dict):
        assert json.loads(received) == body
    else:
        assert received == body


@pytest.mark.parametrize("endpoint", ["/v1/chat/completions", "/v1/messages"])
def test_the_python_program_sends_the_body(door: Door, endpoint: str) -> None:
    """With the openai package where it has the call, with the standard library elsewhere."""
    printed = run(sys.executable, "-c", as_python(payload(endpoint=endpoint), door.url))
    path, headers, received = door.requests[0]
    assert path == endpoint
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["anthropic-beta"] == "a,b"
    assert json.loads(received) == NASTY
    assert "pong" in printed


def test_raw_http_is_a_whole_request() -> None:
    """Request line, host, length of the body, and no key."""
    text = as_http(payload({"a": "é"}), "http://127.0.0.1:4000")
    head, _, body = text.partition("\r\n\r\n")
    assert head.splitlines()[0] == "POST /v1/chat/completions HTTP/1.1"
    assert "Host: 127.0.0.1:4000" in head.splitlines()
    assert f"Content-Length: {len(body.encode())}" in head.splitlines()
    assert body == '{"a": "é"}'


@pytest.mark.parametrize("form", list(RENDERERS))
def test_nothing_secret_and_nothing_that_moves_the_cursor_is_copied(form: str) -> None:
    """Old keys stay behind; escape sequences would act on the terminal that shows the text."""
    text = render(payload(), "http://127.0.0.1:4000", form)
    assert "Bearer old" not in text
    assert "\x1b" not in text


def test_an_unknown_form_names_the_known_ones() -> None:
    """The hint lists what can be asked for."""
    with pytest.raises(UsageError) as caught:
        render(payload(), "http://127.0.0.1:4000", "perl")
    assert "curl" in (caught.value.hint or "")
