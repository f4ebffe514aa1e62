"""The async client of the router, used by everything above it.

One connection pool for each client; loopback never goes through a proxy. A router that can't be reached is
`RouterUnreachable`; what it answers is the caller's to judge (`send`, `stream`), or an `UpstreamError` where
only success makes sense (`chat_text`, `models`, `status`).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from workbench.domain.answer import Answer, error_of
from workbench.domain.conversation import AnswerBuilder, answer
from workbench.domain.errors import RouterUnreachable, UpstreamError
from workbench.domain.exchange import Headers
from workbench.domain.payload import Payload
from workbench.domain.sse import DONE, Event, Parser

CHAT = "/v1/chat/completions"
EXCHANGE_HEADER = "x-workbench-exchange"

_OTHER_KEY = "workbench router restart   # if the key has changed since it was started"
_NEVER_SENT = frozenset(
    {
        "authorization",
        "x-api-key",
        "host",
        "content-length",
        "connection",
        "transfer-encoding",
        "accept-encoding",
    }
)


class ClientAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer: exact body bytes, and the id under which the router recorded the exchange."""

    status: int
    headers: Headers
    body: bytes
    exchange: str | None

    def header(self, name: str) -> str | None:
        """Return the first header of that name, in any case, or None."""
        return _first(self.headers, name)


class ClientStream:
    """An answer that arrives: its head, then its bytes. Iterate it once."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers: Headers = list(response.headers.multi_items())
        self.exchange = _first(self.headers, EXCHANGE_HEADER)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes as they come. Raises RouterUnreachable when the connection breaks."""
        with _reaching(str(self._response.url)):
            async for chunk in self._response.aiter_raw():
                yield chunk

    async def read(self) -> bytes:
        """Return what is left of the body."""
        return b"".join([chunk async for chunk in self])


class ChatText(msgspec.Struct, frozen=True, kw_only=True):
    """What a model said in answer to a chat request, and where it is recorded."""

    text: str
    answer: Answer
    exchange: str | None
    status: int = 200


