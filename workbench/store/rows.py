"""Exchanges, attempts, runs and steps as rows, and back."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import msgspec

from workbench.domain.exchange import Attempt, Exchange, Headers
from workbench.domain.run import Run, Step

SEQ_SHIFT = 10
"""`exchanges.seq` is `started_at << SEQ_SHIFT` plus a small number."""
MAX_STARTED = (1 << 63 - SEQ_SHIFT) - 1

_COMMON = (
    "id", "endpoint", "model", "deployment", "provider", "status", "state", "stream", "cache", "input_tokens",
    "output_tokens", "usage_estimated", "cost_usd", "attempts", "tenant", "pinned", "request_bytes",
    "response_bytes", "finish_reason", "client",
)  # fmt: skip
_RARE = (
    "cached_tokens", "cache_write_tokens", "reasoning_tokens", "step", "replay_of", "note", "name",
    "error_code", "error", "request_id",
)  # fmt: skip
_PLAIN = (*_COMMON, *_RARE)
"""Columns whose value is the field's own."""
_GET_COMMON = attrgetter(*_COMMON)
_GET_RARE = attrgetter(*_RARE)
_FLAGS = ("stream", "usage_estimated", "pinned")
_FLAGS_AT = tuple(_COMMON.index(name) for name in _FLAGS)
_LISTS = ("tags", "tools", "redactions")
# `run`, `session` and `instance` hold the key of another table's row; resolved by the caller.
_SHORT = (*_COMMON, "redactions", "latency_us", "ttft_us", "session", "instance")
COLUMNS = (*_SHORT, *_RARE, "tags", "tools", "run")
_NOTHING = [None] * (len(COLUMNS) - len(_SHORT))


def _insert(columns: tuple[str, ...]) -> str:
    return (
        f"INSERT INTO exchanges (seq, context, base, {', '.join(columns)})"
        f" VALUES ({', '.join('?' * (len(columns) + 3))})"
    )


INSERT = _insert(COLUMNS)
INSERT_SHORT = _insert(_SHORT)
"""For rows whose further columns are all null, which is most: binding a null costs as much as a number."""
# What people set while an exchange runs (tags, note, name, pinned) stays as it is in the store.
_OWN = ("tags", "note", "name", "pinned")
# What is stored of the request was counted when its row was inserted.
UPDATED = tuple(column for column in COLUMNS if column not in {*_OWN, "id", "request_bytes"})
UPDATE = f"UPDATE exchanges SET {', '.join(f'{c} = ?' for c in UPDATED)} WHERE seq = ?"
SELECT = (
    f"SELECT e.seq, {', '.join(f'e.{c}' for c in (*_PLAIN, *_LISTS, 'latency_us', 'ttft_us'))},"
    " (SELECT id FROM runs WHERE seq = e.run), (SELECT id FROM runs WHERE seq = e.session),"
    " (SELECT name FROM instances WHERE seq = e.instance) FROM exchanges AS e"
)


def exchange_values(
    exchange: Exchange, run: int | None, session: int | None, instance: int | None
) -> list[Any]:
    """Return the values of `COLUMNS`."""
    values: list[Any] = list(_GET_COMMON(exchange))
    for place in _FLAGS_AT:
        # The module asks every value that is not of a plain type whether it knows how to be stored.
        values[place] = int(values[place])
    values += (
        pack_list(exchange.redactions),
        to_us(exchange.latency_ms),
        to_us(exchange.ttft_ms),
        session,
        instance,
    )
    values += _GET_RARE(exchange)
    values += (pack_list(exchange.tags), pack_list(exchange.tools), run)
    return values


def short_values(values: list[Any]) -> list[Any] | None:
    """Return those of `exchange_values` that `INSERT_SHORT` takes; None if there are more."""
    return values[: len(_SHORT)] if values[len(_SHORT) :] == _NOTHING else None


_UPDATED_AT = tuple(COLUMNS.index(column) for column in UPDATED)


def updated_values(values: list[Any]) -> list[Any]:
    """Return those of `exchange_values` that an update sets."""
    return [values[index] for index in _UPDATED_AT]


def read_exchange(row: tuple[Any, ...]) -> Exchange:
    """Return the exchange of one row of `SELECT`."""
    fields: dict[str, Any] = dict(zip(_PLAIN, row[1:], strict=False))
    rest = row[1 + len(_PLAIN) :]
    for name, value in zip(_LISTS, rest, strict=False):
        fields[name] = unpack_list(value)
    for name in _FLAGS:
        fields[name] = bool(fields[name])
    latency, ttft, run, session, instance = rest[len(_LISTS) :]
    return Exchange(
        **fields,
        started_at=row[0] >> SEQ_SHIFT,
        redacted=bool(fields["redactions"]),
        latency_ms=to_ms(latency),
        ttft_ms=to_ms(ttft),
        run=run,
        session=session,
        instance=instance or "",
    )


