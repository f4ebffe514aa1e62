"""Export of what a filter chooses, import without doubles."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.domain.errors import BodyDamaged, UnknownId
from workbench.domain.run import Run, Step
from workbench.store.ingest import ExchangeWriter
from workbench.store.store import Store
from workbench.store.transfer.record import Record, read_record, to_operation

if TYPE_CHECKING:
    from workbench.domain.exchange import Exchange
    from workbench.store.operations import Operation
    from workbench.store.reader import Reader

_PAGE = 200
_GROUP = 100


class Copied(msgspec.Struct, kw_only=True):
    """What an export or import did. `damaged` are exchanges that could not be read, with the reason."""

    exchanges: int = 0
    runs: int = 0
    known: int = 0
    """Were there already, and were left as they are."""
    damaged: dict[str, str] = {}

    def to_json(self) -> dict[str, Any]:
        """Return the form ``--json`` prints."""
        return msgspec.structs.asdict(self)


def chosen(reader: Reader, where: str, limit: int | None = None) -> Iterator[Exchange]:
    """Yield the exchanges a filter lets through, newest first."""
    place, left = None, limit
    while left is None or left > 0:
        page = reader.exchanges(where, before=place, limit=_PAGE if left is None else min(_PAGE, left))
        yield from page.items
        left = None if left is None else left - len(page.items)
        place = page.next
        if place is None:
            return


def records(reader: Reader, exchanges: Iterable[Exchange], copied: Copied) -> Iterator[Record]:
    """Yield exchanges with all that belongs to them; what can't be read is noted and left out."""
    for exchange in exchanges:
        try:
            record = read_record(reader, exchange)
        except BodyDamaged as error:
            copied.damaged[exchange.id] = error.message
            continue
        copied.exchanges += 1
        yield record


def with_runs(reader: Reader, found: Iterable[Record], copied: Copied) -> Iterator[Run | Step | Record]:
    """Yield records, each run and its steps before the first record that belongs to it."""
    seen: set[str] = set()
    for record in found:
        for run_id in (record.exchange.run, record.exchange.session):
            if run_id is not None and run_id not in seen:
                seen.add(run_id)
                try:
                    yield reader.run(run_id)
                except UnknownId:
                    continue
                copied.runs += 1
                yield from reader.steps(run_id)
        yield record


def import_items(path: Path, items: Iterable[Run | Step | Record]) -> Copied:
    """Put runs, steps and records into the store at `path`; what is there already stays as it is.

    Raises StoreUnavailable, and whatever reading the items raises; what came before that is kept.
    """
    copied = Copied()
    writer = ExchangeWriter.open(path, instance=f"import-{time.time_ns()}")
    try:
        with Store.open(path) as store:
            _import(store, writer, items, copied)
    finally:
        writer.close(ended=True)
    return copied


def _import(
    store: Store, writer: ExchangeWriter, items: Iterable[Run | Step | Record], copied: Copied
) -> None:
    group: list[Operation] = []
    seen: set[str] = set()

    def flush() -> None:
        writer.apply(group)
        copied.exchanges += len(group)
        group.clear()

    for item in items:
        if isinstance(item, Run):
            copied.runs += _run(store, item)
        elif isinstance(item, Step):
            store.put_step(item)
        elif item.exchange.id in seen or store.has_exchange(item.exchange.id):
            copied.known += 1
        else:
            seen.add(item.exchange.id)
            group.append(to_operation(item))
            if len(group) >= _GROUP:
                flush()
    flush()


def _run(store: Store, run: Run) -> bool:
    if store.has_run(run.id):
        return False
    if run.status in {"running", "waiting"}:
        run.status = "interrupted"
    store.create_run(run)
    return True
