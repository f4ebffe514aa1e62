"""What is inside a run, in pages: the turns of a session with their forks, results, a step's questions, runs
made from it.

A session is a tree: an exchange continues the one whose messages its own begin with (`exchanges.base`). The
first continuation of a turn goes on with its conversation, every further one forks off. A turn whose
beginning is not in the session starts a conversation of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from workbench.domain.exchange import Exchange
from workbench.store.find import exchange_key, run_key
from workbench.store.rows import RUN_SELECT, SELECT, read_exchange
from workbench.store.run_reader import whole_run

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from workbench.domain.run import Run
    from workbench.store.reader import Reader

COUNTED = 1_000
"""Forks of one turn that are counted; more is said to be this many."""
_THREAD = """\
WITH RECURSIVE thread (seq, number) AS (
    SELECT ?, 1
    UNION ALL
    SELECT (SELECT c.seq FROM exchanges AS c WHERE c.base = t.seq AND c.session = ? ORDER BY c.seq LIMIT 1),
        t.number + 1
    FROM thread AS t WHERE t.seq IS NOT NULL AND t.number < ?
) SELECT seq FROM thread WHERE seq IS NOT NULL"""
_STARTS = """\
SELECT e.seq FROM exchanges AS e WHERE e.session = ? AND e.seq > ?
AND NOT EXISTS (SELECT 1 FROM exchanges AS p WHERE p.seq = e.base AND p.session = e.session)
ORDER BY e.seq LIMIT ?"""
_ROOT = """\
WITH RECURSIVE way (seq, base) AS (
    SELECT seq, base FROM exchanges WHERE seq = ?
    UNION ALL
    SELECT p.seq, p.base FROM exchanges AS p JOIN way ON p.seq = way.base WHERE p.session = ?
) SELECT min(seq) FROM way"""


class Turn(msgspec.Struct, frozen=True):
    """One exchange of a session: whether it goes on, and how many other continuations there are."""

    exchange: Exchange
    forks: int = 0
    goes_on: bool = False


def turns(reader: Reader, run_id: str, *, after: str | None = None, limit: int = 100) -> list[Turn]:
    """Return turns of a session, forks left out: its conversations one after the other, each in its order.

    `after` is the id of the last turn of the page before. Raises UnknownId.
    """
    with reader.connection() as connection:
        session, _ = run_key(connection, run_id)
        found: list[int] = []
        start = -1
        if after is not None:
            last, _ = exchange_key(connection, after)
            found += _thread(connection, session, last, limit + 1)[1:]
            start = connection.execute(_ROOT, (last, session)).fetchone()[0]
        while len(found) < limit:
            # One at first: behind a long conversation, looking for more would go through all of it.
            wanted = limit - len(found) if found else 1
            starts = connection.execute(_STARTS, (session, start, wanted)).fetchall()
            if not starts:
                break
            for (start,) in starts:
                found += _thread(connection, session, start, limit - len(found))
                if len(found) >= limit:
                    break
        return _turns(reader, connection, session, found[:limit])


def fork_turns(
    reader: Reader, run_id: str, first: str, *, after: str | None = None, limit: int = 100
) -> list[Turn]:
    """Return the turns of a fork behind its `first` one, or behind `after`. Raises UnknownId."""
    with reader.connection() as connection:
        session, _ = run_key(connection, run_id)
        start, _ = exchange_key(connection, after or first)
        return _turns(reader, connection, session, _thread(connection, session, start, limit + 1)[1:])


def forks(
    reader: Reader, run_id: str, turn: str, *, after: str | None = None, limit: int = 100
) -> list[Turn]:
    """Return the first turn of every fork at a turn, oldest first. Raises UnknownId."""
    with reader.connection() as connection:
        session, _ = run_key(connection, run_id)
        seq, _ = exchange_key(connection, turn)
        last = exchange_key(connection, after)[0] if after is not None else None
        rows = connection.execute(
            "SELECT seq FROM exchanges WHERE base = ? AND session = ? AND seq > ? ORDER BY seq LIMIT ?",
            (seq, session, -1 if last is None else last, limit + (last is None)),
        ).fetchall()
        return _turns(reader, connection, session, [row[0] for row in rows[last is None :]])


def members(
    reader: Reader, run_id: str, *, step: str | None = None, after: str | None = None, limit: int = 100
) -> list[Exchange]:
    """Return exchanges of a workflow or replay run, oldest first; `step` is what their step begins with.

    Raises UnknownId.
    """
    with reader.connection() as connection:
        run, _ = run_key(connection, run_id)
        last = -1 if after is None else exchange_key(connection, after)[0]
        only = "" if step is None else " AND substr(step, 1, length(?)) = ?"
        rows = connection.execute(
            f"SELECT seq FROM exchanges WHERE run = ? AND seq > ?{only} ORDER BY seq LIMIT ?",
            (run, last, *([] if step is None else [step, step]), limit),
        ).fetchall()
        return _exchanges(reader, connection, [row[0] for row in rows])


def step_sums(reader: Reader, run_id: str) -> dict[str, tuple[int, int, float]]:
    """Return exchanges, tokens and USD of a workflow run by the step its exchanges name. Raises UnknownId."""
    with reader.connection() as connection:
        run, _ = run_key(connection, run_id)
        rows = connection.execute(
            "SELECT step, count(*), coalesce(sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)), 0),"
            " coalesce(sum(cost_usd), 0.0) FROM exchanges WHERE run = ? AND step IS NOT NULL GROUP BY step",
            (run,),
        ).fetchall()
        return {row[0]: (row[1], row[2], row[3]) for row in rows}


def made_from(reader: Reader, run_id: str, *, limit: int = 100) -> list[Run]:
    """Return forks and replays of a run, oldest first. Raises UnknownId."""
    with reader.connection() as connection:
        _, full = run_key(connection, run_id)
        rows = connection.execute(
            f"{RUN_SELECT} WHERE r.parent = ? ORDER BY r.started_at, r.id LIMIT ?", (full, limit)
        ).fetchall()
        return [whole_run(connection, row) for row in rows]


def _thread(connection: sqlite3.Connection, session: int, start: int, limit: int) -> list[int]:
    """Return the turns of one conversation from `start` on, first continuations only."""
    return [row[0] for row in connection.execute(_THREAD, (start, session, limit)).fetchall()]


def _turns(reader: Reader, connection: sqlite3.Connection, session: int, seqs: Sequence[int]) -> list[Turn]:
    found = []
    for seq, exchange in zip(seqs, _exchanges(reader, connection, seqs), strict=True):
        ways = _continuations(connection, session, seq)
        found.append(Turn(exchange, max(0, ways - 1), ways > 0))
    return found


def _continuations(connection: sqlite3.Connection, session: int, seq: int) -> int:
    row = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM exchanges WHERE base = ? AND session = ? LIMIT ?)",
        (seq, session, COUNTED + 1),
    ).fetchone()
    return int(row[0])


def _exchanges(reader: Reader, connection: sqlite3.Connection, seqs: Sequence[int]) -> list[Exchange]:
    found = []
    for seq in seqs:
        row = connection.execute(f"{SELECT} WHERE e.seq = ?", (seq,)).fetchone()
        found.append(reader.seen(connection, read_exchange(row)))
    return found
