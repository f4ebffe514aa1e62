"""The filter language for runs: its keys, and filters as SQL on ``runs AS r``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from workbench.store.compile import Condition, beginning, compared, joined, named
from workbench.store.filter import Filter, Term, parse
from workbench.store.filter_keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.store.filter import Node

SESSION_OPEN_US = 30 * 60 * 1_000_000
"""A session without a new turn for this long counts as closed."""
KINDS = ("workflow", "session", "replay")
STATES = ("running", "waiting", "passed", "failed", "cancelled", "interrupted", "open", "closed")
_MARKS = {"pinned": "r.pinned", "fork": "(r.kind = 'workflow' AND r.parent IS NOT NULL)"}
_PARTS = {
    "note": "r.note IS NOT NULL",
    "name": "r.name IS NOT NULL",
    "tag": "r.tags IS NOT NULL",
    "parent": "r.parent IS NOT NULL",
    "child": "r.id IN (SELECT parent FROM runs WHERE parent IS NOT NULL)",
    "step": "EXISTS (SELECT 1 FROM steps AS s WHERE s.run = r.seq)",
}


def _sum(what: str) -> str:
    """Return an expression over a run's exchanges. One row can name a run both ways (X-Workbench-Run with a
    session's id), so sessions look at their own column.
    """
    return (
        f"(CASE r.kind WHEN 'session' THEN (SELECT {what} FROM exchanges AS e WHERE e.session = r.seq)"
        f" ELSE (SELECT {what} FROM exchanges AS e WHERE e.run = r.seq) END)"
    )


RUN_KEYS: dict[str, Key] = {
    key.name: key
    for key in (
        Key("text", "text", "in its title, name, brief or note, any case"),
        Key("kind", "choice", "what kind of run", "kind", KINDS),
        Key("state", "choice", "how far it got", "", STATES),
        Key("status", "choice", "the same as state:", "", STATES),
        Key("since", "moment", "not older than: since:2h, since:2026-11-20"),
        Key("until", "moment", "older than: until:1d"),
        Key("recipe", "name", "its recipe: recipe:python*", "recipe"),
        Key("model", "name", "the model it was given: model:gpt*", "model"),
        Key("tenant", "name", "who pays", "tenant"),
        Key("name", "name", "the name it was given", "name"),
        Key("tag", "name", "a tag"),
        Key("note", "text", "words in the note", "note"),
        Key("step", "name", "kind or name of one of its steps: step:repair"),
        Key("gate", "name", "a gate that failed in it: gate:tests"),
        Key("took", "duration", "from start to end: took:>10m"),
        Key("exchanges", "number", "how many exchanges: exchanges:>20", _sum("count(*)")),
        Key("steps", "number", "how many steps", "(SELECT count(*) FROM steps AS s WHERE s.run = r.seq)"),
        Key(
            "tokens",
            "number",
            "input and output of all its exchanges",
            _sum("coalesce(sum(coalesce(e.input_tokens, 0) + coalesce(e.output_tokens, 0)), 0)"),
        ),
        Key("cost", "money", "USD of all its exchanges: cost:>0.5", _sum("coalesce(sum(e.cost_usd), 0.0)")),
        Key("id", "id", "beginning of its id", "id"),
        Key("parent", "id", "forks and replays of this run", "parent"),
        Key("has", "choice", "what is there", "", tuple(_PARTS)),
        Key("is", "choice", "what it is", "", (*_MARKS, *STATES)),
    )
}


def parse_runs(text: str, now_us: int | None = None) -> Filter:
    """Return the filter for runs in `text`. Raises FilterError."""
    return parse(text, now_us, RUN_KEYS)


def run_condition(node: Node | None) -> Condition:
    """Return the condition of a filter's tree for a row `r` of runs."""
    return joined(node, lambda term: _SPECIAL.get(term.key, _plain)(term))


def of_state(state: str) -> Condition:
    """Return whether a run is in this state; sessions are open or closed by when their last turn was."""
    limit = _now_us() - SESSION_OPEN_US
    if state in {"open", "closed"}:
        sign = ">=" if state == "open" else "<"
        return Condition(f"(r.kind = 'session' AND r.last_at {sign} ?)", (limit,))
    return Condition("(r.kind <> 'session' AND r.status = ?)", (state,))


def _now_us() -> int:
    return time.time_ns() // 1000


def _plain(term: Term) -> Condition:
    return compared(term, RUN_KEYS[term.key], "r")


def _text(term: Term) -> Condition:
    columns = "r.title || char(10) || coalesce(r.name, '') || char(10) || coalesce(r.brief, '')"
    return Condition(
        f"instr(lower({columns} || char(10) || coalesce(r.note, '')), lower(?)) > 0", (str(term.value),)
    )


def _took(term: Term) -> Condition:
    end = "coalesce(r.ended_at, CASE r.kind WHEN 'session' THEN r.last_at ELSE ? END)"
    return Condition(f"({end} - r.started_at) {term.operator} ?", (_now_us(), term.value))


def _tag(term: Term) -> Condition:
    inner = named("t.value", term)
    return Condition(f"EXISTS (SELECT 1 FROM json_each(r.tags) AS t WHERE {inner.sql})", inner.values)


def _step(term: Term) -> Condition:
    kind, name = named("s.kind", term), named("s.name", term)
    sql = f"EXISTS (SELECT 1 FROM steps AS s WHERE s.run = r.seq AND ({kind.sql} OR {name.sql}))"
    return Condition(sql, (*kind.values, *name.values))


def _gate(term: Term) -> Condition:
    inner = named("json_extract(g.value, '$.name')", term)
    return Condition(
        "EXISTS (SELECT 1 FROM steps AS s, json_each(s.detail, '$.gates') AS g WHERE s.run = r.seq"
        f" AND json_extract(g.value, '$.passed') = 0 AND {inner.sql})",
        inner.values,
    )


def _is(term: Term) -> Condition:
    known = _MARKS.get(str(term.value))
    return Condition(known) if known else of_state(str(term.value))


def _has(term: Term) -> Condition:
    return Condition(_PARTS[str(term.value)])


_SPECIAL: dict[str, Callable[[Term], Condition]] = {
    "text": _text,
    "state": lambda term: of_state(str(term.value)),
    "status": lambda term: of_state(str(term.value)),
    "since": lambda term: Condition("r.started_at >= ?", (term.value,)),
    "until": lambda term: Condition("r.started_at < ?", (term.value,)),
    "tag": _tag,
    "step": _step,
    "gate": _gate,
    "took": _took,
    "id": lambda term: beginning("r.id", str(term.value), "run_"),
    "parent": lambda term: beginning("r.parent", str(term.value), "run_"),
    "is": _is,
    "has": _has,
}
