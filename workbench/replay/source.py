"""What can be sent again: a recorded exchange or a payload file, with what must be said about it first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from workbench.domain import payload as payload_file
from workbench.domain.errors import UsageError
from workbench.domain.ids import EXCHANGE, RUN, looks_like
from workbench.domain.payload import Payload
from workbench.domain.run import Run
from workbench.replay.headers import sendable
from workbench.replay.recorded import Recorded
from workbench.store.store import Reader

_PAGE = 200


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One request to send. `original` is None for a file, which then has nothing to be compared with."""

    name: str
    """The exchange's id, or the file's name."""
    payload: Payload
    original: Recorded | None = None
    warnings: tuple[str, ...] = ()


def read_recorded(reader: Reader, exchange_id: str) -> Recorded:
    """Return the exchange with that id or unique prefix, and its bodies.

    Raises UnknownId, AmbiguousId, BodyDamaged, and StoreUnavailable when the store can't be read.
    """
    exchange = reader.exchange(exchange_id)
    return Recorded(exchange, reader.body(exchange.id, "request"), reader.body(exchange.id, "response"))


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A source that is read when its turn comes, so that a long run's bodies are never in memory together."""

    name: str
    load: Callable[[Reader], Source]
    has_original: bool = False


def pending(source: Source) -> Pending:
    """Return the source as one to be read later: an exchange again from the store, a file as it is now."""
    if source.original is None:
        return Pending(name=source.name, load=lambda _: source)
    exchange_id, name = source.original.exchange.id, source.name

    def load(reader: Reader) -> Source:
        return msgspec.structs.replace(exchange_source(reader, exchange_id), name=name)

    return Pending(name=name, load=load, has_original=True)


def exchange_source(reader: Reader, exchange_id: str) -> Source:
    """Return the exchange with that id or prefix, ready to be sent.

    Raises UnknownId and AmbiguousId; UsageError when its request body is no longer there.
    """
    original = read_recorded(reader, exchange_id)
    exchange = original.exchange
    if exchange.request_bytes and not original.request:
        raise UsageError(
            f"the request body of {exchange.id} is gone, so it can't be sent again",
            hint="retention.bodies_older_than in workbench.yaml says how long bodies are kept",
        )
    payload = Payload(
        endpoint=exchange.endpoint,
        body=original.request,
        headers=sendable(reader.headers(exchange.id, "request")),
    )
    return Source(name=exchange.id, payload=payload, original=original, warnings=_warnings(original))


def run_sources(reader: Reader, run: Run) -> Iterator[Source]:
    """Yield the run's exchanges, oldest first. Raises UsageError when it has none."""
    newest_first: list[str] = []
    cursor = None
    while True:
        page = reader.exchanges(f"run:{run.id}", before=cursor, limit=_PAGE)
        newest_first += [exchange.id for exchange in page.items]
        cursor = page.next
        if cursor is None:
            break
    if not newest_first:
        raise UsageError(f"{run.id} has no exchanges", hint=f"workbench runs show {run.id}")
    for exchange_id in reversed(newest_first):
        yield exchange_source(reader, exchange_id)


def file_source(path: Path) -> Source:
    """Return the request in a payload file. Raises UsageError when it can't be read as one."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror or error}") from None
    loaded = payload_file.load(data, name=str(path))
    headers = sendable(loaded.headers)
    return Source(
        name=path.name, payload=Payload(endpoint=loaded.endpoint, body=loaded.body, headers=headers)
    )


def is_run(argument: str) -> bool:
    """Tell whether a command's argument names a run."""
    return looks_like(RUN, argument)


def is_exchange(argument: str) -> bool:
    """Tell whether a command's argument names an exchange."""
    return looks_like(EXCHANGE, argument)


def _warnings(original: Recorded) -> tuple[str, ...]:
    exchange = original.exchange
    warnings = []
    if exchange.redacted:
        places = ", ".join(place for place in exchange.redactions if place.startswith("body")) or "headers"
        if places != "headers":
            warnings.append(f"{exchange.id} was redacted ({places}): the replay sends what is stored")
    if exchange.response_bytes and not original.response:
        warnings.append(f"the answer's body of {exchange.id} is gone: there is nothing to compare with")
    if exchange.state == "running":
        warnings.append(f"{exchange.id} is still running: it is compared with what has arrived so far")
    return tuple(warnings)
