"""The line around a hit, with the hit marked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workbench.domain.text import one_line
from workbench.store.find import exchange_key
from workbench.store.pieces import read_pieces
from workbench.store.texts import piece_text

if TYPE_CHECKING:
    import sqlite3

    from workbench.store.compression import Codecs

_AROUND = 60
_OWN_PIECES = (
    "SELECT c.kind, c.id FROM uses AS u JOIN chunks AS c ON c.id = u.chunk"
    " WHERE u.exchange = ? AND c.indexed ORDER BY c.id DESC"
)


def snippets(connection: sqlite3.Connection, codecs: Codecs, ids: list[str], text: str) -> dict[str, str]:
    """Return for each exchange that says `text` one line around the first hit, marked ``[hit]``."""
    expression = _expression(text)
    found = {}
    for given in ids:
        seq, full = exchange_key(connection, given)
        line = _line(connection, codecs, seq, expression)
        if line:
            found[full] = line
    return found


def own_texts(connection: sqlite3.Connection, codecs: Codecs, seq: int) -> list[str]:
    """Return what was said first in this exchange: its answer and new messages, newest first."""
    texts = []
    for kind, chunk in connection.execute(_OWN_PIECES, (seq,)).fetchall():
        try:
            texts.append(piece_text(kind, read_pieces(connection, codecs, [chunk])[0]))
        except ValueError:
            continue  # verify tells; a search goes on
    return texts


def _expression(text: str) -> re.Pattern[str]:
    words = [re.escape(word) for word in re.findall(r"\w+", text)]
    return re.compile(r"\W+".join(words) or r"(?!)", re.IGNORECASE)


def _line(
    connection: sqlite3.Connection, codecs: Codecs, seq: int, expression: re.Pattern[str]
) -> str | None:
    for text in own_texts(connection, codecs, seq):
        hit = expression.search(text)
        if hit:
            start, end = max(0, hit.start() - _AROUND), hit.end() + _AROUND
            before, after = text[start : hit.start()], text[hit.end() : end]
            line = f"{'…' if start else ''}{before}[{hit[0]}]{after}{'…' if end < len(text) else ''}"
            return one_line(line, 3 * _AROUND)
    return None
