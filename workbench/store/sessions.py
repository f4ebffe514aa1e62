"""Runs as the writer sees them: the session a conversation forms, and runs named by a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.ids import RUN, looks_like, new_id
from workbench.domain.run import Run
from workbench.domain.text import one_line
from workbench.store.rows import RUN_INSERT, run_values
from workbench.store.split import canonical, is_dialogue, split
from workbench.store.texts import message_text

if TYPE_CHECKING:
    import sqlite3

    from workbench.domain.exchange import Exchange
    from workbench.store.pending import PendingRows

_TITLE = 80
_MAX_NAME = 200
_REMEMBERED = 10_000


class SessionTable:
    """Finds or makes the runs that exchanges belong to; use it inside a write transaction only."""

    def __init__(self, connection: sqlite3.Connection, rows: PendingRows) -> None:
        self._connection = connection
        self._rows = rows
        self._keys: dict[str, int] = {}
        self._ids: dict[int, str] = {}
        self._touched: dict[int, int] = {}
        self._places: dict[int, tuple[int | None, int | None]] = {}

    def forget(self) -> None:
        """Drop what is remembered, after a rollback or when something was deleted."""
        self._keys.clear()
        self._ids.clear()
        self._touched.clear()
        self._places.clear()

    def named(self, name: str, exchange: Exchange, body: bytes) -> tuple[int, str]:
        """Return key and id of the run with this id, or of the tenant's session of this name; make it if
        new.
        """
        name = name[:_MAX_NAME]
        memory = f"{exchange.tenant}\0{name}"
        if (key := self._keys.get(memory)) is None:
            key = self._find(name, exchange.tenant)
            if key is None:
                own = name if looks_like(RUN, name) and len(name) > len(RUN) else None
                key = self._create(exchange, body, run_id=own, name=None if own else name)
            if len(self._keys) >= _REMEMBERED:
                self._keys.clear()
            self._keys[memory] = key
        return key, self.id(key)

    def _find(self, name: str, tenant: str) -> int | None:
        row = self._connection.execute("SELECT seq FROM runs WHERE id = ?", (name,)).fetchone()
        if row is None:
            row = self._connection.execute(
                "SELECT seq FROM runs WHERE name = ? AND tenant = ? AND kind = 'session'"
                " ORDER BY seq DESC LIMIT 1",
                (name, tenant),
            ).fetchone()
        return int(row[0]) if row else None

    def continued(self, parent: int, exchange: Exchange, body: bytes) -> int | None:
        """Return the session of the exchange `parent` continues; its second turn makes the session."""
        place = self._places.get(parent) or self._place(parent)
        if place is None or place[0] is not None:
            return None
        if place[1] is not None:
            return place[1]
        session = self._create(exchange, body, run_id=None, name=None)
        self.belongs(parent, None, session)
        if self._rows.may_hold(parent):
            self._rows.flush()
        self._connection.execute("UPDATE exchanges SET session = ? WHERE seq = ?", (session, parent))
        return session

    def belongs(self, seq: int, run: int | None, session: int | None) -> None:
        """Note where an exchange belongs; the next turn of its conversation asks."""
        if len(self._places) > _REMEMBERED:
            self._places.clear()
        self._places[seq] = run, session

    def _place(self, seq: int) -> tuple[int | None, int | None] | None:
        if self._rows.may_hold(seq):
            self._rows.flush()
        found: tuple[int | None, int | None] | None = self._connection.execute(
            "SELECT run, session FROM exchanges WHERE seq = ?", (seq,)
        ).fetchone()
        return found

    def id(self, key: int) -> str:
        """Return the run's id."""
        known = self._ids.get(key)
        if known is None:
            if len(self._ids) > _REMEMBERED:
                self._ids.clear()
            row = self._connection.execute("SELECT id FROM runs WHERE seq = ?", (key,)).fetchone()
            known = self._ids[key] = str(row[0])
        return known

    def touch(self, key: int, at: int) -> None:
        """Note that something happened in the run at `at`; `flush` writes it."""
        self._touched[key] = max(at, self._touched.get(key, 0))

    def flush(self) -> None:
        """Write what `touch` noted, before the transaction ends."""
        if self._touched:
            self._connection.executemany(
                "UPDATE runs SET last_at = max(last_at, ?) WHERE seq = ?",
                [(at, key) for key, at in self._touched.items()],
            )
            self._touched.clear()

    def _create(self, exchange: Exchange, body: bytes, *, run_id: str | None, name: str | None) -> int:
        run = Run(
            id=run_id or new_id(RUN, exchange.started_at),
            kind="session",
            title=_title(body) or name or "session",
            status="open",
            started_at=exchange.started_at,
            model=exchange.model or None,
            tenant=exchange.tenant,
            name=name,
        )
        return int(self._connection.execute(RUN_INSERT, run_values(run)).lastrowid or 0)


def _title(body: bytes) -> str:
    """Return the first thing said in a request."""
    cut = split(body)
    if cut is None:
        return ""
    start = cut.start
    for end in cut.ends:
        message = canonical(body[start:end])
        if is_dialogue(message):
            return one_line(message_text(message), _TITLE)
        start = end
    return ""
