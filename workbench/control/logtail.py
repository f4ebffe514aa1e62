"""The end of a log file, as lines for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from workbench.domain.text import printable

_BLOCK = 65_536


def size_of(path: Path) -> int:
    """Return a file's size in bytes, 0 when it is missing."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def tail(path: Path, lines: int, *, end: int | None = None) -> list[str]:
    """Return the last `lines` lines before the offset `end` (None: the file's end); none when it is missing.

    Only as much of the file is read as is needed.
    """
    try:
        with path.open("rb") as file:
            end = file.seek(0, 2) if end is None else end
            data = b""
            while end > 0 and data.count(b"\n") <= lines:
                start = max(0, end - _BLOCK)
                file.seek(start)
                data = file.read(end - start) + data
                end = start
    except OSError:
        return []
    return data.decode("utf-8", "replace").splitlines()[-lines:] if lines > 0 else []


def last_words(path: Path, lines: int = 15) -> str:
    """Return the end of what a process said, made printable."""
    return printable("\n".join(tail(path, lines)))


def readable(line: str) -> str:
    """Return a JSON log line as ``time level message  name=value``; any other line as it is."""
    try:
        data = json.loads(line)
    except ValueError:
        return printable(line)
    if not isinstance(data, dict) or "message" not in data:
        return printable(line)
    at, level, message = (data.pop(name, "") for name in ("at", "level", "message"))
    data.pop("logger", None)
    trace = data.pop("traceback", None)
    extras = "".join(f"  {name}={value}" for name, value in data.items())
    text = f"{at} {level!s:<7} {message}{extras}"
    return printable(f"{text}\n{trace}" if trace else text)


def follow(path: Path, *, start: int, poll: Callable[[], bool]) -> Iterator[str]:
    """Yield the lines after the offset `start` as they are added.

    `poll` is called to wait and ends the loop by returning False. A rotated or shortened file is read from
    its new beginning.
    """
    position = start
    inode = path.stat().st_ino if path.exists() else None
    rest = b""
    while poll():
        try:
            state = path.stat()
        except OSError:
            continue
        if state.st_ino != inode or state.st_size < position:
            inode, position, rest = state.st_ino, 0, b""
        with path.open("rb") as file:
            file.seek(position)
            data = rest + file.read()
            position = file.tell()
        *whole, rest = data.split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)