def to_us(ms: float | None) -> int | None:
    """Milliseconds to whole microseconds."""
    return None if ms is None else round(ms * 1000)


def to_ms(us: int | None) -> float | None:
    """Microseconds to milliseconds."""
    return None if us is None else us / 1000


def pack_list(items: tuple[str, ...]) -> str | None:
    """Return a JSON array, or None for nothing."""
    return msgspec.json.encode(items).decode() if items else None


def unpack_list(text: str | None) -> tuple[str, ...]:
    """Return the strings of a JSON array."""
    return tuple(msgspec.json.decode(text, type=list[str])) if text else ()


BODY_INSERT = (
    "INSERT OR REPLACE INTO bodies (exchange, part, size, crc, chunks, headers, timing)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
ROUTE_COLUMNS = ("deployment", "provider", "model", "url")
ATTEMPT_COLUMNS = ("number", "started_at", "ended_at", "status", "error_code", "error", "reason")
_ATTEMPT = attrgetter(*ATTEMPT_COLUMNS)
ATTEMPT_INSERT = (
    f"INSERT OR REPLACE INTO attempts (exchange, route, {', '.join(ATTEMPT_COLUMNS)}, ttft_us, latency_us,"
    f" headers) VALUES ({', '.join('?' * (len(ATTEMPT_COLUMNS) + 5))})"
)
ATTEMPT_SELECT = (
    f"SELECT {', '.join(ROUTE_COLUMNS)}, {', '.join(ATTEMPT_COLUMNS)}, ttft_us, latency_us, headers"
    " FROM attempts JOIN routes ON routes.id = attempts.route"
)


def attempt_values(seq: int, route: int, attempt: Attempt, headers: bytes | None) -> list[Any]:
    """Return the values of `ATTEMPT_INSERT`."""
    return [seq, route, *_ATTEMPT(attempt), to_us(attempt.ttft_ms), to_us(attempt.latency_ms), headers]


def read_attempt(row: tuple[Any, ...], headers: Headers, parts: frozenset[int]) -> Attempt:
    """Return the attempt of one row of `ATTEMPT_SELECT`; `parts` are the exchange's stored bodies."""
    fields = dict(zip((*ROUTE_COLUMNS, *ATTEMPT_COLUMNS), row, strict=False))
    ttft, latency = row[-3:-1]
    number = fields["number"]
    return Attempt(
        **fields,
        ttft_ms=to_ms(ttft),
        latency_ms=to_ms(latency),
        response_headers=headers,
        has_request=2 * number in parts,
        has_response=2 * number + 1 in parts,
    )


RUN_COLUMNS = (
    "id", "kind", "title", "status", "started_at", "ended_at", "recipe", "model", "brief", "parent", "tenant",
    "path", "pid", "pid_started", "stop_reason", "pinned", "name", "note",
)  # fmt: skip
RUN_SELECT = (
    f"SELECT r.seq, r.last_at, r.tags, {', '.join(f'r.{c}' for c in RUN_COLUMNS)},"
    " (SELECT count(*) FROM steps WHERE run = r.seq) FROM runs AS r"
)
RUN_INSERT = (
    f"INSERT INTO runs ({', '.join(RUN_COLUMNS)}, tags, last_at)"
    f" VALUES ({', '.join('?' * (len(RUN_COLUMNS) + 2))})"
)


def run_values(run: Run) -> list[Any]:
    """Return the values of `RUN_INSERT`."""
    return [*(getattr(run, name) for name in RUN_COLUMNS), pack_list(run.tags), run.started_at]


def read_run(row: tuple[Any, ...]) -> Run:
    """Return the run of one row of `RUN_SELECT`, without the sums over its exchanges."""
    fields: dict[str, Any] = dict(zip(RUN_COLUMNS, row[3:], strict=False))
    fields["pinned"] = bool(fields["pinned"])
    return Run(**fields, tags=unpack_list(row[2]), steps=row[3 + len(RUN_COLUMNS)])


STEP_COLUMNS = ("seq", "kind", "name", "status", "started_at", "ended_at", "input_hash", "output_hash")
STEP_UPSERT = (
    f"INSERT OR REPLACE INTO steps (run, {', '.join(STEP_COLUMNS)}, detail) "
    f"VALUES ({', '.join('?' * (len(STEP_COLUMNS) + 2))})"
)


def step_values(run: int, step: Step) -> list[Any]:
    """Return the values of `STEP_UPSERT`."""
    detail = msgspec.json.encode(step.detail).decode() if step.detail else None
    return [run, *(getattr(step, name) for name in STEP_COLUMNS), detail]


def read_step(run: str, row: tuple[Any, ...]) -> Step:
    """Return the step of one row: `STEP_COLUMNS`, then detail."""
    detail = msgspec.json.decode(row[-1]) if row[-1] else {}
    return Step(run=run, detail=detail, **dict(zip(STEP_COLUMNS, row, strict=False)))
