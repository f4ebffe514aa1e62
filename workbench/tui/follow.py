"""Following a file that grows: a thread reads what is new and posts it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from textual.message import Message

_BLOCK = 1 << 20
POLL_S = 0.1


class Grown(Message):
    """New whole lines of a followed file; `first` when they begin at its start."""

    def __init__(self, name: str, lines: list[bytes], *, first: bool) -> None:
        super().__init__()
        self.name = name
        self.lines = lines
        self.first = first


class FileFollower(threading.Thread):
    """Posts `Grown` for what is in a file and what is added to it, until it is stopped.

    A file that is not there yet is waited for; one that was shortened is read anew. Torn last lines wait
    for their end.
    """

    def __init__(self, path: Path, post: Callable[[Message], object], *, from_end: int | None = None) -> None:
        """`from_end`: begin that many bytes before the end, at a line's start."""
        super().__init__(name=f"follow-{path.name}", daemon=True)
        self._path = path
        self._post = post
        self._from_end = from_end
        self._stop = threading.Event()

    def stop(self) -> None:
        """End soon."""
        self._stop.set()

    def run(self) -> None:
        position, rest, first = self._begin(), b"", True
        while not self._stop.is_set():
            try:
                size = self._path.stat().st_size
                if size < position:
                    position, rest, first = 0, b"", True
                data = self._read(position) if size > position else b""
            except OSError:
                data = b""
            if data:
                position += len(data)
                *lines, rest = (rest + data).split(b"\n")
                if lines:
                    self._post(Grown(self._path.name, lines, first=first))
                    first = False
            else:
                self._stop.wait(POLL_S)

    def _begin(self) -> int:
        if self._from_end is None:
            return 0
        try:
            size = self._path.stat().st_size
            start = max(0, size - self._from_end)
            if start == 0:
                return 0
            data = self._read(start)
            return start + data.find(b"\n") + 1
        except OSError:
            return 0

    def _read(self, position: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(position)
            return file.read(_BLOCK)
