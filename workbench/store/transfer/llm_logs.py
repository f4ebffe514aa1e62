"""Reading ``logs.db`` of the `llm` command line tool (simonw/llm), up to its version 0.36.

`llm` keeps prompts and answers, not bytes: requests are rebuilt in the shape of chat completions, with the
turns that came before in the same conversation.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from workbench.domain.errors import UsageError
from workbench.domain.exchange import Exchange
from workbench.domain.ids import EXCHANGE, new_id
from workbench.domain.times import parse_iso
from workbench.store.connection import connect_reader
from workbench.store.transfer.record import Record

_NEEDED = {"id", "model", "prompt", "response", "datetime_utc"}
_COLUMNS = (
    "id", "model", "prompt", "system", "options_json", "response", "response_json", "conversation_id",
    "duration_ms",
    "datetime_utc", "input_tokens", "output_tokens",
)  # fmt: skip


def read_llm_logs(path: Path) -> Iterator[Record]:
    """Yield the logged responses, oldest first. Raises UsageError when it is no such database."""
    connection = connect_reader(path)
    try:
        present = {row[1] for row in connection.execute("PRAGMA table_info(responses)")}
        if not present >= _NEEDED:
            raise UsageError(
                f"{path} is no logs.db of llm that is known here (no "
                f"{', '.join(sorted(_NEEDED - present))} in responses)"
            )
        columns = ", ".join(name if name in present else f"NULL AS {name}" for name in _COLUMNS)
        connection.row_factory = sqlite3.Row
        history: dict[str, list[dict[str, str]]] = {}
        for row in connection.execute(f"SELECT {columns} FROM responses ORDER BY datetime_utc, id"):
            yield _record(dict(row), history)
    finally:
        connection.close()


def _record(row: dict[str, Any], history: dict[str, list[dict[str, str]]]) -> Record:
    started = parse_iso(_utc(str(row["datetime_utc"])))
    earlier = history.setdefault(row["conversation_id"], []) if row["conversation_id"] else []
    messages = list(earlier)
    if row["system"] and not messages:
        messages.append({"role": "system", "content": row["system"]})
    messages.append({"role": "user", "content": row["prompt"] or ""})
    answer = {"role": "assistant", "content": row["response"] or ""}
    earlier[:] = [*messages, answer]
    body = {"model": row["model"], "messages": messages, **_options(row["options_json"])}
    usage = {"prompt_tokens": row["input_tokens"], "completion_tokens": row["output_tokens"]}
    answered = {
        "id": row["id"],
        "object": "chat.completion",
        "model": row["model"],
        "choices": [{"index": 0, "message": answer, "finish_reason": "stop"}],
        **({"usage": usage} if row["input_tokens"] is not None else {}),
    }
    return Record(
        exchange=Exchange(
            id=new_id(EXCHANGE, started),
            started_at=started,
            endpoint="/v1/chat/completions",
            model=row["model"],
            provider="llm",
            status=200,
            state="complete",
            input_tokens=row["input_tokens"],
            output_tokens=row["output_tokens"],
            latency_ms=row["duration_ms"],
            finish_reason="stop",
            request_id=row["id"],
            tags=("imported",),
            client="llm",
        ),
        request_headers=[("content-type", "application/json")],
        request=msgspec.json.encode(body),
        response_headers=[("content-type", "application/json")],
        response=msgspec.json.encode(answered),
    )


def _utc(text: str) -> str:
    return text if text.endswith(("Z", "+00:00")) else text + "+00:00"


def _options(text: str | None) -> dict[str, Any]:
    try:
        options = msgspec.json.decode(text) if text else {}
    except msgspec.DecodeError:
        return {}
    return options if isinstance(options, dict) else {}
