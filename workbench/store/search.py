"""Pages of exchanges that match a filter, and their count.

Conditions on columns are SQL. Words are looked up in one of two ways, both exact and newest first: rare
ones from the full-text index to the exchanges, common ones from the newest exchanges to the index, window
by window, until the page is full. Regular expressions read the texts themselves, as far as `_SCANNED`
exchanges a page.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.domain.errors import FilterError, QueryTimeout
from workbench.store.compile import MATCHING, Condition, condition, match_query
from workbench.store.connection import deadline
from workbench.store.filter import Both, Either, Not, Term
from workbench.store.page import Cursor
from workbench.store.rows import SELECT, SEQ_SHIFT
from workbench.store.snippets import own_texts
from workbench.store.words import WordsIn

if TYPE_CHECKING:
    import sqlite3

    from workbench.store.compression import Codecs
    from workbench.store.filter import Filter, Node

Row = tuple[Any, ...]
Test = Callable[[list[int]], set[int]]
"""Given row keys, returns those that pass."""
_RARE = 10_000
_WINDOW, _MAX_WINDOW = 256, 8_192
_SCANNED = 20_000
_RELEVANT = 1_000
_KEYS = "SELECT e.seq FROM exchanges AS e"


class _Parts(msgspec.Struct):
    """A filter taken apart: the condition on columns, and what has to be looked up."""

    where: Condition
    words: list[str]
    expressions: list[re.Pattern[str]]
    by_relevance: bool


def page(
    connection: sqlite3.Connection,
    codecs: Codecs,
    wanted: Filter,
    *,
    before: Cursor | None,
    after: Cursor | None,
    limit: int,
) -> tuple[list[Row], Cursor | None]:
    """Return rows of `SELECT`, newest first, and where to go on; None when there is nothing more."""
    parts = _take_apart(wanted)
    if parts.by_relevance and parts.words:
        return _relevant(connection, parts, limit), None
    low = place(connection, after) if after is not None else None
    high = place(connection, before) if before is not None else None
    common = _narrow(connection, parts)
    if not common and not parts.expressions:
        rows = _rows(connection, parts.where, low, high, limit + 1)
        more = len(rows) > limit
    else:
        tests: list[Test] = [WordsIn(connection, words) for words in common]
        tests += [_expression_test(connection, codecs, expression) for expression in parts.expressions]
        scanned = _SCANNED if parts.expressions else None
        rows, stopped = _windows(connection, parts.where, low, high, limit + 1, tests, scanned)
        if stopped is not None and len(rows) <= limit:
            return _newest_first(rows, low), stopped
        more = len(rows) > limit
    rows = _newest_first(rows[:limit], low)
    return rows, _cursor(rows[-1]) if more and rows else None


def _newest_first(rows: list[Row], low: int | None) -> list[Row]:
    # Newer ones are read upwards from their place, so that a list grows without a gap.
    return rows if low is None else rows[::-1]


def _cursor(row: Row) -> Cursor:
    return Cursor(row[0] >> SEQ_SHIFT, row[1])


def place(connection: sqlite3.Connection, cursor: Cursor) -> int:
    """Return the row key at a cursor; where its exchange is gone, the moment's first."""
    row = connection.execute("SELECT seq FROM exchanges WHERE id = ?", (cursor.id,)).fetchone()
    return int(row[0]) if row else cursor.started_at << SEQ_SHIFT


def _take_apart(wanted: Filter) -> _Parts:
    root = wanted.root
    nodes = root.parts if isinstance(root, Both) else (root,) if root is not None else ()
    rest: list[Node] = []
    words: list[str] = []
    expressions: list[re.Pattern[str]] = []
    by_relevance = False
    for node in nodes:
        if isinstance(node, Term) and node.key == "text":
            words.append(match_query(str(node.value), quoted=node.quoted))
        elif isinstance(node, Term) and node.key == "regex":
            expressions.append(re.compile(str(node.value)))
        elif isinstance(node, Term) and node.key == "sort":
            by_relevance = node.value == "relevance"
        else:
            _refuse_scan(node, wanted.text)
            rest.append(node)
    return _Parts(condition(Both(tuple(rest)) if rest else None), words, expressions, by_relevance)


def _refuse_scan(node: Node, text: str) -> None:
    if isinstance(node, Not):
        _refuse_scan(node.part, text)
    elif isinstance(node, Both | Either):
        for part in node.parts:
            _refuse_scan(part, text)
    elif node.key in {"regex", "sort"}:
        raise FilterError(
            f"{node.key}: can't stand behind '!' or inside OR or parentheses",
            text=text,
            position=max(0, text.find(f"{node.key}:")),
        )


