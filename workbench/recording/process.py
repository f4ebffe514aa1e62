"""The recorder process: the store's writer in a process of its own, so that it never holds up the event loop.

In a thread it would compete with the loop for one interpreter, which made a request cost three times the
recorder's own work. The process ends with its router: told to, or when the line breaks, and then only after
all that had come over it is committed.
"""

from __future__ import annotations

import gc
import logging
import signal
import socket
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from workbench.recording.faults import described
from workbench.recording.line import Line
from workbench.recording.protocol import End, Prove, Report
from workbench.recording.writer import Writer

_log = logging.getLogger(__name__)
_MAINTAIN_S = 1.0
_HOLD_S = 0.002
"""How long a request that came alone waits for its end before it is committed without: what answers at
once is then one transaction, half done by the time the answer is there. Other writers wait no longer.
"""


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
            if (trouble := writer.maintain()) is not None:
                line.report(trouble)


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
        line = Line(connection)
        try:
            serve(line, writer)
        except Exception as error:
            places = "".join(traceback.format_tb(error.__traceback__))
            _log.error("the recorder process ends with %s\n%s", type(error).__name__, places)
            line.report(Report(trouble=f"the recorder process failed: {described(error)}"))
            sys.exit(70)


if __name__ == "__main__":
    main(sys.argv[1:])
