"""The recorder process's end of the line to its router: commands as they come, reports back."""

from __future__ import annotations

import select
import socket
import time
from collections import deque

from workbench.recording.protocol import COMMANDS, LENGTH, Command, Report, frame

_ROOM = 1024 * 1024
_GATHER_S = 0.02
"""How long to gather commands, as long as the beginning of one more is here."""


class Line:
    """Blocks; not for several threads.

    The line takes in only a few commands at a time, so what is there at a moment is a small group, although
    the router has more to send, and a small group costs nearly as much as a large one. Half a command says
    that more is on its way: that is waited for. A command that comes alone is never held up.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(True)
        self._connection = connection
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)
        self._buffer = bytearray(_ROOM)
        self._start = self._end = 0
        """What of the buffer is not read as commands yet: at most the beginning of one."""
        self._ready: deque[Command] = deque()
        self._broken = False

    def receive(self, most: int, wait_s: float) -> list[Command]:
        """Return up to `most` commands, as many as are there; none when nothing came in `wait_s`.

        Raises EOFError when the router is gone and everything it sent was returned.
        """
        while not self._ready and not self._broken:
            if not self._read(wait_s):
                return []
        until = time.monotonic() + _GATHER_S
        while len(self._ready) < most and not self._broken:
            cut = self._end > self._start
            if not self._read(max(0.0, until - time.monotonic()) if cut else 0.0):
                break
        if not self._ready:
            raise EOFError
        return [self._ready.popleft() for _ in range(min(most, len(self._ready)))]

    def report(self, report: Report) -> None:
        """Answer the router; one that is gone needs no answer."""
        try:
            self._connection.sendall(frame(report))
        except OSError:
            self._broken = True

    def _read(self, wait_s: float) -> bool:
        """Take what comes within `wait_s`; False when nothing does."""
        if not self._poll.poll(wait_s * 1000):
            return False
        with memoryview(self._buffer) as view:
            try:
                size = self._connection.recv_into(view[self._end :])
            except OSError:
                size = 0
            self._broken = not size
            self._end += size
            needed = self._decode(view)
        self._make_room(needed)
        return True

    def _decode(self, view: memoryview) -> int:
        """Take whole commands out of the buffer; return how many bytes the one that is cut off has in all."""
        while self._end - self._start >= LENGTH:
            body = self._start + LENGTH
            size = int.from_bytes(view[self._start : body], "big")
            if body + size > self._end:
                return LENGTH + size
            self._ready.append(COMMANDS.decode(view[body : body + size]))
            self._start = body + size
        return LENGTH

    def _make_room(self, needed: int) -> None:
        """Let the rest of a command of that size fit behind its beginning."""
        left = self._end - self._start
        room = max(_ROOM, needed)
        if left and self._start + needed <= len(self._buffer):
            return
        beginning = bytes(self._buffer[self._start : self._end])
        if room != len(self._buffer):
            self._buffer = bytearray(room)  # also in place of one that was made for a large command
        self._buffer[:left] = beginning
        self._start, self._end = 0, left
