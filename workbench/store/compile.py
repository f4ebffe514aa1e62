"""Filters as SQL: a condition on ``exchanges AS e`` with bound values, never text put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from workbench.store.filter import Both, Either, Not, Term
from workbench.store.filter_keys import KEYS
from workbench.store.rows import SEQ_SHIFT

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.store.filter import Node
    from workbench.store.filter_keys import Key

MATCHING = (
    "SELECT u.exchange FROM messages_fts AS f JOIN uses AS u ON u.chunk = f.rowid WHERE messages_fts MATCH ?"
)


class Condition(msgspec.Struct, frozen=True):
    """SQL that is true or false for a row `e`, and the values of its question marks."""

    sql: str
    values: tuple[Any, ...] = ()


ALWAYS = Condition("1")


def condition(node: Node | None) -> Condition:
    """Return the condition of a filter's tree. Regular expressions are not in it: they are a scan."""
    return joined(node, lambda term: _SPECIAL.get(term.key, _plain)(term))


def joined(node: Node | None, of_term: Callable[[Term], Condition]) -> Condition:
    """Return the condition of a tree whose terms are made into conditions by `of_term`."""
    if node is None:
        return ALWAYS
    if isinstance(node, Not):
        inner = joined(node.part, of_term)
        return Condition(f"NOT coalesce(({inner.sql}), 0)", inner.values)
    if isinstance(node, Both | Either):
        parts = [joined(part, of_term) for part in node.parts]
        word = " AND " if isinstance(node, Both) else " OR "
        sql = word.join(part.sql for part in parts)
        return Condition(f"({sql})", tuple(value for part in parts for value in part.values))
    return of_term(node)


def match_query(value: str, *, quoted: bool) -> str:
    """Return a full-text query for words as people type them: a phrase, or a beginning with ``*``."""
    star = "*" if value.endswith("*") and not quoted else ""
    words = value.removesuffix("*") if star else value
    return '"' + words.replace('"', '""').replace("\0", " ") + '"' + star


def _plain(term: Term) -> Condition:
    return compared(term, KEYS[term.key], "e")


def compared(term: Term, key: Key, table: str) -> Condition:
    """Return a term about the column of its key; a column in parentheses is an expression of its own."""
    column = key.column if key.column.startswith("(") else f"{table}.{key.column}"
    if key.kind == "text":
        return Condition(f"instr(lower({column}), lower(?)) > 0", (term.value,))
    if isinstance(term.value, tuple):
        return Condition(f"{column} BETWEEN ? AND ?", term.value)
    if isinstance(term.value, str):
        return named(column, term)
    return Condition(f"{column} {term.operator} ?", (term.value,))


def named(column: str, term: Term) -> Condition:
    """Return whether a column is a name, exact or with ``*``."""
    value = str(term.value)
    if "*" in value and not term.quoted:
        # Only the star is ours: what else GLOB would take for a pattern is put into brackets.
        pattern = value.replace("[", "[[]").replace("?", "[?]")
        return Condition(f"{column} GLOB ?", (pattern,))
    return Condition(f"{column} = ?", (value,))


def _text(term: Term) -> Condition:
    return Condition(f"e.seq IN ({MATCHING})", (match_query(str(term.value), quoted=term.quoted),))


def _since(term: Term) -> Condition:
    return Condition("e.seq >= ?", (int(term.value) << SEQ_SHIFT,))  # type: ignore[arg-type]


def _until(term: Term) -> Condition:
    return Condition("e.seq < ?", (int(term.value) << SEQ_SHIFT,))  # type: ignore[arg-type]


def _label(term: Term) -> Condition:
    inner = named("label", Term(term.key, "=", f"{term.key}:{term.value}", term.quoted))
    return Condition(f"e.seq IN (SELECT exchange FROM labels WHERE {inner.sql})", inner.values)


def beginning(column: str, value: str, prefix: str) -> Condition:
    """Return whether an id begins so, with or without the `prefix` of its kind."""
    start = value if value.startswith(prefix) else prefix + value
    return Condition(f"({column} >= ? AND {column} < ?)", (start, start + "\x7f"))


def _run(term: Term) -> Condition:
    value = str(term.value)
    ids = beginning("id", value, "run_")
    keys = f"(SELECT seq FROM runs WHERE {ids.sql} OR name = ?)"
    values = (*ids.values, value)
    if term.key == "session":
        return Condition(f"e.session IN {keys}", values)
    # A run is looked for under both roles, so that run:ID works for sessions too.
    return Condition(f"(e.run IN {keys} OR e.session IN {keys})", values * 2)


def _id(term: Term) -> Condition:
    return beginning("e.id", str(term.value), "ex_")


def _replay(term: Term) -> Condition:
    return beginning("e.replay_of", str(term.value), "ex_")


def _stream(term: Term) -> Condition:
    return Condition("e.stream = ?", (int(term.value == "yes"),))


def _cached(term: Term) -> Condition:
    return Condition("e.cache = 'hit'" if term.value == "yes" else "e.cache <> 'hit'")


_STATE = "e.state <> 'complete' AND e.state = ?"
_MARKS = {
    "pinned": "e.pinned",
    "replay": "e.replay_of IS NOT NULL",
    "error": (
        "(e.status >= 400 OR e.state <> 'complete' AND e.state <> 'running' OR e.error_code IS NOT NULL)"
    ),
    "stream": "e.stream",
    "cached": "e.cache = 'hit'",
    "redacted": "e.redactions IS NOT NULL",
}
_PARTS = {
    "note": "e.note IS NOT NULL",
    "name": "e.name IS NOT NULL",
    "tag": "e.tags IS NOT NULL",
    "tool": "e.tools IS NOT NULL",
    "error": "(e.error IS NOT NULL OR e.error_code IS NOT NULL)",
    "run": "e.run IS NOT NULL",
    "session": "e.session IS NOT NULL",
    "cost": "e.cost_usd > 0",
    "replay": "EXISTS (SELECT 1 FROM exchanges AS o WHERE o.replay_of = e.id)",
}


def _state(term: Term) -> Condition:
    # The extra term lets the partial index on unfinished states serve.
    return (
        Condition("e.state = 'complete'")
        if term.value == "complete"
        else Condition(f"({_STATE})", (term.value,))
    )


def _is(term: Term) -> Condition:
    known = _MARKS.get(str(term.value))
    return Condition(known) if known else _state(term)


def _has(term: Term) -> Condition:
    return Condition(_PARTS[str(term.value)])


def _scan(_term: Term) -> Condition:
    return ALWAYS


_SPECIAL: dict[str, Callable[[Term], Condition]] = {
    "text": _text,
    "regex": _scan,
    "sort": _scan,
    "since": _since,
    "until": _until,
    "tag": _label,
    "tool": _label,
    "run": _run,
    "session": _run,
    "id": _id,
    "replay": _replay,
    "stream": _stream,
    "cached": _cached,
    "state": _state,
    "is": _is,
    "has": _has,
}
