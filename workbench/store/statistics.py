"""What is in the store and what uses its space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path


def statistics(connection: sqlite3.Connection, path: Path) -> dict[str, Any]:
    """Return counts, raw and stored bytes, file sizes, and what kind of data uses the space.

    Keys: exchanges, runs, chunks, messages, raw_bytes (bodies as they were sent), file_bytes, wal_bytes,
    free_bytes (given back by compact), live_bytes, ratio (raw to live), oldest_at, newest_at (microseconds),
    schema, dictionaries. Takes about a second at a million exchanges.
    """

    def one(sql: str) -> Any:
        return connection.execute(sql).fetchone()[0]

    page = one("PRAGMA page_size")
    raw = one("SELECT coalesce(sum(request_bytes + response_bytes), 0) FROM exchanges")
    file_bytes = one("PRAGMA page_count") * page
    free = one("PRAGMA freelist_count") * page
    wal = path.with_name(path.name + "-wal")
    return {
        "exchanges": one("SELECT count(*) FROM exchanges"),
        "runs": one("SELECT count(*) FROM runs"),
        "chunks": one("SELECT count(*) FROM chunks"),
        "messages": one("SELECT count(*) FROM messages_fts_docsize"),
        "raw_bytes": raw,
        "file_bytes": file_bytes,
        "wal_bytes": wal.stat().st_size if wal.exists() else 0,
        "free_bytes": free,
        "live_bytes": file_bytes - free,
        "ratio": round(raw / (file_bytes - free), 2) if file_bytes > free else None,
        "oldest_at": one("SELECT min(started_at) FROM exchanges"),
        "newest_at": one("SELECT max(started_at) FROM exchanges"),
        "schema": one("PRAGMA user_version"),
        "dictionaries": one("SELECT count(*) FROM dictionaries"),
    }
