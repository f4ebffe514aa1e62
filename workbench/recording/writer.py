"""Writing groups of operations: each group in one transaction, one by one where the store refuses a group."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING

import msgspec

from workbench.domain.errors import BodyDamaged, StatementFailed, StoreUnavailable
from workbench.recording.enrich import enrich
from workbench.recording.faults import described
from workbench.recording.protocol import Command, Report
from workbench.store.ingest import ExchangeWriter
from workbench.store.operations import Begin, Finish, Operation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_log = logging.getLogger(__name__)
_GROUP = 64
_GROUP_S = 0.1
"""A transaction takes about this long at most, so that nobody waits for the end of a large one."""
_GROUP_BYTES = 32 * 1024 * 1024
_REST_S = 600.0
"""Pause of maintenance that failed for no known reason."""


class Writer:
    """Owns the store's write connection, opens it again when it broke. Not for several threads."""

    def __init__(self, path: Path, *, instance: str, pid: int, redact: bool) -> None:
        """`pid` is the process whose death interrupts what is running: the router's."""
        self._path = path
        self._instance = instance
        self._pid = pid
        self._redact = redact
        self._store: ExchangeWriter | None = None
        self._held: list[Operation] = []
        self._rests_until = 0.0
        self.group = _GROUP
        """How many operations to give to `write` at a time."""

    @property
    def works(self) -> bool:
        """Whether the store could be written when it was last tried."""
        return self._store is not None

    @property
    def holds(self) -> bool:
        """Whether something was taken up that the next `write` commits."""
        return bool(self._held)

    def hold(self, command: Command) -> bool:
        """Take up a request whose end may follow at once; False where that can't be done, or is none."""
        if not isinstance(command, Begin) or self._store is None or self._held:
            return False
        try:
            self._store.take([command])
        except Exception:
            return False  # `write` does it again, and says what is wrong
        self._held = [command]
        return True

    def prove(self) -> Report:
        """Open the store if need be, and commit something to see that it can be done."""
        try:
            if self._store is None:
                self._store = ExchangeWriter.open(
                    self._path, instance=self._instance, pid=self._pid, redact=self._redact
                )
                self._store.checkpoint_meanwhile()
            self._store.prove()
        except StoreUnavailable as error:
            return self._broken(Report(), error.message)
        except Exception as error:
            return self._broken(Report(), f"the store can't be opened: {described(error)}")
        return Report()

    def write(self, operations: Sequence[Operation]) -> Report:
        """Commit what is held and the operations, in order. Call it only while `works`."""
        report = Report(refused={})
        held, self._held = self._held, []
        if held and not operations:
            self._write(held, [], report)
        start = 0
        while start < len(operations):
            end = _group_end(operations, start)
            group = operations[start:end]
            self._write([*held, *group], group, report)
            held = []
            if report.error is not None:
                break
            start = end
        return report

    def maintain(self) -> Report | None:
        """Let the store train what it compresses with; nobody waits for that, and it may fail."""
        if self._store is None or time.monotonic() < self._rests_until:
            return None
        try:
            self._store.maintain()
        except Exception as error:
            if not _is_the_store_s(error):  # of what is the store's, the next write tells
                self._rests_until = time.monotonic() + _REST_S
                return Report(trouble=f"the store's maintenance failed: {_reason(error)}")
        return None

    def close(self, *, ended: bool) -> None:
        """Close the store. Where the router did not end on purpose, interrupt what it left running."""
        if self._held:
            self.write([])
        store, self._store = self._store, None
        if store is None:
            return
        if not ended:
            # What can't be done now is done by the next router.
            with contextlib.suppress(StoreUnavailable):
                store.interrupt_dead()
        store.close(ended=ended)

    def _write(self, group: Sequence[Operation], new: Sequence[Operation], report: Report) -> None:
        """Commit a group, of which the store has taken up all but what is `new`."""
        store = self._store
        assert store is not None
        for operation in new:
            if isinstance(operation, Finish):
                enrich(operation)
        began = time.monotonic()
        try:
            store.apply(list(new))
        except Exception as error:
            if _is_the_store_s(error):
                self._broken(report, _reason(error))
            else:
                self._one_by_one(store, group, report)
        else:
            report.done += len(group)
            if len(group) == self.group:
                share = _GROUP_S / max(time.monotonic() - began, 1e-4)
                self.group = max(1, min(_GROUP, int(self.group * min(2.0, share))))

    def _one_by_one(self, store: ExchangeWriter, group: Sequence[Operation], report: Report) -> None:
        """One that the store refuses must not stand in the way of all others.

        It is at fault only where the store can still be written after it.
        """
        for operation in group:
            try:
                store.apply([operation])
            except Exception as error:
                if _is_the_store_s(error):
                    self._broken(report, _reason(error))
                    return
                if (broken := self.prove().error) is not None:
                    report.error = broken
                    return
                report.refused[report.done] = _reason(error)
                _end_without_answer(store, operation)
            report.done += 1

    def _broken(self, report: Report, error: str) -> Report:
        """Let the connection go: it may hold on to a broken file, a new one sees what is there now."""
        store, self._store = self._store, None
        if store is not None:
            try:
                store.close()
            except Exception:
                _log.exception("a broken store could not be closed")
        report.error = error
        return report


def _is_the_store_s(error: Exception) -> bool:
    """Tell whether nothing can be written, rather than this operation."""
    return isinstance(error, StoreUnavailable) and not isinstance(error, StatementFailed | BodyDamaged)


def _reason(error: Exception) -> str:
    return error.message if isinstance(error, StoreUnavailable) else described(error)


def _end_without_answer(store: ExchangeWriter, refused: Operation) -> None:
    """Let a row that is there already not look as if it still ran, if at least that can be written."""
    if not isinstance(refused, Finish) or refused.begin is not None:
        return
    said = "the answer could not be recorded"
    exchange = msgspec.structs.replace(refused.exchange, state="failed", error=said, tags=(), tools=())
    with contextlib.suppress(Exception):
        store.apply([Finish(exchange=exchange, headers=[], body=b"", writes=[])])


def _group_end(operations: Sequence[Operation], start: int) -> int:
    """Return where a group that begins at `start` ends, so that it is not too large a transaction."""
    size = 0
    for index in range(start, len(operations)):
        size += _size(operations[index])
        if size > _GROUP_BYTES:
            return max(start + 1, index)
    return len(operations)


def _size(operation: Operation) -> int:
    if isinstance(operation, Finish):
        begun = len(operation.begin.body) if operation.begin is not None else 0
        return len(operation.body) + begun
    return len(operation.body if isinstance(operation, Begin) else operation.data)
