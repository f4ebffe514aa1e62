"""The upstream of the benchmarks: answers at once, from bytes made beforehand; it costs next to nothing.

``python bench/upstream.py`` prints its address. A body with ``"stream":true`` gets 200 small chunks, each
written by itself as a model would; any other gets a plain chat completion.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable

CHUNKS = 200


def _plain() -> bytes:
    message = {"role": "assistant", "content": "The quick brown fox jumps over the lazy dog. " * 4}
    body = json.dumps(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "bench",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 12, "completion_tokens": 40, "total_tokens": 52},
        }
    ).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    document = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_700_000_000}
    return b"data: " + json.dumps({**document, "model": "bench", "choices": [choice]}).encode() + b"\n\n"


def _chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


PLAIN = _plain()
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
EVENTS = [
    *(_chunked(_event({"content": f" word{number}"})) for number in range(CHUNKS)),
    _chunked(_event({}, "stop")),
    _chunked(b"data: [DONE]\n\n") + b"0\r\n\r\n",
]


class Upstream(asyncio.Protocol):
    """Just enough HTTP/1.1."""

    def __init__(self) -> None:
        self.buffer = b""
        self.write: Callable[[bytes], None]
        self.tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.write = transport.write  # type: ignore[attr-defined]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (asyncio's own name)
        for task in self.tasks:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(rest) < length:
            return
        self.buffer = b""
        if b'"stream":true' in rest or b'"stream": true' in rest:
            task = asyncio.ensure_future(self._stream())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        else:
            self.write(PLAIN)

    async def _stream(self) -> None:
        self.write(HEAD)
        for event in EVENTS:
            self.write(event)
            await asyncio.sleep(0)


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Upstream, "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
