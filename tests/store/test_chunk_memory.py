"""What the writer remembers of chunks: the newest hashes, never more of them than its bound."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.store import chunks
from workbench.store.ingest import ExchangeWriter


def test_the_oldest_hash_makes_room_and_its_chunk_is_found_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory stays where it is when the bound is reached, and nothing is stored twice."""
    monkeypatch.setattr(chunks, "_REMEMBERED", 10)
    writer = ExchangeWriter.open(tmp_path / "workbench.db", instance="i", redact=False)
    try:
        table = writer._chunks
        pieces = [b"piece %d" % number for number in range(25)]
        ids = [table.put(piece) for piece in pieces]
        assert len(set(ids)) == 25
        assert list(table._ids.values()) == ids[-10:]
        assert [table.put(piece) for piece in pieces] == ids
        assert (len(table._ids), len(table._order)) == (10, 10)
    finally:
        writer.close()
