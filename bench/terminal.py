"""A program in a pseudo-terminal: what it writes, how long it takes, what it uses."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

import psutil

PAUSE_S = 0.025
"""An answer is over when nothing more was written for that long; it is not counted."""


class Terminal:
    """A program in a pty of 120x40, as a user would start it."""

    def __init__(self, argv, *, columns=120, rows=40, env=None):
        self.began = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", **(env or {}))
            os.execv(argv[0], argv)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = psutil.Process(self.pid)

    def read(self, timeout):
        if not select.select([self.fd], [], [], timeout)[0]:
            return b""
        try:
            return os.read(self.fd, 1 << 16)
        except OSError:
            return b""

    def until(self, marker, patience=30.0):
        """Return the seconds until `marker` was written."""
        began, seen = time.perf_counter(), b""
        while time.perf_counter() - began < patience:
            seen = seen[-200_000:] + self.read(0.5)
            if marker in seen:
                return time.perf_counter() - began
        raise SystemExit(f"{marker!r} did not come; the last that did:\n{seen[-2000:]!r}")

    def started(self, marker, patience=30.0):
        """Return the seconds from the start of the process until `marker` was written."""
        self.until(marker, patience)
        return time.perf_counter() - self.began

    def settle(self, pause=0.4):
        """Read until nothing more is written."""
        while self.read(pause):
            pass

    def key(self, keys, pause=PAUSE_S):
        """Return the seconds from a key to the last byte of what it caused."""
        began = last = time.perf_counter()
        os.write(self.fd, keys)
        got = False
        while time.perf_counter() - began < 3.0:
            data = self.read(pause if got else 1.0)
            if not data:
                break
            got, last = True, time.perf_counter()
        return last - began

    def key_until(self, keys, marker):
        """Return the seconds from a key until `marker` was written."""
        os.write(self.fd, keys)
        return self.until(marker)

    def cpu_s(self):
        """Processor time used so far, user and system, all threads."""
        return sum(self.process.cpu_times()[:2])

    def memory_mb(self):
        """Resident memory."""
        return self.process.memory_info().rss / 1e6

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
