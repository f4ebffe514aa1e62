"""Exchanges that the store can't take, kept as files beside it until the reason is mended.

A file is one line of the JSONL that ``workbench import`` reads, without secrets like any export, and with the
reason as `refused`. Where even that can't be made of an exchange, its bodies are left out.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.recording.faults import described

if TYPE_CHECKING:
    from workbench.store.transfer.record import Record

_log = logging.getLogger(__name__)
FOLDER = "unrecorded"
"""Its name, beside the store."""
MOST_FILES = 1000
"""A bug that concerns every exchange must not fill the disk."""


def keep(folder: Path, record: Record, reason: str) -> Path | None:
    """Write the exchange's file and log where; None when it can't be. Blocks; never raises."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if sum(1 for _ in folder.iterdir()) >= MOST_FILES:
            _log.error("%s holds %d files: %s is lost", folder, MOST_FILES, record.exchange.id)
            return None
        path = folder / f"{record.exchange.id}.jsonl"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(_line(record, reason))
    except Exception as error:
        _log.error("%s is lost: its file can't be written: %s", record.exchange.id, described(error))
        return None
    _log.error("%s is kept in %s, for `workbench import` once that is mended", record.exchange.id, path)
    return path


def _line(record: Record, reason: str) -> bytes:
    try:
        return _encoded(record, reason)
    except Exception as error:
        _log.error("%s is kept without its bodies: %s", record.exchange.id, described(error))
    from workbench.store.transfer.record import Record

    # The request's own words are where the trouble is; what is left can be encoded at least with gaps.
    bare = msgspec.structs.replace(record.exchange, error=None, request_id=None, client=None, tags=())
    return _encoded(Record(exchange=bare), reason)


def _encoded(record: Record, reason: str) -> bytes:
    from workbench.store.transfer.jsonl import to_line
    from workbench.store.transfer.record import clean

    line: dict[str, Any] = to_line(clean(record), reading=False)
    return msgspec.json.encode(line | {"refused": reason}) + b"\n"
