"""The write side: exchanges begin, grow and end, a group of them in one transaction.

The promise: when `apply` returns, everything in the group is committed; when it raises, nothing is. SQLite
runs with ``synchronous=NORMAL``: a commit survives the death of the process at once, and a power cut from
the next checkpoint on.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from workbench.store import instances
from workbench.store.answers import REQUEST, AnswerBodies
from workbench.store.checkpoints import WRITER_PAGES, Checkpoints
from workbench.store.chunks import ChunkTable, PieceExists, merge_later
from workbench.store.compression import Codecs
from workbench.store.connection import begin, connect_writer, roll_back, transaction, translated
from workbench.store.dictionaries import Trainer
from workbench.store.interrupted import interrupt
from workbench.store.migrations import migrate
from workbench.store.operations import Arrived, Begin, Finish, Flush, Operation
from workbench.store.pending import PendingRows
from workbench.store.requests import RequestBodies
from workbench.store.rows import (
    MAX_STARTED,
    ROUTE_COLUMNS,
    SEQ_SHIFT,
    UPDATE,
    attempt_values,
    exchange_values,
    unpack_list,
    updated_values,
)
from workbench.store.sessions import SessionTable
from workbench.store.timing import pack_writes
from workbench.store.undo import Undo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

    from workbench.domain.exchange import Attempt, Exchange
    from workbench.store.requests import StoredRequest

_SAME_MOMENT = 1 << SEQ_SHIFT
_ROUTE = attrgetter(*ROUTE_COLUMNS)


class _Arrival(NamedTuple):
    """A request of this group that is stored, and whose exchange has no row yet."""

    seq: int
    exchange: Exchange
    request: StoredRequest
    redacted: tuple[str, ...]
    """Names of headers."""
    body: bytes


class ExchangeWriter:
    """The one writer of exchanges in a process; not for several threads at a time."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, *, instance: str, pid: int, redact: bool = True
    ) -> None:
        self._connection = connection
        self._path = path
        self._epoch = -1
        self._seqs: dict[str, int] = {}
        self._arrivals: dict[str, _Arrival] = {}
        self._taken: list[Undo] = []
        self._absent: set[str] = set()
        """Ids of the group that is being written which are known not to be in the store."""
        self._codecs = Codecs()
        self._chunks = ChunkTable(connection, self._codecs)
        self._rows = PendingRows(connection)
        self._requests = RequestBodies(connection, self._chunks, self._rows, redacting=redact)
        self._answers = AnswerBodies(connection, self._chunks, self._codecs, self._rows, redacting=redact)
        self._sessions = SessionTable(connection, self._rows)
        self._trainer = Trainer(path)
        self._routes: dict[tuple[str | None, ...], int] = {}
        self._newest = 0
        self._checkpoints: Checkpoints | None = None
        with translated(path):
            self._instance = instances.register(connection, instance, pid)

    @classmethod
    def open(cls, path: Path, *, instance: str, pid: int | None = None, redact: bool = True) -> Self:
        """Open the store for recording: migrate it, enter this instance, end what dead ones left running.

        An instance is as alive as the process `pid` (else this one). Raises StoreUnavailable.
        """
        connection = connect_writer(path)
        try:
            with translated(path):
                migrate(connection, path)
                merge_later(connection)
            writer = cls(connection, path, instance=instance, pid=pid or os.getpid(), redact=redact)
            writer.interrupt_dead()
        except BaseException:
            connection.close()
            raise
        return writer

    def checkpoint_meanwhile(self) -> None:
        """Leave most checkpoints to a thread, for a writer that others wait for."""
        self._connection.execute(f"PRAGMA wal_autocheckpoint={WRITER_PAGES}")
        self._checkpoints = Checkpoints(self._path)

    def close(self, *, ended: bool = False) -> None:
        """Close the connection; `ended` when the instance stops on purpose."""
        if self._checkpoints is not None:
            self._checkpoints.close()
        try:
            if ended:
                instances.end(self._connection, self._instance)
            self._connection.close()
        except sqlite3.Error:
            # Closing a store that is already broken has nothing left to save.
            self._connection.close()

    def apply(self, operations: list[Operation]) -> None:
        """Write a group in one transaction, with what was taken up before. Raises StoreUnavailable; other
        errors are the operations' own. Nothing is left of a group that failed, what was taken up included.
        """
        with translated(self._path):
            try:
                self._write(operations, guessing=True)
            except PieceExists:
                self._write(operations, guessing=False)
        if self._checkpoints is not None:
            self._checkpoints.due()

    def take(self, operations: list[Operation]) -> None:
        """Do the work of a group up to its commit, which the next `apply` brings: soon, because no other
        process can write meanwhile. Raises as `apply`, and then nothing of it is left.
        """
        undo = Undo(operations)
        with translated(self._path), self._whole(undo):
            self._take(operations, guessing=False)
            self._taken.append(undo)

    def _write(self, operations: list[Operation], *, guessing: bool) -> None:
        """Write a group; `guessing` as in `ChunkTable.begin`, where nothing was taken up."""
        with self._whole(Undo(operations)):
            self._take(operations, guessing=guessing)
            for key in list(self._arrivals):
                self._arrive(key)
            self._rows.flush()
            self._chunks.flush()
            self._sessions.flush()
            self._connection.execute("COMMIT")
            self._taken.clear()

    def _take(self, operations: list[Operation], *, guessing: bool) -> None:
        if not self._connection.in_transaction:
            begin(self._connection)
            self._check_epoch()
            self._chunks.begin(guessing=guessing)
        self._look_up(operations)
        for operation in operations:
            self._apply(operation)

    @contextlib.contextmanager
    def _whole(self, undo: Undo) -> Iterator[None]:
        """Where the block fails, undo the transaction, and what it set in its operations."""
        try:
            yield
        except BaseException:
            self._forget()
            roll_back(self._connection)
            for before in (undo, *self._taken):
                before.restore()
            self._taken.clear()
            raise

    def prove(self) -> None:
        """Commit something, to see that it can be done. Raises StoreUnavailable."""
        with translated(self._path), transaction(self._connection) as connection:
            connection.execute("UPDATE instances SET ended_at = NULL WHERE seq = ?", (self._instance,))

    def maintain(self) -> None:
        """Do what is due between groups: train and take up dictionaries. Raises StoreUnavailable."""
        with translated(self._path):
            self._trainer.poll(self._connection)

    def _apply(self, operation: Operation) -> None:
        if isinstance(operation, Finish):
            self._finish(operation)
        elif isinstance(operation, Begin):
            self._begin(operation)
        else:
            self._flush(operation)

    def _check_epoch(self) -> None:
        row = self._connection.execute("SELECT value FROM meta WHERE key = 'gc_epoch'").fetchone()
        if row[0] != self._epoch:
            self._forget()
            self._epoch = row[0]
        self._codecs.refresh(self._connection)
        newest = self._connection.execute("SELECT max(seq) FROM exchanges").fetchone()[0]
        self._newest = newest or 0

    def _forget(self) -> None:
        self._arrivals.clear()
        self._rows.forget()
        self._chunks.forget()
        self._requests.forget()
        self._sessions.forget()
        self._answers.forget()
        self._routes.clear()
        self._seqs.clear()
        self._absent.clear()
        self._epoch = -1

    def _begin(self, begin: Begin) -> None:
        if self._seq(begin.exchange.id) is None:
            self._arrivals[begin.exchange.id] = self._request(begin.exchange, begin)

    def _request(self, exchange: Exchange, arrived: Arrived) -> _Arrival:
        """Store a request; its row follows, with the answer if that comes in the same group."""
        seq = self._free(exchange.started_at)
        request = self._requests.store(seq, exchange, arrived.body)
        headers, names = self._answers.headers(arrived.headers)
        self._rows.body((seq, REQUEST, request.size, request.crc, request.packed, headers, None))
        self._chunks.use(seq, request.own)
        return _Arrival(seq, exchange, request, names, arrived.body)

    def _arrive(self, key: str) -> None:
        """Insert the row of an exchange that is still running."""
        arrival = self._arrivals.pop(key)
        self._insert(arrival.exchange, arrival, None)
        self._seqs[key] = arrival.seq

    def _insert(self, exchange: Exchange, arrival: _Arrival, finish: Finish | None) -> None:
        """Insert the exchange whose request is stored, and at once with its answer if that is there."""
        seq, request = arrival.seq, arrival.request
        _note_redactions(exchange, request.redactions, arrival.redacted)
        exchange.request_bytes = request.size
        if finish is not None:
            self._answer(seq, finish)
        run, session = self._runs(exchange, request, arrival.body)
        values = exchange_values(exchange, run, session, self._instance)
        self._absent.discard(exchange.id)
        self._rows.exchange(exchange.id, seq, values, request.context, request.base)
        self._sessions.belongs(seq, run, session)
        self._label(seq, exchange)

    def _free(self, started_at: int) -> int:
        """Return a free row key for that moment."""
        seq = min(max(started_at, 0), MAX_STARTED) << SEQ_SHIFT
        if seq > self._newest:
            self._newest = seq
            return seq
        if self._rows.may_hold(seq):
            self._rows.flush()
        row = self._connection.execute(
            "SELECT max(seq) FROM exchanges WHERE seq BETWEEN ? AND ?", (seq, seq + _SAME_MOMENT - 1)
        ).fetchone()
        return seq if row[0] is None else int(row[0]) + 1

    def _runs(self, exchange: Exchange, request: StoredRequest, body: bytes) -> tuple[int | None, int | None]:
        run = session = None
        if exchange.run:
            run, exchange.run = self._sessions.named(exchange.run, exchange, body)
        if exchange.session:
            session, exchange.session = self._sessions.named(exchange.session, exchange, body)
        elif run is None and request.base is not None:
            session = self._sessions.continued(request.base, exchange, body)
            exchange.session = None if session is None else self._sessions.id(session)
        for key in (run, session):
            if key is not None:
                self._sessions.touch(key, exchange.started_at)
        return run, session

    def _flush(self, flush: Flush) -> None:
        if flush.id in self._arrivals:
            self._arrive(flush.id)
        seq = self._seq(flush.id)
        if seq is None:
            return
        data, writes, _ = self._answers.clean(flush.data, flush.writes)
        codec, packed = self._codecs.compress(data)
        self._connection.execute(
            "INSERT OR REPLACE INTO partials (exchange, number, size, codec, data, timing)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (seq, flush.number, len(data), codec, packed, pack_writes(writes)),
        )
        if flush.exchange is not None:
            self._update(seq, flush.exchange)

    def _finish(self, finish: Finish) -> None:
        arrival = self._arrivals.pop(finish.exchange.id, None)
        if arrival is not None:
            self._insert(finish.exchange, arrival, finish)
            return
        seq = self._seq(finish.exchange.id)
        if seq is None:
            # Without its beginning it is one that was deleted while it ran.
            if finish.begin is not None:
                self._insert(finish.exchange, self._request(finish.exchange, finish.begin), finish)
            return
        self._answer(seq, finish)
        self._update(seq, finish.exchange)
        self._connection.execute("DELETE FROM partials WHERE exchange = ?", (seq,))
        self._label(seq, finish.exchange)
        self._seqs.pop(finish.exchange.id, None)

    def _answer(self, seq: int, finish: Finish) -> None:
        self._chunks.answered = None
        names = self._answers.store(seq, finish)
        self._requests.answered(seq, self._chunks.answered)
        _note_redactions(finish.exchange, names, ())
        for record in finish.attempts:
            self._rows.attempt(self._attempt(seq, record.attempt))

    def _attempt(self, seq: int, attempt: Attempt) -> list[Any]:
        headers = self._answers.headers(attempt.response_headers)[0] if attempt.response_headers else None
        return attempt_values(seq, self._route(attempt), attempt, headers)

    def _route(self, attempt: Attempt) -> int:
        values = _ROUTE(attempt)
        known = self._routes.get(values)
        if known is None:
            same = " AND ".join(f"{name} IS ?" for name in ROUTE_COLUMNS)
            row = self._connection.execute(f"SELECT id FROM routes WHERE {same}", values).fetchone()
            if row is None:
                columns, marks = ", ".join(ROUTE_COLUMNS), ", ".join("?" * len(ROUTE_COLUMNS))
                insert = self._connection.execute(f"INSERT INTO routes ({columns}) VALUES ({marks})", values)
                row = (insert.lastrowid,)
            known = self._routes[values] = int(row[0])
        return known

    def _update(self, seq: int, exchange: Exchange) -> None:
        if self._rows.may_hold(seq):
            self._rows.flush()
        run, session, redactions = self._connection.execute(
            "SELECT run, session, redactions FROM exchanges WHERE seq = ?", (seq,)
        ).fetchone()
        if redactions is not None:
            # Of the request, which was stored with the row; the router knows nothing of them.
            exchange.redactions = tuple(dict.fromkeys((*unpack_list(redactions), *exchange.redactions)))
        values = exchange_values(exchange, run, session, self._instance)
        self._connection.execute(UPDATE, [*updated_values(values), seq])

    def _label(self, seq: int, exchange: Exchange) -> None:
        for tag in exchange.tags:
            self._rows.label(f"tag:{tag}", seq)
        for tool in exchange.tools:
            self._rows.label(f"tool:{tool}", seq)

    def _look_up(self, operations: list[Operation]) -> None:
        """Find out in one step which of a group's new exchanges are in the store already."""
        new = [
            operation.exchange.id
            for operation in operations
            if isinstance(operation, Begin) or (isinstance(operation, Finish) and operation.begin is not None)
        ]
        self._absent = set(new)
        if new:
            found = self._connection.execute(
                "SELECT id, seq FROM exchanges WHERE id IN (SELECT value FROM json_each(?))",
                (msgspec.json.encode(new).decode(),),
            ).fetchall()
            self._seqs.update(found)
            self._absent.difference_update([given for given, _ in found])

    def _seq(self, exchange_id: str) -> int | None:
        """Return the row key of an exchange that is in the store."""
        known = self._seqs.get(exchange_id) or self._rows.seq(exchange_id)
        if known is None and exchange_id not in self._absent:
            row = self._connection.execute(
                "SELECT seq FROM exchanges WHERE id = ?", (exchange_id,)
            ).fetchone()
            known = int(row[0]) if row else None
        return known

    def interrupt_dead(self) -> int:
        """End what dead instances left running, keeping what had arrived; return how many exchanges."""
        with translated(self._path), transaction(self._connection):
            count = 0
            for key in instances.dead(self._connection):
                rows = self._connection.execute(
                    "SELECT seq FROM exchanges WHERE state = 'running' AND state <> 'complete'"
                    " AND instance = ?",
                    (key,),
                ).fetchall()
                for (seq,) in rows:
                    interrupt(self._connection, self._codecs, self._answers, seq)
                count += len(rows)
            self._rows.flush()
            self._chunks.flush()
            return count


def _note_redactions(exchange: Exchange, bodies: tuple[str, ...], headers: tuple[str, ...]) -> None:
    """Add places to the exchange's list, such as ``body:openai_key``."""
    if bodies or headers:
        exchange.redactions = _places(exchange.redactions, bodies, headers)
        exchange.redacted = True


@functools.lru_cache(maxsize=256)
def _places(known: tuple[str, ...], bodies: tuple[str, ...], headers: tuple[str, ...]) -> tuple[str, ...]:
    new = (*(f"header:{name}" for name in headers), *(f"body:{name}" for name in bodies))
    return tuple(dict.fromkeys((*known, *new)))
