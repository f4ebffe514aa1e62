"""Giving space back without holding anybody up: free pages in steps, the index merged in steps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.store.store import Store

_PAGES = 256
_STEPS = 100_000
_MERGE_PAGES = 200
_REST_S = 0.002


def give_back(store: Store, *, at_most: int | None = None) -> int:
    """Return free pages to the disk, 1 MB a step; return how many bytes the file shrank by."""
    freed = 0
    with store.exclusive() as connection:
        page = int(connection.execute("PRAGMA page_size").fetchone()[0])
    for _ in range(_STEPS):
        with store.exclusive() as connection:
            before = connection.execute("PRAGMA freelist_count").fetchone()[0]
            if not before:
                break
            # Through `execute` Python steps the statement once, which frees a single page.
            connection.executescript(f"PRAGMA incremental_vacuum({_PAGES})")
            after = connection.execute("PRAGMA freelist_count").fetchone()[0]
        freed += (before - after) * page
        if after >= before or (at_most is not None and freed >= at_most):
            break
        time.sleep(_REST_S)
    with store.exclusive() as connection:
        # The file itself shrinks when the log is written back.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return freed


def merge_index(store: Store) -> None:
    """Merge the full-text index step by step, so that what was deleted leaves it."""
    first = True
    for _ in range(_STEPS):
        with store.change() as connection:
            before = connection.total_changes
            pages = -_MERGE_PAGES if first else _MERGE_PAGES
            connection.execute("INSERT INTO messages_fts (messages_fts, rank) VALUES ('merge', ?)", (pages,))
            done = connection.total_changes - before
        first = False
        # FTS5's own measure: fewer than two changes mean that there was nothing left to merge.
        if done < 2:
            return
        time.sleep(_REST_S)
