"""Read-only connections: one a thread, and what becomes of a reading when they are closed."""

from __future__ import annotations

import threading
import time

from workbench.domain.errors import StoreUnavailable
from workbench.store.reader import Reader
from workbench.store.store import Store

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def test_closing_breaks_off_what_another_thread_is_reading(tmp_path):
    """Closed under a running query, a connection would take the process with it."""
    path = tmp_path / "workbench.db"
    Store.open(path).close()
    reader = Reader.open(path)
    begun, ended = threading.Event(), []

    def read():
        try:
            with reader.connection() as connection:
                begun.set()
                connection.execute(ENDLESS).fetchone()
        except StoreUnavailable as error:
            ended.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    begun.wait(10)
    time.sleep(0.05)
    reader.close()
    thread.join(10)
    assert not thread.is_alive()
    assert len(ended) == 1


def test_a_reader_keeps_no_more_pages_than_it_was_given(tmp_path):
    """Each thread has its own cache; the TUI has several threads."""
    path = tmp_path / "workbench.db"
    Store.open(path).close()
    with Reader.open(path, cache_kib=1024) as reader, reader.connection() as connection:
        assert connection.execute("PRAGMA cache_size").fetchone()[0] == -1024
