"""Watching an answer go by: is it whole, did it fail, what did it cost in tokens.

The bytes are never changed here. A stream is cut into its events (each with its blank line) so that one
event can be left out or held back; each event is decoded only as far as the questions need.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from workbench.domain.answer import anthropic_usage, openai_usage
from workbench.domain.exchange import Usage

_END = re.compile(rb"\n\n|\r\n\r\n|\r\r|\n\r\n|\r\n\n")
_FIELD = re.compile(rb"^(event|data):[ ]?(.*?)\r?$", re.M)
_DONE = b"[DONE]"
_CHARS_A_TOKEN = 4


class EventCutter:
    """Cuts a stream into whole events, byte for byte; keeps what is not complete yet.

    Events longer than `limit` bytes raise ValueError, so that memory is bounded.
    """

    def __init__(self, limit: int = 64 * 1024 * 1024) -> None:
        self._rest = bytearray()
        self._searched = 0
        self._limit = limit

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the events that `chunk` completes, each with the bytes that end it."""
        self._rest += chunk
        events: list[bytes] = []
        position = 0
        for match in _END.finditer(self._rest, max(self._searched - 3, 0)):
            events.append(bytes(self._rest[position : match.end()]))
            position = match.end()
        del self._rest[:position]
        self._searched = len(self._rest)
        if self._searched > self._limit:
            msg = f"an event of more than {self._limit} bytes"
            raise ValueError(msg)
        return events

    @property
    def pending(self) -> bool:
        """Whether an event has begun and is not whole."""
        return bool(self._rest)

    def rest(self) -> bytes:
        """Return what came after the last whole event."""
        return bytes(self._rest)


class _Delta(msgspec.Struct):
    content: Any = None
    reasoning_content: Any = None
    tool_calls: msgspec.Raw | None = None


class _Choice(msgspec.Struct):
    finish_reason: str | None = None
    delta: _Delta | None = None
    message: _Delta | None = None
    text: Any = None


