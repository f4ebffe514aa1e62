"""What the router and its recorder process say to each other, as frames: four bytes of length, MessagePack.

The router sends commands and the process answers with reports, both in order. An operation counts as not
written until a report says it is done; after a report with an error the process drops whatever comes, up to
the next `Prove`, so that nothing overtakes what failed.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from workbench.store.operations import Begin, Finish, Flush

LENGTH = 4
"""Bytes of a frame that say how many follow."""
_T = TypeVar("_T")


class Prove(msgspec.Struct, tag=True):
    """Find out whether the store works (again)."""


class End(msgspec.Struct, tag=True):
    """Nothing follows: note that this instance has ended, and exit."""


Command = Begin | Flush | Finish | Prove | End


class Report(msgspec.Struct, omit_defaults=True):
    """What has become of the oldest operations that no report has spoken of."""

    done: int = 0
    """How many of them are over: durable, but for those that were refused."""
    refused: dict[int, str] = {}
    """Which of those, counted from 0, the store can't take, and why."""
    error: str | None = None
    """Why the store can't be written; all further operations were dropped."""
    trouble: str | None = None
    """What went wrong besides; a report with it says nothing of operations or the store."""


_ENCODER = msgspec.msgpack.Encoder()
COMMANDS: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)
REPORTS = msgspec.msgpack.Decoder(Report)


def frame(message: Command | Report) -> bytearray:
    """Return a message as it goes over the line."""
    out = bytearray(LENGTH)
    _ENCODER.encode_into(message, out, LENGTH)
    out[:LENGTH] = (len(out) - LENGTH).to_bytes(LENGTH, "big")
    return out


class Frames(Generic[_T]):
    """Puts messages together from bytes as they come."""

    __slots__ = ("_decode", "_pending")

    def __init__(self, decoder: msgspec.msgpack.Decoder[_T]) -> None:
        self._decode = decoder.decode
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[_T]:
        """Take more bytes; return the messages that they complete."""
        pending = self._pending
        pending += data
        messages = []
        at, size = 0, len(pending)
        with memoryview(pending) as view:
            while at + LENGTH <= size:
                end = at + LENGTH + int.from_bytes(view[at : at + LENGTH], "big")
                if end > size:
                    break
                messages.append(self._decode(view[at + LENGTH : end]))
                at = end
        if at:
            del pending[:at]
        return messages
