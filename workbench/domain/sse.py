"""Server-sent events, parsed as they arrive (WHATWG HTML, section 9.2).

Only for reading what an answer says. The bytes that are recorded and passed on never go through here.
"""

from __future__ import annotations

import re

import msgspec

_LINE_END = re.compile(rb"\r\n|\n|\r")
DONE = b"[DONE]"


class Event(msgspec.Struct, frozen=True):
    """One dispatched event: its name (None when not given), its data and its id."""

    data: bytes
    event: str | None = None
    id: str | None = None


class Parser:
    """Feed it bytes cut anywhere; it gives the events that are complete.

    `comments` counts comment lines (keep-alives). Memory is bounded by the longest event, at most
    `limit` bytes; more raises ValueError.
    """

    def __init__(self, limit: int = 64 * 1024 * 1024) -> None:
        self._buffer = bytearray()
        self._data: list[bytes] = []
        self._event: str | None = None
        self._id: str | None = None
        self._size = 0
        self._limit = limit
        self._started = False
        self.comments = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that `chunk` completes."""
        self._buffer += chunk
        if not self._started and len(self._buffer) >= 3:
            self._started = True
            if self._buffer.startswith(b"\xef\xbb\xbf"):
                del self._buffer[:3]
        events: list[Event] = []
        position = 0
        for match in _LINE_END.finditer(self._buffer):
            # A CR at the very end may be half of a CRLF: leave it for the next feed.
            if match[0] == b"\r" and match.end() == len(self._buffer):
                break
            self._line(bytes(self._buffer[position : match.start()]), events)
            position = match.end()
        del self._buffer[:position]
        if len(self._buffer) + self._size > self._limit:
            msg = f"an event of more than {self._limit} bytes"
            raise ValueError(msg)
        return events

    def close(self) -> list[Event]:
        """Return what an ending without a last empty line left behind.

        The standard drops it; several providers end their stream so, and nothing may be lost.
        """
        events: list[Event] = []
        if self._buffer:
            self._line(bytes(self._buffer).rstrip(b"\r"), events)
            self._buffer.clear()
        self._line(b"", events)
        return events

    @property
    def pending(self) -> bool:
        """Whether bytes of an event that is not complete have arrived."""
        return bool(self._buffer or self._data)

    def _line(self, line: bytes, events: list[Event]) -> None:
        if not line:
            self._dispatch(events)
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not name:
            self.comments += 1
        elif name == b"data":
            self._data.append(value)
            self._size += len(value)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"id":
            self._id = value.decode("utf-8", "replace")

    def _dispatch(self, events: list[Event]) -> None:
        if self._data:
            events.append(Event(data=b"\n".join(self._data), event=self._event, id=self._id))
        self._data = []
        self._event = None
        self._size = 0
