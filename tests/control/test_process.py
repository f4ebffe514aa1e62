"""The router as a process: started, found, shared, stopped; real processes throughout."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import ClassVar

import psutil
import pytest

from workbench.client import CHAT, RouterClient
from workbench.control.locate import alive, find_router, look, read_router_file
from workbench.control.process import ensure_router, obtain_router, start_router, stop_router
from workbench.domain.errors import RouterUnreachable, ToolUnavailable
from workbench.domain.payload import Payload
from workbench.settings.load import load_settings


def test_no_router_is_absent_and_says_how_to_start_one(live_home):
    """Without a router nothing is found; asked not to start one, exit 6 and the command."""
    assert find_router(live_home) is None
    assert look(live_home).state == "absent"
    with pytest.raises(RouterUnreachable) as caught:
        obtain_router(live_home, start=False)
    assert caught.value.exit_code == 6
    assert caught.value.hint == f"workbench --home {live_home.root} router start"


async def test_a_router_is_started_shared_and_stopped(live_home):
    """The second asker gets the first one's router; it outlives its starter and stops on request."""
    notes: list[str] = []
    first = await ensure_router(live_home, on_note=notes.append)
    second = await ensure_router(live_home, on_note=notes.append)
    assert (first, notes) == (second, [])
    assert first.port == load_settings(live_home, {}).router.port
    async with RouterClient(first.base_url, first.key) as client:
        assert "demo" in [model["id"] for model in await client.models()]
        assert (await client.status())["instance"] == first.instance
    assert os.getsid(first.pid) == first.pid, "it must not die with the terminal that started it"
    assert stop_router(live_home) is True
    assert find_router(live_home) is None
    assert not live_home.router_json.exists()
    assert stop_router(live_home) is False


def test_a_taken_port_gives_the_next_and_it_is_said(live_home):
    """Another program on the port: the next free one is taken, with a note."""
    port = load_settings(live_home, {}).router.port
    notes: list[str] = []
    with socket.create_server(("127.0.0.1", port)):
        address = start_router(live_home, on_note=notes.append)
    assert address.port > port
    assert notes == [f"port {port} is taken by another program: the router takes {address.port}"]


def test_two_starters_at_once_share_one_router(live_home):
    """Four starters in the same moment end with one process and the same address."""
    with ThreadPoolExecutor(4) as pool:
        addresses = set(pool.map(lambda _: start_router(live_home).pid, range(4)))
    assert len(addresses) == 1
    children = [
        process.pid
        for process in psutil.Process().children(recursive=True)
        if process.status() != psutil.STATUS_ZOMBIE
        and "serve" in (words := process.cmdline())
        and str(live_home.root) in words
    ]
    assert children == list(addresses)


def test_a_router_that_cannot_start_says_why(live_home):
    """The end of what it said comes with the error, and nothing is left behind."""
    live_home.config.write_text("model_list: [{model_name: 7}]\n")
    with pytest.raises(RouterUnreachable) as caught:
        start_router(live_home)
    assert str(live_home.config) in caught.value.message
    assert "doctor" in (caught.value.hint or "")
    assert look(live_home).state == "absent"


def test_a_home_that_cannot_be_written_is_said(live_home):
    """A file where the router's folder should be: exit 5 with the home's name, no traceback."""
    live_home.router_dir.write_text("in the way")
    with pytest.raises(ToolUnavailable, match=str(live_home.root)):
        start_router(live_home)


def test_after_kill_9_a_new_one_starts(live_home):
    """A router that was killed leaves its file; it is not taken for a running one."""
    first = start_router(live_home)
    os.kill(first.pid, signal.SIGKILL)
    file = read_router_file(live_home)
    assert file is not None
    while alive(file):
        time.sleep(0.01)
    assert look(live_home).state == "absent"
    assert find_router(live_home) is None
    second = start_router(live_home)
    assert second.instance != first.instance


def test_a_reused_pid_is_not_taken_for_the_router(live_home):
    """A dead router's pid that now belongs to somebody else is not believed, nor its owner ended."""
    live_home.router_dir.mkdir(exist_ok=True)
    record = {"pid": os.getpid(), "pid_started": 1.0, "host": "127.0.0.1", "port": 1, "instance": "gone"}
    live_home.router_json.write_text(json.dumps(record))
    assert look(live_home).state == "absent"
    assert stop_router(live_home) is False


class _Stranger(BaseHTTPRequestHandler):
    """Answers /health as somebody else and keeps what it is sent."""

    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(f"{self.path} {self.headers}")
        body = b'{"status":"ok","instance":"somebody-else"}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_stranger_on_the_port_never_sees_the_key(live_home):
    """Another program at the router's address is told apart before any key is sent."""
    server = HTTPServer(("127.0.0.1", 0), _Stranger)
    Thread(target=server.serve_forever, daemon=True).start()
    live_home.router_dir.mkdir(exist_ok=True)
    record = {
        "pid": os.getpid(),
        "pid_started": psutil.Process().create_time(),
        "host": "127.0.0.1",
        "port": server.server_port,
        "instance": "ours",
    }
    live_home.router_json.write_text(json.dumps(record))
    assert look(live_home).state == "stranger"
    assert find_router(live_home) is None
    server.shutdown()
    live_home.router_json.unlink()
    assert _Stranger.seen
    assert not any("authorization" in line.lower() or "sk-wb" in line for line in _Stranger.seen)


CHUNK = b'data: {"choices":[{"index":0,"delta":{"content":"word"}}]}\n\n'
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


async def test_a_stream_under_way_is_waited_for_and_it_is_said(live_home):
    """Stopping lets a long answer finish and says that it waits, with broken settings, too."""
    go_on = asyncio.Event()

    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + CHUNK
        )
        await go_on.wait()
        writer.write(END)
        writer.close()

    server = await asyncio.start_server(upstream, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    entry = {
        "model_name": "slow",
        "litellm_params": {"model": "openai/x", "api_base": base, "api_key": "none"},
    }
    live_home.config.write_text(json.dumps({"model_list": [entry]}))
    address = await ensure_router(live_home)
    body = b'{"model":"slow","stream":true,"messages":[{"role":"user","content":"hi"}]}'
    loop, notes = asyncio.get_running_loop(), []

    def on_note(text: str) -> None:
        notes.append(text)
        loop.call_soon_threadsafe(go_on.set)

    async with (
        server,
        RouterClient(address.base_url, address.key) as client,
        client.stream(Payload(endpoint=CHAT, body=body)) as reply,
    ):
        live_home.settings_file.write_text("router: {prot: 1}\n")
        stopping = asyncio.create_task(asyncio.to_thread(stop_router, live_home, on_note=on_note))
        answer = await reply.read()
        assert await stopping is True
    assert answer.endswith(b"data: [DONE]\n\n")
    assert len(notes) == 1
    assert look(live_home).state == "absent"


def test_a_router_that_does_not_answer_is_silent_and_can_be_stopped(live_home):
    """A stopped process is seen as silent, and `stop` ends it by force."""
    address = start_router(live_home)
    os.kill(address.pid, signal.SIGSTOP)
    assert look(live_home, timeout_s=0.3).state == "silent"
    assert stop_router(live_home, wait_s=0.3) is True
    assert not psutil.pid_exists(address.pid) or psutil.Process(address.pid).status() == psutil.STATUS_ZOMBIE
