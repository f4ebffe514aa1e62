"""The store as most callers want it: everything a `Reader` can, and the short changes people make."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.domain.errors import UsageError
from workbench.domain.ids import RUN
from workbench.store.connection import CACHE_KIB, connect_writer, transaction, translated
from workbench.store.find import exchange_key, run_key
from workbench.store.migrations import migrate
from workbench.store.page import Cursor, Page, RunPage
from workbench.store.reader import Reader
from workbench.store.rows import (
    RUN_COLUMNS,
    RUN_INSERT,
    STEP_UPSERT,
    pack_list,
    run_values,
    step_values,
    unpack_list,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from workbench.domain.run import Run, Step
    from workbench.settings.home import Home
    from workbench.store.pruning import Progress, PruneResult
    from workbench.store.retention import PrunePlan, PrunePolicy

__all__ = ["Cursor", "Page", "Reader", "RunPage", "Store"]

_MAX_TAG = 100


class Store(Reader):
    """A store that can be changed. Each change is one short transaction; many processes may do so at once."""

    def __init__(self, path: Path, connection: sqlite3.Connection, cache_kib: int = CACHE_KIB) -> None:
        super().__init__(path, cache_kib)
        self._connection = connection
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path, *, cache_kib: int = CACHE_KIB) -> Self:
        """Open the store at `path`, made or migrated if need be. Raises StoreUnavailable."""
        connection = connect_writer(path)
        try:
            with translated(path):
                migrate(connection, path)
        except BaseException:
            connection.close()
            raise
        return cls(path, connection, cache_kib)

    def close(self) -> None:
        """Close all connections."""
        super().close()
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Give the write connection inside a transaction; for the rooms of the store itself."""
        with self._lock, translated(self.path), transaction(self._connection) as connection:
            yield connection

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[sqlite3.Connection]:
        """Give the write connection outside a transaction, to one thread at a time."""
        with self._lock, translated(self.path):
            yield self._connection

    def create_run(self, run: Run) -> None:
        """Add a run. Raises UsageError when its id is taken."""
        with self.change() as connection:
            try:
                connection.execute(RUN_INSERT, run_values(run))
            except sqlite3.IntegrityError:
                raise UsageError(f"there is a run {run.id} already") from None

    def update_run(self, run_id: str, **changes: Any) -> None:
        """Set fields of a run (those of `Run` that are stored). Raises UnknownId, ValueError."""
        unknown = set(changes) - {*RUN_COLUMNS, "tags"} | (set(changes) & {"id"})
        if unknown:
            msg = f"a run has no field {', '.join(sorted(unknown))} to set"
            raise ValueError(msg)
        if not changes:
            return
        if "tags" in changes:
            changes["tags"] = pack_list(changes["tags"])
        with self.change() as connection:
            seq, _ = run_key(connection, run_id)
            columns = ", ".join(f"{name} = ?" for name in changes)
            connection.execute(f"UPDATE runs SET {columns} WHERE seq = ?", [*changes.values(), seq])

    def put_step(self, step: Step) -> None:
        """Add a step, or replace the one of that number. Raises UnknownId."""
        with self.change() as connection:
            seq, _ = run_key(connection, step.run)
            connection.execute(STEP_UPSERT, step_values(seq, step))

    def tag(self, item_id: str, *tags: str) -> None:
        """Add tags to an exchange or run. Raises UnknownId, UsageError for a tag that can't be."""
        for tag in tags:
            if not tag or len(tag) > _MAX_TAG or any(char.isspace() for char in tag):
                raise UsageError(f"{tag!r} can't be a tag", hint="a tag is one word of up to 100 characters")
        self._retag(item_id, lambda known: tuple(dict.fromkeys((*known, *tags))))

    def untag(self, item_id: str, *tags: str) -> None:
        """Take tags away. Raises UnknownId."""
        self._retag(item_id, lambda known: tuple(tag for tag in known if tag not in tags))

    def _retag(self, item_id: str, change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> None:
        with self.change() as connection:
            table, seq = _item(connection, item_id)
            row = connection.execute(f"SELECT tags FROM {table} WHERE seq = ?", (seq,)).fetchone()
            known = unpack_list(row[0])
            tags = change(known)
            connection.execute(f"UPDATE {table} SET tags = ? WHERE seq = ?", (pack_list(tags), seq))
            if table == "exchanges":
                connection.executemany(
                    "DELETE FROM labels WHERE label = ? AND exchange = ?",
                    [(f"tag:{tag}", seq) for tag in known],
                )
                connection.executemany(
                    "INSERT INTO labels (label, exchange) VALUES (?, ?)",
                    [(f"tag:{tag}", seq) for tag in tags],
                )

    def set_note(self, item_id: str, text: str | None) -> None:
        """Set or, with None or nothing, remove the note of an exchange or run. Raises UnknownId."""
        self._set(item_id, "note", text or None)

    def set_name(self, item_id: str, name: str | None) -> None:
        """Set or remove the name of an exchange or run. Raises UnknownId."""
        self._set(item_id, "name", name or None)

    def set_pinned(self, item_id: str, pinned: bool) -> None:
        """Keep an exchange or run from being pruned, or no longer. Raises UnknownId."""
        self._set(item_id, "pinned", int(pinned))

    def _set(self, item_id: str, column: str, value: str | int | None) -> None:
        with self.change() as connection:
            table, seq = _item(connection, item_id)
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE seq = ?", (value, seq))

    def plan_prune(self, policy: PrunePolicy, home: Home, *, now_us: int | None = None) -> PrunePlan:
        """Return what `policy` no longer keeps, without touching it."""
        from workbench.store.retention import plan_prune

        with self._readers.use() as connection:
            return plan_prune(connection, policy, home, now_us=now_us)

    def prune(self, plan: PrunePlan, progress: Progress | None = None, **options: Any) -> PruneResult:
        """Do what the plan says; see `pruning.prune`."""
        from workbench.store.pruning import prune

        return prune(self, plan, progress, **options)

    def delete_run(self, run_id: str) -> None:
        """Delete a run with its steps and exchanges. Raises UnknownId."""
        from workbench.store.deletion import delete_run

        with self.change() as connection:
            seq, _ = run_key(connection, run_id)
        delete_run(self, seq)


def _item(connection: sqlite3.Connection, item_id: str) -> tuple[str, int]:
    """Return table and row key of what an id names; without ``run_`` it is an exchange."""
    if item_id.startswith(RUN):
        return "runs", run_key(connection, item_id)[0]
    return "exchanges", exchange_key(connection, item_id)[0]