def _narrow(connection: sqlite3.Connection, parts: _Parts) -> list[str]:
    """Put rare words into the condition; return the common ones."""
    common = []
    for words in parts.words:
        hits = connection.execute(
            "SELECT count(*) FROM (SELECT rowid FROM messages_fts WHERE messages_fts MATCH ? LIMIT ?)",
            (words, _RARE + 1),
        ).fetchone()[0]
        if hits > _RARE:
            common.append(words)
        else:
            where = parts.where
            parts.where = Condition(f"{where.sql} AND e.seq IN ({MATCHING})", (*where.values, words))
    return common


def _rows(
    connection: sqlite3.Connection,
    where: Condition,
    low: int | None,
    high: int | None,
    limit: int,
    select: str = SELECT,
) -> list[Row]:
    """Return matching rows between two keys, from `low` upwards if that is given, else newest first."""
    terms, values = [where.sql], list(where.values)
    if high is not None:
        terms.append("e.seq < ?")
        values.append(high)
    if low is not None:
        terms.append("e.seq > ?")
        values.append(low)
    order = "DESC" if low is None else "ASC"
    return connection.execute(
        f"{select} WHERE {' AND '.join(terms)} ORDER BY e.seq {order} LIMIT ?", [*values, limit]
    ).fetchall()


def _windows(
    connection: sqlite3.Connection,
    where: Condition,
    low: int | None,
    high: int | None,
    limit: int,
    tests: list[Test],
    at_most: int | None,
) -> tuple[list[Row], Cursor | None]:
    """Return rows that pass all tests, and where the scan stopped if it did so before the end."""
    found: list[int] = []
    scanned, window, upwards = 0, _WINDOW, low is not None
    while True:
        keys = [row[0] for row in _rows(connection, where, low, high, window, _KEYS)]
        passing = keys
        for test in tests:
            passing = [key for key in passing if key in kept] if (kept := test(passing)) else []
        found += passing
        scanned += len(keys)
        if len(found) >= limit or len(keys) < window:
            return _whole(connection, found[:limit]), None
        if at_most is not None and scanned >= at_most:
            return _whole(connection, found), _cursor(_whole(connection, keys[-1:])[0])
        low, high = (keys[-1], high) if upwards else (low, keys[-1])
        window = min(window * 2, _MAX_WINDOW)


def _whole(connection: sqlite3.Connection, keys: list[int]) -> list[Row]:
    """Return the rows of `SELECT` with these keys, in their order."""
    marks = ",".join("?" * len(keys))
    rows = {row[0]: row for row in connection.execute(f"{SELECT} WHERE e.seq IN ({marks})", keys)}
    return [rows[key] for key in keys if key in rows]


def _expression_test(connection: sqlite3.Connection, codecs: Codecs, expression: re.Pattern[str]) -> Test:
    def test(keys: list[int]) -> set[int]:
        return {
            key for key in keys if any(expression.search(text) for text in own_texts(connection, codecs, key))
        }

    return test


def _relevant(connection: sqlite3.Connection, parts: _Parts, limit: int) -> list[Row]:
    """Return the best matches of all words, best first, from the index's own ranking."""
    ranked = connection.execute(
        "SELECT u.exchange FROM (SELECT rowid, rank FROM messages_fts WHERE messages_fts MATCH ? "
        "ORDER BY rank LIMIT ?)"
        " AS f JOIN uses AS u ON u.chunk = f.rowid ORDER BY f.rank, u.exchange DESC",
        (" AND ".join(parts.words), _RELEVANT),
    ).fetchall()
    order = {key: number for number, (key,) in reversed(list(enumerate(ranked)))}
    marks = ",".join("?" * len(order))
    rows = connection.execute(
        f"{SELECT} WHERE e.seq IN ({marks}) AND {parts.where.sql}", [*order, *parts.where.values]
    ).fetchall()
    return sorted(rows, key=lambda row: order[row[0]])[:limit]


def count(connection: sqlite3.Connection, wanted: Filter, deadline_s: float | None) -> int | None:
    """Return how many exchanges match; None if it took too long, or would have to read all texts."""
    parts = _take_apart(wanted)
    if parts.expressions:
        return None
    where: Condition = condition(wanted.root)
    try:
        with deadline(connection, deadline_s):
            row = connection.execute(f"SELECT count(*) FROM exchanges AS e WHERE {where.sql}", where.values)
            return int(row.fetchone()[0])
    except QueryTimeout:
        return None