class _Chat(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: Any = None
    error: Any = None
    data: msgspec.Raw | None = None


class _Inner(msgspec.Struct):
    usage: Any = None
    stop_reason: str | None = None
    status: str | None = None
    error: Any = None
    incomplete_details: Any = None


class _Typed(msgspec.Struct):
    """An event or a body of messages or responses; they share member names with the same meaning."""

    type: str | None = None
    message: Any = None
    response: _Inner | None = None
    delta: Any = None
    usage: Any = None
    stop_reason: str | None = None
    status: str | None = None
    error: Any = None
    incomplete_details: Any = None
    content: Any = None
    code: Any = None


_chat = msgspec.json.Decoder(_Chat)
_typed = msgspec.json.Decoder(_Typed)
_any = msgspec.json.Decoder(msgspec.Raw)


class Malformed(ValueError):
    """Data of the answer that is not JSON, or not text."""


class Watch:
    """What has been seen of one answer. Ask the attributes at any time."""

    def __init__(self, endpoint: str) -> None:
        self._chat_like = not endpoint.startswith(("/v1/messages", "/v1/responses"))
        self.begun = False
        """A data event has been seen (not only comments)."""
        self.terminal = False
        """The dialect's last event has been seen."""
        self.finish_reason: str | None = None
        self.error: str | None = None
        self.error_status: int | None = None
        self.usage: Usage | None = None
        self.only_usage = False
        """The last event seen carries usage and nothing else."""
        self.answer_chars = 0

    @property
    def complete(self) -> bool:
        """Whether an end of the stream here is a clean end. Some upstreams send no ``[DONE]``."""
        return self.terminal or self.error is not None or (self._chat_like and self.finish_reason is not None)

    def event(self, block: bytes) -> None:
        """See one whole event. Raises Malformed for data that is no JSON."""
        data = event_data(block)
        self.only_usage = False
        if data is None:
            return
        self.begun = True
        check_text(data)
        if data == _DONE:
            self.terminal = True
        elif self._chat_like:
            self._chat_event(data)
        else:
            self._typed_event(data)

    def ordinary(self, chunk: bytes) -> bool:
        """See `chunk` if it is one whole chat delta and nothing else; else return False and see nothing.

        This is what nearly every chunk of a stream is, and the quick way past everything else.
        """
        if not (self._chat_like and chunk.startswith(b"data: {") and chunk.endswith(b"}\n\n")):
            return False
        if chunk.count(b"\n") != 2 or b'"usage":{' in chunk or b'"error"' in chunk:
            return False
        try:
            check_text(chunk)
            event = _chat.decode(chunk[6:-2])
        except (msgspec.DecodeError, ValueError, RecursionError):
            return False
        if event.usage or event.error or event.choices is None:
            return False
        self.only_usage = False
        self._choices(event.choices)
        return True

    def body(self, data: bytes) -> None:
        """See a whole body that was not streamed. Raises Malformed for what is no JSON object."""
        if not data.strip():
            raise Malformed("an empty body")
        self.begun = self.terminal = True
        check_text(data)
        if not data.lstrip().startswith(b"{"):
            raise Malformed("a body that is no JSON object")
        if self._chat_like:
            self._chat_event(data)
        else:
            self._typed_event(data)

    def estimated(self, request_bytes: int) -> Usage:
        """Return the usage, our own estimate (four bytes a token) where the upstream gave none."""
        if self.usage is not None and self.usage.input_tokens is not None:
            return self.usage
        return Usage(
            input_tokens=request_bytes // _CHARS_A_TOKEN,
            output_tokens=self.answer_chars // _CHARS_A_TOKEN,
            estimated=True,
        )

    def _chat_event(self, data: bytes) -> None:
        event = _decode(_chat, data)
        if not isinstance(event, _Chat):
            return
        if event.error:
            self._fail(event.error)
        if event.usage:
            self._add(openai_usage(event.usage))
            self.only_usage = not event.choices
        self._choices(event.choices or ())

    def _choices(self, choices: Iterable[_Choice]) -> None:
        for choice in choices:
            if choice.finish_reason:
                self.finish_reason = choice.finish_reason
            said = choice.delta or choice.message
            if said is None:
                self._count(choice.text)
                continue
            if isinstance(said.content, str):
                self.answer_chars += len(said.content)
            if said.reasoning_content is not None or said.tool_calls is not None:
                self._count(said.reasoning_content)
                self.answer_chars += len(bytes(said.tool_calls or b""))

    def _typed_event(self, data: bytes) -> None:
        event = _decode(_typed, data)
        if not isinstance(event, _Typed):
            return
        kind = event.type or ""
        if kind.startswith("response."):
            self._responses_event(kind, event)
        elif kind in ("error", "message_start", "message_delta", "message_stop", "content_block_delta"):
            self._messages_event(kind, event)
        elif kind == "message" or event.stop_reason:
            self._add(anthropic_usage(event.usage))
            self.finish_reason = event.stop_reason
            self._count(*_texts(event.content))
        elif event.status is not None:
            self._end_response(event)
        elif event.error:
            self._fail(event.error)

    def _messages_event(self, kind: str, event: _Typed) -> None:
        if kind == "error":
            self._fail(event.error or {"message": event.message, "code": event.code})
        elif kind == "message_start" and isinstance(event.message, dict):
            self._add(anthropic_usage(event.message.get("usage")))
        elif kind == "message_delta":
            self._add(anthropic_usage(event.usage))
            if isinstance(event.delta, dict) and event.delta.get("stop_reason"):
                self.finish_reason = str(event.delta["stop_reason"])
        elif kind == "message_stop":
            self.terminal = True
        elif isinstance(event.delta, dict):
            self._count(*event.delta.values())

    def _responses_event(self, kind: str, event: _Typed) -> None:
        if kind in ("response.completed", "response.incomplete", "response.failed"):
            self.terminal = True
            self._end_response(event.response)
        elif isinstance(event.delta, str):
            self._count(event.delta)

    def _end_response(self, response: _Inner | _Typed | None) -> None:
        if response is None:
            return
        self._add(openai_usage(response.usage))
        self.finish_reason = response.status
        if response.error:
            self._fail(response.error)

    def _add(self, usage: Usage | None) -> None:
        """Take later figures over earlier ones: Anthropic gives the input first and the output last."""
        if usage is None or self.usage is None:
            self.usage = usage or self.usage
            return
        given = {name: value for name, value in msgspec.structs.asdict(usage).items() if value is not None}
        # message_delta repeats input_tokens only sometimes, as 0 then.
        if not given.get("input_tokens"):
            given.pop("input_tokens", None)
        self.usage = msgspec.structs.replace(self.usage, **given)

    def _fail(self, error: Any) -> None:
        status = error.get("code", error.get("status")) if isinstance(error, dict) else None
        if isinstance(error, dict):
            message = error.get("message") or error.get("type") or "an error without a message"
        else:
            message = error
        self.error = message if isinstance(message, str) else msgspec.json.encode(message).decode()
        kind = error.get("type") if isinstance(error, dict) else None
        if isinstance(status, int) and 400 <= status <= 599:
            self.error_status = status
        else:
            self.error_status = _STATUS_OF.get(str(kind)) or _STATUS_OF.get(str(status))

    def _count(self, *texts: Any) -> None:
        self.answer_chars += sum(len(text) for text in texts if isinstance(text, str))


_STATUS_OF = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "api_error": 500,
    "server_error": 500,
    "authentication_error": 401,
    "permission_error": 403,
    "invalid_request_error": 400,
    "not_found_error": 404,
    "timeout_error": 504,
}


def event_data(block: bytes) -> bytes | None:
    """Return the joined data lines of an event; None for comments and events without data."""
    if block.startswith(b"data: ") and block.count(b"\n") == 2 and block.endswith(b"\n\n"):
        return block[6:-2]
    lines = [
        match[2] for match in _FIELD.finditer(block.removeprefix(b"\xef\xbb\xbf")) if match[1] == b"data"
    ]
    return b"\n".join(lines) if lines else None


def check_text(data: bytes) -> None:
    """Raise Malformed when `data` is not UTF-8."""
    if data.isascii():
        return
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8 at byte {error.start}") from None


def _decode(decoder: msgspec.json.Decoder[Any], data: bytes) -> Any:
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        pass  # JSON of another shape: nothing to learn from it, and nothing wrong with it
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from None
    try:
        return _any.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from None


def _texts(content: Any) -> list[Any]:
    blocks = content if isinstance(content, list) else []
    return [block.get("text") or block.get("thinking") for block in blocks if isinstance(block, dict)]
