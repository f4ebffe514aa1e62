"""The read side of the store. Everything a screen, a command or a replay needs to look at."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.domain.errors import UnknownId
from workbench.domain.payload import Payload
from workbench.store import instances, run_reader, search
from workbench.store.bodies import part_of, read_body, read_headers, read_writes
from workbench.store.compression import Codecs
from workbench.store.connection import CACHE_KIB
from workbench.store.filter import Filter, parse
from workbench.store.find import exchange_key, run_key
from workbench.store.headers import unpack
from workbench.store.interrupted import REASON
from workbench.store.known_values import known_values
from workbench.store.page import Cursor, Page, RunPage
from workbench.store.readers import Readers
from workbench.store.rows import ATTEMPT_SELECT, RUN_SELECT, SELECT, read_attempt, read_exchange
from workbench.store.run_filter import parse_runs
from workbench.store.snippets import snippets
from workbench.store.space import space
from workbench.store.statistics import statistics

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from workbench.domain.exchange import Attempt, Exchange, Headers, Side, Write
    from workbench.domain.run import Run, Step


class Reader:
    """Reads a store that others may be writing; safe in several threads. Use it as a context manager.

    Ids may be given as any unique prefix, with or without ``ex_`` or ``run_``. All methods raise
    StoreUnavailable when the file can't be read.
    """

    def __init__(self, path: Path, cache_kib: int = CACHE_KIB) -> None:
        self.path = path
        self._readers = Readers(path, cache_kib)
        self._codecs = Codecs()
        self._liveness = instances.Liveness()

    @classmethod
    def open(cls, path: Path, *, cache_kib: int = CACHE_KIB) -> Self:
        """Open the store at `path`, with a page cache of `cache_kib` for each thread that reads.

        Raises StoreUnavailable when it is missing, damaged or newer than we are.
        """
        reader = cls(path, cache_kib)
        reader._readers.get()
        return reader

    def close(self) -> None:
        """Close the connections of all threads."""
        self._readers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def connection(self, deadline_s: float | None = None) -> Iterator[sqlite3.Connection]:
        """Give this thread's connection; for the rooms of the store itself."""
        with self._readers.use(deadline_s) as connection:
            yield connection

    def exchanges(
        self,
        where: str | Filter = "",
        *,
        before: Cursor | None = None,
        after: Cursor | None = None,
        limit: int = 50,
        deadline_s: float | None = None,
    ) -> Page:
        """Return a page of exchanges, newest first: those older than `before`, or newer than `after`.

        Raises FilterError, and QueryTimeout after `deadline_s` seconds.
        """
        wanted = _parsed(where)
        with self._readers.use(deadline_s) as connection:
            rows, following = search.page(
                connection, self._codecs, wanted, before=before, after=after, limit=limit
            )
            items = [self.seen(connection, read_exchange(row)) for row in rows]
        return Page(items, following)

    def count(self, where: str | Filter = "", *, deadline_s: float | None = None) -> int | None:
        """Return how many exchanges match, or None when that could not be counted in time."""
        wanted = _parsed(where)
        with self._readers.use() as connection:
            return search.count(connection, wanted, deadline_s)

    def exchange(self, id_or_prefix: str) -> Exchange:
        """Return one exchange. Raises UnknownId or AmbiguousId."""
        with self._readers.use() as connection:
            seq, full = exchange_key(connection, id_or_prefix)
            row = connection.execute(f"{SELECT} WHERE e.seq = ?", (seq,)).fetchone()
            if row is None:
                raise UnknownId("exchange", full)
            return self.seen(connection, read_exchange(row))

    def has_exchange(self, exchange_id: str) -> bool:
        """Tell whether there is an exchange with this very id."""
        with self._readers.use() as connection:
            row = connection.execute("SELECT 1 FROM exchanges WHERE id = ?", (exchange_id,)).fetchone()
            return row is not None

    def has_run(self, run_id: str) -> bool:
        """Tell whether there is a run with this very id."""
        with self._readers.use() as connection:
            return connection.execute("SELECT 1 FROM runs WHERE id = ?", (run_id,)).fetchone() is not None

    def seen(self, connection: sqlite3.Connection, exchange: Exchange) -> Exchange:
        """Show as interrupted what a dead router left running."""
        if exchange.state == "running" and not self._liveness.alive(connection, exchange.instance):
            exchange.state = "interrupted"
            exchange.error = exchange.error or REASON
        return exchange

    def headers(self, exchange_id: str, side: Side) -> Headers:
        """Return the headers of the request or the answer, in order, secrets replaced."""
        with self._readers.use() as connection:
            seq, full = exchange_key(connection, exchange_id)
            return read_headers(connection, self._codecs, seq, part_of(side), exchange=full)

    def body(self, exchange_id: str, side: Side) -> bytes:
        """Return the exact bytes; empty when there are none. Raises BodyDamaged."""
        with self._readers.use() as connection:
            seq, full = exchange_key(connection, exchange_id)
            return read_body(connection, self._codecs, seq, part_of(side), exchange=full) or b""

    def body_size(self, exchange_id: str, side: Side) -> int:
        """Return the size of a body in bytes, without reading it."""
        exchange = self.exchange(exchange_id)
        return exchange.request_bytes if side == "request" else exchange.response_bytes

    def attempt_body(self, exchange_id: str, number: int, side: Side) -> bytes:
        """Return what was sent upstream, or came back, in an attempt; the client's bytes where they are
        the same.
        """
        with self._readers.use() as connection:
            seq, full = exchange_key(connection, exchange_id)
            own = read_body(connection, self._codecs, seq, part_of(side, number), exchange=full)
            if own is not None:
                return own
            return read_body(connection, self._codecs, seq, part_of(side), exchange=full) or b""

    def writes(self, exchange_id: str) -> list[Write]:
        """Return the answer's writes to the client, in order; their lengths add up to the body."""
        with self._readers.use() as connection:
            seq, full = exchange_key(connection, exchange_id)
            return read_writes(connection, self._codecs, seq, exchange=full)

    def attempts(self, exchange_id: str) -> list[Attempt]:
        """Return the attempts, first one first."""
        with self._readers.use() as connection:
            seq, _ = exchange_key(connection, exchange_id)
            parts = frozenset(
                row[0] for row in connection.execute("SELECT part FROM bodies WHERE exchange = ?", (seq,))
            )
            rows = connection.execute(f"{ATTEMPT_SELECT} WHERE exchange = ? ORDER BY number", (seq,))
            return [
                read_attempt(row, unpack(connection, self._codecs, row[-1]), parts) for row in rows.fetchall()
            ]

    def replays(self, exchange_id: str) -> list[Exchange]:
        """Return the replays of an exchange, newest first."""
        with self._readers.use() as connection:
            _, full = exchange_key(connection, exchange_id)
            rows = connection.execute(f"{SELECT} WHERE e.replay_of = ? ORDER BY e.seq DESC", (full,))
            return [self.seen(connection, read_exchange(row)) for row in rows.fetchall()]

    def payload(self, exchange_id: str) -> Payload:
        """Return the request so that it can be sent again; secrets are not in it."""
        exchange = self.exchange(exchange_id)
        return Payload(
            endpoint=exchange.endpoint,
            body=self.body(exchange.id, "request"),
            headers=[
                (name, value)
                for name, value in self.headers(exchange.id, "request")
                if "[redacted" not in value and name.lower() not in _NOT_SENT_AGAIN
            ],
        )

    def snippets(self, ids: list[str], text: str) -> dict[str, str]:
        """Return for each exchange that holds the words of `text` a line around a hit, marked ``[`` and
        ``]``.
        """
        with self._readers.use() as connection:
            return snippets(connection, self._codecs, ids, text)

    def values(self, key: str, prefix: str = "", *, limit: int = 20) -> list[str]:
        """Return values of a filter key that occur; `filter_keys.complete` gives the keys."""
        with self._readers.use() as connection:
            return known_values(connection, key, prefix, limit)

    def runs(
        self,
        where: str | Filter = "",
        *,
        kind: str | None = None,
        status: str | None = None,
        before: Cursor | None = None,
        after: Cursor | None = None,
        limit: int = 50,
        deadline_s: float | None = None,
    ) -> RunPage:
        """Return a page of runs, newest first: those older than `before`, or the ones just newer than
        `after`. Raises FilterError, and QueryTimeout after `deadline_s` seconds.
        """
        wanted = parse_runs(where) if isinstance(where, str) else where
        with self._readers.use(deadline_s) as connection:
            return run_reader.list_runs(
                connection, wanted, kind=kind, status=status, before=before, after=after, limit=limit
            )

    def run(self, id_or_prefix: str) -> Run:
        """Return one run, by id, prefix or name. Raises UnknownId or AmbiguousId."""
        with self._readers.use() as connection:
            seq, _ = run_key(connection, id_or_prefix)
            row = connection.execute(f"{RUN_SELECT} WHERE r.seq = ?", (seq,)).fetchone()
            return run_reader.whole_run(connection, row)

    def steps(self, run_id: str) -> list[Step]:
        """Return the steps of a run, in order."""
        with self._readers.use() as connection:
            seq, full = run_key(connection, run_id)
            return run_reader.list_steps(connection, seq, full)

    def change_token(self) -> int:
        """Return a number that differs once another connection has committed something; costs microseconds.

        It is this thread's own: compare it with an earlier one of the same thread.
        """
        with self._readers.use() as connection:
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

    def stats(self) -> dict[str, Any]:
        """Return counts and what uses the space; see `statistics`."""
        with self._readers.use() as connection:
            return statistics(connection, self.path)

    def space(self) -> list[dict[str, Any]]:
        """Return name and bytes of each group of tables, largest first; see `space`."""
        with self._readers.use() as connection:
            return space(connection)


_NOT_SENT_AGAIN = frozenset(
    {
        "host", "content-length", "connection", "accept-encoding", "transfer-encoding", "keep-alive",
        "expect",
        "x-workbench-run", "x-workbench-step", "x-workbench-session", "x-workbench-replay-of",
        "x-workbench-tags",
        "x-workbench-playback", "x-workbench-playback-speed",
    }
)  # fmt: skip


def _parsed(where: str | Filter) -> Filter:
    return parse(where) if isinstance(where, str) else where
