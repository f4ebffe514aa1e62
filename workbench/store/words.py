"""Which of some exchanges say certain words, asked of the full-text index."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_GAP = 5_000
"""Chunk ids this far apart are asked for in two queries: between them lie too many that nobody asked
about.
"""
_BATCH = 500


class WordsIn:
    """A test for windows of exchanges; remembers what it learned about texts that come up again."""

    def __init__(self, connection: sqlite3.Connection, words: str) -> None:
        self._connection = connection
        self._words = words
        self._known: dict[int, bool] = {}

    def __call__(self, keys: list[int]) -> set[int]:
        """Return those of the row keys whose exchange brought a text with the words."""
        texts = [
            pair
            for start in range(0, len(keys), _BATCH)
            for pair in self._texts(keys[start : start + _BATCH])
        ]
        self._learn(sorted({text for _, text in texts} - self._known.keys()))
        return {key for key, text in texts if self._known[text]}

    def _texts(self, keys: list[int]) -> list[tuple[int, int]]:
        marks = ",".join("?" * len(keys))
        return self._connection.execute(
            f"SELECT exchange, chunk FROM uses WHERE exchange IN ({marks})", keys
        ).fetchall()

    def _learn(self, texts: list[int]) -> None:
        for group in _groups(texts):
            rows = self._connection.execute(
                "SELECT rowid FROM messages_fts WHERE messages_fts MATCH ? AND rowid BETWEEN ? AND ?",
                (self._words, group[0], group[-1]),
            )
            hits = {row[0] for row in rows}
            self._known.update((text, text in hits) for text in group)


def _groups(numbers: list[int]) -> Iterator[list[int]]:
    """Cut sorted numbers where there is a large gap."""
    group: list[int] = []
    for number in numbers:
        if group and number - group[-1] > _GAP:
            yield group
            group = []
        group.append(number)
    if group:
        yield group
