"""A home with as many exchanges as wanted, in seconds: some are recorded, the rest are copies of them."""

from __future__ import annotations

import json
import sqlite3
import time

from workbench.domain.exchange import Exchange, Write
from workbench.domain.ids import EXCHANGE, new_id
from workbench.store.ingest import ExchangeWriter
from workbench.store.operations import Begin, Finish

SEED = 1_000
BIG = 12_000_000
MODELS = ("gpt-small", "gpt-large", "claude", "deepseek", "local")


def ready(home, wanted):
    """Fill a home, or take the one that is there; its newest exchange has an answer of `BIG` bytes."""
    if not home.store.exists():
        fill(home, wanted)
    text = "0123456789 " * (BIG // 11)
    answer = json.dumps({"choices": [{"index": 0, "message": {"content": text}}]}).encode()
    record(home, [finish(exchange(now_us(), "big-body"), b"{}", answer)])


def now_us():
    return time.time_ns() // 1000


def exchange(at, model="gpt-small"):
    return Exchange(
        id=new_id(EXCHANGE, at), started_at=at, endpoint="/v1/chat/completions", model=model, status=200,
        state="complete", input_tokens=812, output_tokens=164, cost_usd=0.0021, latency_ms=840.0,
        ttft_ms=210.0, provider="openai", deployment="openai-a",
    )  # fmt: skip


def finish(made, body, answer):
    begin = Begin(exchange=made, headers=[("content-type", "application/json")], body=body)
    return Finish(exchange=made, headers=[], body=answer, writes=[Write(len(answer), 1000)], begin=begin)


def chat(number):
    question = f"Question {number}: how does one measure a terminal app?"
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": question}]}).encode()
    message = {"role": "assistant", "content": f"Answer {number}: with a pseudo-terminal and patience. " * 12}
    return body, json.dumps({"choices": [{"index": 0, "message": message}]}).encode()


def record(home, operations):
    writer = ExchangeWriter.open(home.store, instance="bench")
    writer.apply(operations)
    writer.close()


def fill(home, wanted):
    """Record some exchanges as a router would, then copy their rows until there are enough of them."""
    home.artifacts.mkdir(parents=True, exist_ok=True)
    now = now_us()
    made = [exchange(now - (SEED - n) * 1_000_000, MODELS[n % len(MODELS)]) for n in range(SEED)]
    record(home, [finish(each, *chat(n)) for n, each in enumerate(made)])
    copy_rows(home.store, wanted)


def copy_rows(path, wanted):
    """Multiply the exchanges' rows back in time; their bodies stay with the originals."""
    connection = sqlite3.connect(path)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(exchanges)")]
    changed = {
        "seq": "seq - (:n << 40)",
        "id": "substr(id, 1, 3) || printf('%010d', :n) || substr(id, 14)",
        "started_at": "started_at - (:n << 30)",
    }
    select = ", ".join(changed.get(name, name) for name in columns)
    sql = (
        f"INSERT INTO exchanges ({', '.join(columns)}) SELECT {select} FROM exchanges"
        " WHERE seq > :low AND seq <= :high"
    )
    low = connection.execute("SELECT min(seq) - 1 FROM exchanges").fetchone()[0]
    high = connection.execute("SELECT max(seq) FROM exchanges").fetchone()[0]
    with connection:
        for n in range(1, wanted // SEED):
            connection.execute(sql, {"n": n, "low": low, "high": high})
    connection.close()


def write_traffic(home):
    """Record 500 exchanges a second until told to stop."""
    writer = ExchangeWriter.open(home.store, instance="bench-traffic")
    number = 0
    while True:
        began = time.perf_counter()
        now = now_us()
        writer.apply([finish(exchange(now + n), *chat(number + n)) for n in range(25)])
        number += 25
        time.sleep(max(0.0, 0.05 - (time.perf_counter() - began)))
