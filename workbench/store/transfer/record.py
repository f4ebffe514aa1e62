"""One exchange with everything that belongs to it, as it travels between stores and files."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.domain.exchange import Attempt, Exchange, Headers, Write
from workbench.domain.redaction import redact, redact_headers
from workbench.store.operations import AttemptRecord, Begin, Finish

if TYPE_CHECKING:
    from workbench.store.reader import Reader


class AttemptCopy(msgspec.Struct, kw_only=True):
    """An attempt with its own bytes, where it has some."""

    attempt: Attempt
    request: bytes | None = None
    response: bytes | None = None


class Record(msgspec.Struct, kw_only=True):
    """An exchange, both sides with headers and exact bytes, its timing and attempts."""

    exchange: Exchange
    request_headers: Headers = []
    request: bytes = b""
    response_headers: Headers = []
    response: bytes = b""
    writes: list[Write] = []
    attempts: list[AttemptCopy] = []


def read_record(reader: Reader, exchange: Exchange) -> Record:
    """Return everything of an exchange, secrets replaced even if they were recorded. Raises BodyDamaged."""
    record = Record(
        exchange=exchange,
        request_headers=reader.headers(exchange.id, "request"),
        request=reader.body(exchange.id, "request"),
        response_headers=reader.headers(exchange.id, "response"),
        response=reader.body(exchange.id, "response"),
        writes=reader.writes(exchange.id),
        attempts=[_attempt(reader, exchange.id, attempt) for attempt in reader.attempts(exchange.id)],
    )
    return clean(record)


def _attempt(reader: Reader, exchange_id: str, attempt: Attempt) -> AttemptCopy:
    def own(present: bool, side: Any) -> bytes | None:
        return reader.attempt_body(exchange_id, attempt.number, side) if present else None

    return AttemptCopy(
        attempt=attempt,
        request=own(attempt.has_request, "request"),
        response=own(attempt.has_response, "response"),
    )


def clean(record: Record) -> Record:
    """Return the record without secrets: nothing leaves the store with one, whatever recording let in."""
    request, names = redact(record.request)
    response, more = redact(record.response)
    headers, in_request = redact_headers(record.request_headers)
    answer_headers, in_answer = redact_headers(record.response_headers)
    found = [f"body:{name}" for name in (*names, *more)] + [
        f"header:{name}" for name in (*in_request, *in_answer)
    ]
    exchange = record.exchange
    if found:
        places = tuple(dict.fromkeys((*exchange.redactions, *found)))
        exchange = msgspec.structs.replace(exchange, redacted=True, redactions=places)
    return Record(
        exchange=exchange,
        request_headers=headers,
        request=request,
        response_headers=answer_headers,
        response=response,
        # Lengths that no longer add up would cut events in the wrong place.
        writes=record.writes if response == record.response else [],
        attempts=[_clean_attempt(item) for item in record.attempts],
    )


def _clean_attempt(item: AttemptCopy) -> AttemptCopy:
    return AttemptCopy(
        attempt=msgspec.structs.replace(
            item.attempt, response_headers=redact_headers(item.attempt.response_headers)[0]
        ),
        request=None if item.request is None else redact(item.request)[0],
        response=None if item.response is None else redact(item.response)[0],
    )


def to_operation(record: Record) -> Finish:
    """Return what writes the record into a store; one that was running when it was copied is interrupted."""
    exchange = msgspec.structs.replace(record.exchange)
    if exchange.state == "running":
        exchange.state = "interrupted"
    begin = Begin(exchange=exchange, headers=record.request_headers, body=record.request)
    return Finish(
        exchange=exchange,
        headers=record.response_headers,
        body=record.response,
        writes=record.writes,
        attempts=[
            AttemptRecord(attempt=item.attempt, request=item.request, response=item.response)
            for item in record.attempts
        ],
        begin=begin,
    )


def put_bytes(document: dict[str, Any], name: str, data: bytes) -> None:
    """Set `name` to the text of `data`, or ``name_b64`` where it is no UTF-8."""
    try:
        document[name] = data.decode("utf-8")
    except UnicodeDecodeError:
        document[f"{name}_b64"] = base64.b64encode(data).decode()


def get_bytes(document: dict[str, Any], name: str) -> bytes:
    """Return what `put_bytes` set. Raises ValueError for anything else."""
    if isinstance(text := document.get(name), str):
        return text.encode("utf-8", "surrogatepass")
    encoded = document.get(f"{name}_b64", "")
    if not isinstance(encoded, str):
        msg = f"{name} must be text"
        raise ValueError(msg)
    return base64.b64decode(encoded, validate=True)
