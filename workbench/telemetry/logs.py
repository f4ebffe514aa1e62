"""The router's log: one JSON object a line in ``logs/router.log``, rotated by size.

Delivery: a line is written by a thread of its own within a quarter of a second, at once from level
ERROR upwards and when the log is closed. Under a flood, lines beyond `MAX_PENDING` are dropped and counted in
the next line written. A disk that can't be written loses lines, never a request.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import msgspec

from workbench.domain.times import iso

ROOT = "workbench"
MAX_BYTES = 10_000_000
KEPT_FILES = 5
MAX_PENDING = 10_000
_WAIT_S = 0.25
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object: ``at, level, logger, message`` and its extras."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its newline."""
        line: dict[str, Any] = {
            "at": iso(int(record.created * 1e6)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


class _Rotating(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (the standard library's name)
        """Lose the line quietly: a full disk must not fill the terminal as well."""


class BackgroundHandler(logging.Handler):
    """Takes records without I/O and writes them from a thread."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._pending: deque[logging.LogRecord] = deque()
        self._dropped = 0
        self._wake = threading.Event()
        self._closing = False
        self._file = _Rotating(path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8", delay=True)
        self._file.setFormatter(JsonLines())
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record."""
        if len(self._pending) >= MAX_PENDING:
            self._dropped += 1
            return
        self._pending.append(record)
        if record.levelno >= logging.ERROR:
            self._wake.set()

    def close(self) -> None:
        """Write what is queued, then close the file."""
        if not self._closing:
            self._closing = True
            self._wake.set()
            self._thread.join(timeout=5)
            self._file.close()
        super().close()

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait(_WAIT_S)
            self._wake.clear()
            self._write()
        self._write()

    def _write(self) -> None:
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            note = logging.LogRecord(
                ROOT, logging.WARNING, "", 0, "%d log lines were dropped", (dropped,), None
            )
            self._file.handle(note)
        while self._pending:
            self._file.handle(self._pending.popleft())


def open_log(path: Path, level: int = logging.INFO) -> BackgroundHandler | None:
    """Send our loggers and uvicorn's to `path`; return the handler, None where it can't be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a"):
            pass
    except OSError:
        return None
    handler = BackgroundHandler(path)
    for name in (ROOT, "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.addHandler(handler)
        logger.propagate = False
    return handler


def close_log(handler: BackgroundHandler | None) -> None:
    """Undo `open_log`."""
    if handler is None:
        return
    for name in (ROOT, "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
        logger.propagate = True
    handler.close()
