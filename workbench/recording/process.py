"""The recorder process: the store's writer in a process of its own, so that it never holds up the event loop.

In a thread it would compete with the loop for one interpreter, which made a request cost three times the
recorder's own work. The process ends with its router: told to, or when the line breaks, and then only after
all that had come over it is committed.
"""

from __future__ import annotations

import gc
import select
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from workbench.recording.protocol import COMMANDS, Command, End, Frames, Prove, Report, frame
from workbench.recording.writer import Writer

_READ = 256 * 1024
_MAINTAIN_S = 1.0
_HOLD_S = 0.002
"""How long a request that came alone waits for its end before it is committed without: what answers at
once is then one transaction, half done by the time the answer is there. Other writers wait no longer.
"""


class Line:
    """The process's end of the line to the router; blocks."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._frames: Frames[Command] = Frames(COMMANDS)
        self._ready: deque[Command] = deque()
        self._arrival = select.poll()
        self._arrival.register(connection, select.POLLIN)
        self._more = False
        """The last read filled its buffer, so there may be more."""
        self._broken = False

    def receive(self, most: int, wait_s: float) -> list[Command]:
        """Return up to `most` commands, as many as are there; none when nothing came in `wait_s`.

        Raises EOFError when the router is gone and everything it sent was returned.
        """
        while not self._ready and not self._broken:
            if not self._read(wait_s):
                return []
        while len(self._ready) < most and not self._broken and self._more and self._read(0.0):
            pass
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
        # The socket blocks, for reports; to switch it to and fro would be a call of the system each time.
        if wait_s and not self._arrival.poll(wait_s * 1000):
            return False
        try:
            data = self._connection.recv(_READ, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        self._broken = not data
        self._more = len(data) == _READ
        self._ready.extend(self._frames.feed(data))
        return True


def serve(line: Line, writer: Writer) -> None:
    """Write what comes until the router says that it ends, or is gone."""
    line.report(writer.prove())
    maintained = time.monotonic()
    while True:
        try:
            commands = line.receive(writer.group, _HOLD_S if writer.holds else _MAINTAIN_S)
        except EOFError:
            writer.close(ended=False)
            return
        if len(commands) == 1 and writer.hold(commands[0]):
            continue
        operations = [command for command in commands if not isinstance(command, Prove | End)]
        if (operations or writer.holds) and writer.works:
            line.report(writer.write(operations))
        if any(isinstance(command, Prove) for command in commands):
            line.report(writer.prove())
        if commands and isinstance(commands[-1], End):
            writer.close(ended=True)
            return
        if time.monotonic() - maintained >= _MAINTAIN_S:
            maintained = time.monotonic()
            writer.maintain()


def main(arguments: Sequence[str]) -> None:
    """Run on the descriptor of a connected socket: ``FD PID INSTANCE REDACT STORE``."""
    descriptor, pid, instance, redact, store = arguments
    # Ctrl-C and a service's stop reach the whole group; the router says when it is over.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    writer = Writer(Path(store), instance=instance, pid=int(pid), redact=redact == "1")
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    with socket.socket(fileno=int(descriptor)) as connection:
        serve(Line(connection), writer)


if __name__ == "__main__":
    main(sys.argv[1:])
