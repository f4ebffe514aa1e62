"""The cassette: exchanges with their runs in one compressed file, to be played back elsewhere.

A zstd stream of JSON lines (``zstd -dc FILE | jq`` shows them). The first line names format and version,
then come lines with a `run`, lines with a `step`, and lines with an `exchange` in the form of `jsonl`.
Versions are their own: a converter leads from each to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

import msgspec
import zstandard

from workbench.domain.errors import UsageError
from workbench.domain.run import Run, Step
from workbench.store.transfer.jsonl import from_line, to_line
from workbench.store.transfer.record import Record

FORMAT = "workbench-cassette"
VERSION = 1
Item = Run | Step | Record
_CONVERTERS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Version -> what turns one of its lines into one of the next version."""


def write_cassette(items: Iterable[Item], out: BinaryIO) -> int:
    """Write runs, steps and records; return how many records."""
    count = 0
    with zstandard.ZstdCompressor(level=9, write_checksum=True).stream_writer(out, closefd=False) as packed:
        packed.write(_line({"format": FORMAT, "version": VERSION}))
        for item in items:
            if isinstance(item, Run):
                packed.write(_line({"run": item}))
            elif isinstance(item, Step):
                packed.write(_line({"step": item}))
            else:
                count += 1
                packed.write(_line({"exchange": to_line(item, reading=False)}))
    return count


def _line(document: dict[str, Any]) -> bytes:
    return msgspec.json.encode(document) + b"\n"


def read_cassette(source: BinaryIO, name: str) -> Iterator[Item]:
    """Yield what is in a cassette. Raises UsageError for other files, newer versions and damage."""
    try:
        lines = _lines(source)
        version = _version(next(lines, b""), name)
        for number, line in enumerate(lines, 2):
            yield _item(line, version, f"{name}:{number}")
    except zstandard.ZstdError as error:
        raise UsageError(f"{name} is damaged or no cassette: {error}") from None


def _lines(source: BinaryIO) -> Iterator[bytes]:
    rest = b""
    with zstandard.ZstdDecompressor().stream_reader(source, closefd=False) as plain:
        while chunk := plain.read(1 << 20):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole
    if rest:
        msg = "it ends in the middle of a line"
        raise zstandard.ZstdError(msg)


def _version(line: bytes, name: str) -> int:
    try:
        head = msgspec.json.decode(line)
        version = head["version"] if head["format"] == FORMAT else None
    except (msgspec.DecodeError, KeyError, TypeError):
        version = None
    if not isinstance(version, int):
        raise UsageError(f"{name} is no cassette")
    if version > VERSION:
        raise UsageError(
            f"{name} is a cassette of version {version}; this program reads up to {VERSION}",
            hint="upgrade the workbench",
        )
    return version


def _item(line: bytes, version: int, where: str) -> Item:
    try:
        document = msgspec.json.decode(line)
        for step in range(version, VERSION):
            document = _CONVERTERS[step](document)
        if "run" in document:
            return msgspec.convert(document["run"], Run)
        if "step" in document:
            return msgspec.convert(document["step"], Step)
        return from_line(document["exchange"])
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{where} can't be read: {error}") from None
