"""JSON lines: one exchange a line, complete enough to be read back, plain enough for ``jq``.

Besides the exact bodies as text each line has `messages` and `answer`, for people and data sets; reading back
takes the bodies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import msgspec

from workbench.domain import conversation
from workbench.domain.errors import UsageError
from workbench.domain.exchange import Attempt, Exchange, Headers, Write
from workbench.domain.times import parse_iso
from workbench.store.transfer.record import AttemptCopy, Record, get_bytes, put_bytes

_UNREADABLE = (msgspec.MsgspecError, ValueError, KeyError, TypeError)


def write_jsonl(records: Iterable[Record], out: BinaryIO) -> int:
    """Write the records; return how many."""
    count = 0
    for record in records:
        out.write(msgspec.json.encode(to_line(record, reading=True)) + b"\n")
        count += 1
    return count


def read_jsonl(source: BinaryIO, name: str) -> Iterator[Record]:
    """Yield the records of a file. Raises UsageError that names file and line."""
    for number, line in enumerate(source, 1):
        if line.strip():
            try:
                yield from_line(msgspec.json.decode(line))
            except _UNREADABLE as error:
                raise UsageError(f"{name}:{number} is no exchange: {error}") from None


def to_line(record: Record, *, reading: bool) -> dict[str, Any]:
    """Return the record as a JSON object; `reading` adds the fields that are for people."""
    exchange = record.exchange
    line: dict[str, Any] = exchange.to_json()
    line["started_us"] = exchange.started_at
    line["request_headers"] = record.request_headers
    line["response_headers"] = record.response_headers
    put_bytes(line, "request_body", record.request)
    put_bytes(line, "response_body", record.response)
    line["writes"] = [[write.length, write.at_us] for write in record.writes]
    line["attempt_list"] = [_attempt_line(item) for item in record.attempts]
    if reading:
        messages = conversation.request_messages(exchange.endpoint, record.request)
        line["messages"] = [{"role": message.role, "text": message.text()} for message in messages]
        answer = conversation.answer(exchange.endpoint, record.response, stream=exchange.stream)
        line["answer"] = answer.text
    return line


def _attempt_line(item: AttemptCopy) -> dict[str, Any]:
    line: dict[str, Any] = {"attempt": item.attempt}
    if item.request is not None:
        put_bytes(line, "request", item.request)
    if item.response is not None:
        put_bytes(line, "response", item.response)
    return line


def from_line(line: dict[str, Any]) -> Record:
    """Return the record of a line. Raises one of the errors JSON that is something else leads to."""
    known = {name: line[name] for name in Exchange.__struct_fields__ if name in line}
    known["started_at"] = line["started_us"] if "started_us" in line else parse_iso(str(line["started_at"]))
    return Record(
        exchange=msgspec.convert(known, Exchange),
        request_headers=msgspec.convert(line.get("request_headers", []), Headers),
        request=get_bytes(line, "request_body"),
        response_headers=msgspec.convert(line.get("response_headers", []), Headers),
        response=get_bytes(line, "response_body"),
        writes=[Write(int(length), int(at)) for length, at in line.get("writes", [])],
        attempts=[_attempt_of(item) for item in line.get("attempt_list", [])],
    )


def _attempt_of(item: dict[str, Any]) -> AttemptCopy:
    def own(name: str) -> bytes | None:
        return get_bytes(item, name) if name in item or f"{name}_b64" in item else None

    return AttemptCopy(
        attempt=msgspec.convert(item["attempt"], Attempt), request=own("request"), response=own("response")
    )