class RouterClient:
    """Talks to one router. Use as an async context manager, or call `aclose`."""

    def __init__(self, base_url: str, key: str, *, timeout: float | None = 600.0) -> None:
        """`base_url` is without ``/v1``; `timeout` is the longest silence in seconds, None for any."""
        self.base_url = base_url.rstrip("/")
        self._http = httpx.AsyncClient(
            base_url=self.base_url,
            headers={
                "Authorization": f"Bearer {key}",
                "Accept-Encoding": "identity",
                "User-Agent": "workbench",
            },
            timeout=httpx.Timeout(timeout, connect=5.0),
            limits=httpx.Limits(max_connections=256, max_keepalive_connections=32),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(
        self,
        payload: Payload,
        extra_headers: Sequence[tuple[str, str]] = (),
        *,
        silence_s: float | None = None,
    ) -> ClientAnswer:
        """Send a payload's exact body and return the whole answer, whatever its status.

        `silence_s` replaces the client's longest silence for this request.
        """
        async with self.stream(payload, extra_headers, silence_s=silence_s) as reply:
            body = await reply.read()
        return ClientAnswer(status=reply.status, headers=reply.headers, body=body, exchange=reply.exchange)

    @contextlib.asynccontextmanager
    async def stream(
        self,
        payload: Payload,
        extra_headers: Sequence[tuple[str, str]] = (),
        *,
        silence_s: float | None = None,
    ) -> AsyncIterator[ClientStream]:
        """Send a payload's exact body; the answer's head is there on entry, its bytes are iterated."""
        headers = _request_headers(payload.headers, extra_headers)
        limit = self._http.timeout if silence_s is None else httpx.Timeout(silence_s, connect=5.0)
        request = self._http.build_request(
            "POST", payload.endpoint, content=payload.body, headers=headers, timeout=limit
        )
        with _reaching(self.base_url):
            response = await self._http.send(request, stream=True)
        try:
            yield ClientStream(response)
        finally:
            await response.aclose()

    async def chat_text(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        *,
        headers: Sequence[tuple[str, str]] = (),
        options: Mapping[str, Any] | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> ChatText:
        """Ask for a streamed chat completion; `on_text` gets the words as they come.

        `options` are further members of the request's body. Raises UpstreamError for an error status or an
        error inside the stream; a stream that ends early is an answer with ``complete`` False.
        """
        body = msgspec.json.encode(
            {"model": model, "messages": list(messages), "stream": True, **(options or {})}
        )
        async with self.stream(Payload(endpoint=CHAT, body=body), headers) as reply:
            if reply.status >= 400:
                raise upstream_error(reply.status, reply.headers, await reply.read())
            said = await _read_words(reply, on_text)
        if said.error:
            raise UpstreamError(
                said.error, status=reply.status, body=b"", exchange=reply.exchange, hint=_look(reply.exchange)
            )
        return ChatText(text=said.text, answer=said, exchange=reply.exchange, status=reply.status)

    async def models(self) -> list[dict[str, Any]]:
        """Return the ``data`` of ``GET /v1/models``."""
        document = await self._get("/v1/models")
        return [item for item in document.get("data", []) if isinstance(item, dict)]

    async def health(self) -> dict[str, Any]:
        """Return ``GET /health``; it needs no key, and a degraded router answers too."""
        return await self._get("/health", any_status=True)

    async def status(self) -> dict[str, Any]:
        """Return ``GET /internal/status``: groups, deployments, breakers, recorder, cost today."""
        return await self._get("/internal/status")

    async def metrics(self) -> str:
        """Return the Prometheus text of ``GET /internal/metrics``."""
        return (await self._request("GET", "/internal/metrics")).text

    async def reload(self) -> dict[str, Any]:
        """Make the router read its configuration again. Raises UpstreamError saying why it would not."""
        return _object(await self._request("POST", "/internal/reload", json={}))

    async def probe(self) -> dict[str, Any]:
        """Have every upstream asked whether it is there: ``deployments`` maps ids to ``ok`` or a fault."""
        return _object(await self._request("POST", "/internal/probe", json={}))

    async def profile(self, name: str | None = None) -> dict[str, Any]:
        """Return the routing profile in force, after changing it to `name` if given."""
        if name is None:
            return {"profile": (await self.status()).get("profile")}
        return _object(await self._request("POST", "/internal/profile", json={"profile": name}))

    async def events(self) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Yield ``(started|updated|finished, exchange)`` as exchanges go through, until the router ends.

        The exchange is the public JSON form. The first item is ``("connected", {})``: nothing that happens
        after it is missed, but for ``("dropped", {"dropped": n})`` when the reader was too slow. Raises
        RouterUnreachable when the connection breaks.
        """
        # The router sends a keep-alive every 15 s, so a longer silence means that it is gone.
        request = self._http.build_request(
            "GET", "/internal/events", timeout=httpx.Timeout(45.0, connect=5.0)
        )
        with _reaching(self.base_url):
            response = await self._http.send(request, stream=True)
        try:
            if response.status_code >= 400:
                raise upstream_error(
                    response.status_code, list(response.headers.multi_items()), await response.aread()
                )
            parser = Parser()
            connected = False
            async for chunk in ClientStream(response):
                if not connected:  # the router's greeting comes once the subscription stands
                    connected = True
                    yield "connected", {}
                for event in parser.feed(chunk):
                    yield event.event or "message", msgspec.json.decode(event.data)
        finally:
            await response.aclose()

    async def _get(self, path: str, *, any_status: bool = False) -> dict[str, Any]:
        return _object(await self._request("GET", path, any_status=any_status))

    async def _request(
        self, method: str, path: str, *, any_status: bool = False, json: Any = None
    ) -> httpx.Response:
        with _reaching(self.base_url):
            response = await self._http.request(method, path, json=json, timeout=15.0)
        if response.status_code >= 400 and not any_status:
            raise upstream_error(response.status_code, list(response.headers.multi_items()), response.content)
        return response


def upstream_error(status: int, headers: Headers, body: bytes) -> UpstreamError:
    """Return the error for an answer with an error status, whatever shape its body has."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = None
    known = error_of(document) if isinstance(document, dict) else None
    message = known[0] if known else body[:300].decode("utf-8", "replace").strip() or "an empty answer"
    exchange = _first(headers, EXCHANGE_HEADER)
    return UpstreamError(
        f"HTTP {status}: {message}",
        status=status,
        body=body,
        exchange=exchange,
        retry_after=_number(_first(headers, "retry-after")),
        hint=_look(exchange) or (_OTHER_KEY if status == 401 else None),
    )


async def _read_words(reply: ClientStream, on_text: Callable[[str], None] | None) -> Answer:
    """Read a streamed chat answer, handing on its words; a body that is no stream is read as a whole."""
    if "event-stream" not in (_first(reply.headers, "content-type") or ""):
        said = answer(CHAT, await reply.read(), stream=False)
        if on_text is not None and said.text:
            on_text(said.text)
        return said
    builder = AnswerBuilder(CHAT)
    async for chunk in reply:
        for event in builder.feed(chunk):
            words = _words(event)
            if words and on_text is not None:
                on_text(words)
    return builder.close()


def _words(event: Event) -> str:
    """Return the first choice's words in one chat chunk."""
    if event.data == DONE:
        return ""
    try:
        content = msgspec.json.decode(event.data)["choices"][0]["delta"]["content"]
    except (msgspec.DecodeError, LookupError, TypeError):
        return ""
    return content if isinstance(content, str) else ""


def _request_headers(own: Headers, extra: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return a payload's headers without what is this connection's business, then the extra ones."""
    given = {name.lower() for name, _ in extra}
    kept = [
        (name, value) for name, value in own if name.lower() not in _NEVER_SENT and name.lower() not in given
    ]
    names = given | {name.lower() for name, _ in kept}
    default = [] if "content-type" in names else [("Content-Type", "application/json")]
    return [*kept, *default, *extra]


@contextlib.contextmanager
def _reaching(where: str) -> Any:
    try:
        yield
    except httpx.TimeoutException as error:
        raise RouterUnreachable(
            f"the router at {where} did not answer in time ({type(error).__name__})",
            hint="workbench router status",
        ) from error
    except httpx.TransportError as error:
        reason = str(error) or type(error).__name__
        raise RouterUnreachable(
            f"the router at {where} can't be reached: {reason}", hint="workbench router start"
        ) from error


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise RouterUnreachable(f"{response.url} answered with something that is no JSON object")
    return document


def _first(headers: Headers, name: str) -> str | None:
    return next((value for key, value in headers if key.lower() == name.lower()), None)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def _look(exchange: str | None) -> str | None:
    return f"workbench exchanges show {exchange}" if exchange else None
