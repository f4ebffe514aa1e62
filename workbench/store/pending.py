"""Rows of a group that are written at its end, one statement a table.

A row that waits is not seen by a SELECT: whoever reads what the group itself may have brought calls `flush`
first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.store.rows import ATTEMPT_INSERT, BODY_INSERT, INSERT, INSERT_SHORT, SEQ_SHIFT, short_values

if TYPE_CHECKING:
    import sqlite3

_LABEL_INSERT = "INSERT OR IGNORE INTO labels (label, exchange) VALUES (?, ?)"


class PendingRows:
    """Use it inside a write transaction only."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._seqs: dict[str, int] = {}
        self._moments: set[int] = set()
        self._exchanges: list[list[Any]] = []
        self._short: list[list[Any]] = []
        self._bodies: list[tuple[Any, ...]] = []
        self._attempts: list[list[Any]] = []
        self._labels: list[tuple[str, int]] = []
        self._tables: tuple[tuple[str, list[Any]], ...] = (
            (INSERT, self._exchanges),
            (INSERT_SHORT, self._short),
            (BODY_INSERT, self._bodies),
            (ATTEMPT_INSERT, self._attempts),
            (_LABEL_INSERT, self._labels),
        )

    def forget(self) -> None:
        """Drop what waits, after a rollback."""
        self._seqs.clear()
        self._moments.clear()
        for _, rows in self._tables:
            rows.clear()

    def exchange(
        self, exchange_id: str, seq: int, values: list[Any], context: int | None, base: int | None
    ) -> None:
        """Add a new exchange; `values` are those of `rows.COLUMNS`."""
        short = short_values(values)
        if short is None:
            self._exchanges.append([seq, context, base, *values])
        else:
            self._short.append([seq, context, base, *short])
        self._seqs[exchange_id] = seq
        self._moments.add(seq >> SEQ_SHIFT)

    def body(self, values: tuple[Any, ...]) -> None:
        """Add the values of `rows.BODY_INSERT`."""
        self._bodies.append(values)

    def attempt(self, values: list[Any]) -> None:
        """Add the values of `rows.ATTEMPT_INSERT`."""
        self._attempts.append(values)

    def label(self, label: str, seq: int) -> None:
        """Add a label of an exchange."""
        self._labels.append((label, seq))

    def seq(self, exchange_id: str) -> int | None:
        """Return the row key of an exchange that waits here."""
        return self._seqs.get(exchange_id)

    def may_hold(self, seq: int) -> bool:
        """Tell whether that exchange, or another one of the same moment, waits here."""
        return seq >> SEQ_SHIFT in self._moments

    def flush(self) -> None:
        """Write what waits."""
        self._seqs.clear()
        self._moments.clear()
        for insert, rows in self._tables:
            if rows:
                self._connection.executemany(insert, rows)
                rows.clear()
