"""Where the screens' data comes from. Every method blocks: call it in a thread (`workbench.tui.asking`).

Nothing is imported or opened before it is asked for, so that the first frame waits for none of it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from workbench.domain.exchange import Attempt, Exchange, Headers, Write
from workbench.domain.run import Run, Step
from workbench.tui import memory

if TYPE_CHECKING:
    from workbench.domain.payload import Payload
    from workbench.settings.home import Home
    from workbench.settings.sections import Settings
    from workbench.store.page import Page, RunPage
    from workbench.store.store import Reader, Store

T = TypeVar("T")
PAGE = 200
CACHE_KIB = 1_024
"""Page cache of each reading thread. Counting a million exchanges would fill the usual 16 MB in every one of
them, and the system has the pages at hand anyway."""
ABOUT_LIMIT = 400_000
"""Largest request body that is read only to say in a list what was asked, in bytes."""


class Whole(NamedTuple):
    """Everything that is recorded of one exchange."""

    exchange: Exchange
    request: bytes
    response: bytes
    request_headers: Headers
    response_headers: Headers
    attempts: list[Attempt]
    writes: list[Write]


class Source:
    """One home's store, files and router."""

    def __init__(self, home: Home, environ: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.environ = os.environ if environ is None else environ
        self._reader: Reader | None = None
        self._lock = threading.Lock()

    # -- the store

    def reader(self) -> Reader:
        """Return the store's read side; an absent store is created. Raises StoreUnavailable."""
        with self._lock:
            if self._reader is None:
                from workbench.store.store import Reader, Store

                if not self.home.store.exists():
                    self.home.artifacts.mkdir(parents=True, exist_ok=True)
                    Store.open(self.home.store).close()
                self._reader = Reader.open(self.home.store, cache_kib=CACHE_KIB)
            return self._reader

    def change(self, verb: Callable[[Store], T]) -> T:
        """Run one of the store's own verbs in a short transaction of its own."""
        from workbench.store.store import Store

        with Store.open(self.home.store) as store:
            return verb(store)

    def close(self) -> None:
        """Close the store."""
        with self._lock:
            if self._reader is not None:
                self._reader.close()
                self._reader = None

    def exchanges(
        self, where: str, *, before: Exchange | None = None, after: Exchange | None = None, limit: int = PAGE
    ) -> Page:
        """Return a page around an item, or the newest one. Raises FilterError."""
        from workbench.store.page import Cursor

        return self.reader().exchanges(
            where,
            before=Cursor.of(before) if before is not None else None,
            after=Cursor.of(after) if after is not None else None,
            limit=limit,
        )

    def oldest(self, where: str, limit: int = PAGE) -> Page:
        """Return the last page of the whole list."""
        from workbench.store.page import Cursor

        return self.reader().exchanges(where, after=Cursor(0, ""), limit=limit)

    def fresh(self, items: Sequence[Exchange]) -> list[Exchange]:
        """Return new readings of exchanges; those that are gone are left out."""
        from workbench.domain.errors import UnknownId

        found: list[Exchange] = []
        for item in items:
            try:
                found.append(self.reader().exchange(item.id))
            except UnknownId:
                continue
        return found

    def whole(self, exchange_id: str) -> Whole:
        """Return an exchange with its bodies, headers, attempts and writes. Raises UnknownId."""
        reader = self.reader()
        exchange = reader.exchange(exchange_id)
        key = exchange.id
        if exchange.request_bytes + exchange.response_bytes > memory.LARGE:
            memory.expect_large()
        return Whole(
            exchange,
            reader.body(key, "request"),
            reader.body(key, "response"),
            reader.headers(key, "request"),
            reader.headers(key, "response"),
            reader.attempts(key),
            reader.writes(key),
        )

    def request_of(self, exchange_id: str) -> bytes:
        """Return a request's exact body."""
        return self.reader().body(exchange_id, "request")

    def about(self, items: Sequence[Exchange]) -> dict[str, str]:
        """Return what each exchange was asked: the last user message's beginning, one line."""
        from workbench.tui.about import asked

        reader = self.reader()
        found: dict[str, str] = {}
        for item in items:
            if item.request_bytes > ABOUT_LIMIT:
                found[item.id] = ""
                continue
            try:
                found[item.id] = asked(item.endpoint, reader.body(item.id, "request"))
            except Exception:
                found[item.id] = ""
        return found

    def runs(
        self,
        where: str = "",
        *,
        kind: str | None = None,
        before: Run | None = None,
        after: Run | None = None,
        limit: int = PAGE,
    ) -> RunPage:
        """Return a page of runs around a run, or the newest one. Raises FilterError."""
        from workbench.store.page import Cursor

        return self.reader().runs(
            where,
            kind=kind,
            before=Cursor.of(before) if before is not None else None,
            after=Cursor.of(after) if after is not None else None,
            limit=limit,
        )

    def oldest_runs(self, where: str, kind: str | None, limit: int = PAGE) -> RunPage:
        """Return the last page of runs."""
        from workbench.store.page import Cursor

        return self.reader().runs(where, kind=kind, after=Cursor(0, ""), limit=limit)

    def run_and_steps(self, run_id: str) -> tuple[Run, list[Step]]:
        """Return a run and its steps. Raises UnknownId."""
        reader = self.reader()
        run = reader.run(run_id)
        return run, reader.steps(run.id)

    # -- files

    def save_payload(self, exchange_id: str) -> Path:
        """Write an exchange's payload file into ``artifacts/payloads`` and return its path."""
        from workbench.domain.payload import dump

        payload: Payload = self.reader().payload(exchange_id)
        folder = self.home.artifacts / "payloads"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{exchange_id}.json"
        path.write_bytes(dump(payload))
        return path

    def log_tail(self, name: str, lines: int = 400) -> list[str]:
        """Return the end of one of the home's logs, readable."""
        from workbench.control.logtail import readable, tail

        return [readable(line) for line in tail(self.home.logs / name, lines)]

    # -- settings

    def settings(self) -> Settings:
        """Return the home's settings. Raises ConfigError."""
        from workbench.settings.load import load_settings

        return load_settings(self.home, self.environ)
