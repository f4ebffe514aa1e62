"""Everybody whose wire is not OpenAI's or Anthropic's: through litellm, in a thread and loop of its own.

Importing litellm takes seconds and its calls may count tokens, so neither happens on the router's loop. It is
imported when the first such call comes. Providers that would start a login or a server are refused.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, TypeVar

import msgspec

from workbench.domain.exchange import Headers
from workbench.providers.provider import EMBEDDINGS, Answer, Call, ProviderFailure

T = TypeVar("T")

_REFUSED = {
    "github_copilot": "asking for it starts a device login; use workbench auth copilot",
    "chatgpt": "asking for it starts a device login; use workbench auth codex",
}
_END = None


class LitellmProvider:
    """Sends calls through litellm; litellm's own retries and caches are off."""

    name = "litellm"

    def __init__(self) -> None:
        self._thread: _Thread | None = None
        self._starting = asyncio.Lock()

    async def send(self, call: Call) -> Answer:
        """Return the answer in OpenAI's form. Raises ProviderFailure."""
        provider = call.deployment.provider
        if provider in _REFUSED:
            raise ProviderFailure("unsupported", f"{provider}: {_REFUSED[provider]}")
        thread = await self._started()
        arguments = call_arguments(call)
        try:
            if call.endpoint == EMBEDDINGS:
                whole = await thread.run(thread.litellm.aembedding(**arguments))
                return _plain(whole)
            made = await thread.run(thread.litellm.acompletion(**arguments))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # litellm raises its own and its clients' classes
            return _error_answer(error, call)
        return _streamed(made, thread, call) if arguments.get("stream") else _plain(made)

    async def aclose(self) -> None:
        """Stop the thread."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None

    async def _started(self) -> _Thread:
        async with self._starting:
            if self._thread is None:
                thread = _Thread()
                await asyncio.to_thread(thread.start)
                self._thread = thread
        return self._thread


class _Thread:
    """A loop in a daemon thread, with litellm imported there."""

    litellm: Any

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._error: Exception | None = None

    def start(self) -> None:
        """Start it and wait for the import. Raises ProviderFailure when litellm can't be imported."""
        threading.Thread(target=self._run, name="litellm", daemon=True).start()
        self._ready.wait()
        if self._error is not None:
            raise ProviderFailure("unsupported", f"litellm can't be imported: {type(self._error).__name__}")

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there and return its result here."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop))

    def stop(self) -> None:
        """Stop the loop."""
        self.loop.call_soon_threadsafe(self.loop.stop)

    def _run(self) -> None:
        os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        try:
            import litellm
        except Exception as error:  # whatever it is, it is told to the caller
            self._error = error
            self._ready.set()
            return
        litellm.telemetry = False
        litellm.suppress_debug_info = True
        self.litellm = litellm
        self._ready.set()
        self.loop.run_forever()


def call_arguments(call: Call) -> dict[str, Any]:
    """Return the arguments of ``litellm.acompletion`` or ``aembedding`` for a call."""
    deployment = call.deployment
    body = msgspec.json.decode(call.body, type=dict[str, Any])
    timeouts = deployment.stream_timeouts if call.stream else deployment.timeouts
    arguments = {
        **{name: value for name, value in deployment.params.items() if name not in body},
        **body,
        "model": f"{deployment.provider}/{deployment.model}",
        "num_retries": 0,
        "max_retries": 0,
        "timeout": timeouts.total_s,
    }
    if deployment.api_key is not None:
        arguments["api_key"] = deployment.api_key.reveal()
    if deployment.api_base is not None:
        arguments["api_base"] = deployment.api_base
    if deployment.headers:
        arguments["extra_headers"] = dict(deployment.headers)
    return arguments


def _plain(made: Any) -> Answer:
    return _json_answer(200, made.model_dump_json().encode())


def _json_answer(status: int, body: bytes, headers: Headers | None = None) -> Answer:
    async def once() -> AsyncIterator[bytes]:
        yield body

    return Answer(
        status=status, headers=[("Content-Type", "application/json"), *(headers or [])], chunks=once()
    )


def _streamed(made: Any, thread: _Thread, call: Call) -> Answer:
    headers: Headers = [("Content-Type", "text/event-stream; charset=utf-8")]
    return Answer(status=200, headers=headers, chunks=_events(made, thread, call))


async def _events(made: Any, thread: _Thread, call: Call) -> AsyncIterator[bytes]:
    """Yield litellm's chunks as events; they are made in its loop and handed over one by one."""
    queue: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
    here = asyncio.get_running_loop()

    def hand_over(item: bytes | Exception | None) -> None:
        here.call_soon_threadsafe(queue.put_nowait, item)

    async def pump() -> None:
        try:
            async for chunk in made:
                hand_over(b"data: " + chunk.model_dump_json(exclude_none=True).encode() + b"\n\n")
            hand_over(b"data: [DONE]\n\n")
        except Exception as error:  # told to the reader as a failure
            hand_over(error)
        hand_over(_END)

    pumping = asyncio.run_coroutine_threadsafe(pump(), thread.loop)
    between = call.deployment.stream_timeouts.between_s
    try:
        while (item := await _next(queue, between)) is not _END:
            if isinstance(item, Exception):
                raise ProviderFailure("reset", _scrubbed(str(item), call), stage="between_chunks")
            yield item
    finally:
        pumping.cancel()


async def _next(queue: asyncio.Queue[Any], between_s: float) -> Any:
    try:
        async with asyncio.timeout(between_s):
            return await queue.get()
    except TimeoutError:
        text = f"nothing more came for {between_s:g} s"
        raise ProviderFailure("timeout", text, stage="between_chunks") from None


def _error_answer(error: Exception, call: Call) -> Answer:
    """Return litellm's exception as the answer its status stands for."""
    status = getattr(error, "status_code", None)
    message = _scrubbed(str(getattr(error, "message", None) or error), call)
    names = set(_causes(error))
    if names & {"Timeout", "APITimeoutError"}:
        raise ProviderFailure("timeout", message, stage="first_byte") from None
    if names & {"APIConnectionError", "ConnectError"} or not isinstance(status, int):
        raise ProviderFailure("connect", message) from None
    response = getattr(error, "response", None)
    given = getattr(response, "headers", None) or getattr(error, "litellm_response_headers", None) or {}
    headers = [
        (str(name), str(value)) for name, value in given.items() if "ratelimit" in name or "retry" in name
    ]
    body = msgspec.json.encode({"error": {"message": message, "type": type(error).__name__, "code": status}})
    return _json_answer(status, body, headers)


def _causes(error: BaseException | None) -> Iterator[str]:
    """Yield the class names of an error and of what caused it: litellm calls a refused connection a 500."""
    for _ in range(8):
        if error is None:
            return
        yield type(error).__name__
        error = error.__cause__ or error.__context__


def _scrubbed(text: str, call: Call) -> str:
    key = call.deployment.api_key
    return text.replace(key.reveal(), "…") if key is not None and key.reveal() else text
