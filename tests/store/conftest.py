"""Real store files with real exchanges in them."""

from __future__ import annotations

import itertools
import json

import pytest

from workbench.domain.exchange import Exchange, Write
from workbench.domain.ids import EXCHANGE, new_id
from workbench.settings.home import Home
from workbench.store.ingest import ExchangeWriter
from workbench.store.operations import Begin, Finish
from workbench.store.store import Store

START_US = 1_790_000_000_000_000
_counter = itertools.count()


class Bench:
    """A store and its writer, with short ways to put exchanges in."""

    def __init__(self, path):
        self.path = path
        self.writer = ExchangeWriter.open(path, instance="test")
        self.store = Store.open(path)
        self.at = START_US

    def close(self):
        self.writer.close()
        self.store.close()

    def exchange(self, **fields):
        self.at += 1_000_000
        at = fields.pop("started_at", self.at)
        values = {
            "endpoint": "/v1/chat/completions",
            "model": "demo",
            "state": "complete",
            "status": 200,
            **fields,
        }
        return Exchange(id=values.pop("id", None) or new_id(EXCHANGE, at), started_at=at, **values)

    def put(self, body=b"{}", answer=b"", *, headers=(), writes=None, attempts=(), **fields):
        exchange = self.exchange(**fields)
        exchange.latency_ms = exchange.latency_ms or 12.5
        begin = Begin(exchange=exchange, headers=list(headers), body=body)
        default = [Write(len(answer), 1000)] if answer else []
        finish = Finish(
            exchange=exchange,
            headers=[("content-type", "application/json")],
            body=answer,
            writes=default if writes is None else writes,
            attempts=list(attempts),
            begin=begin,
        )
        self.writer.apply([finish])
        return exchange

    def chat(self, messages, answer="", **fields):
        return self.put(chat_body(messages), answer_body(answer), **fields)


def chat_body(messages, **more):
    return json.dumps({"messages": messages, "model": "demo", **more}).encode()


def answer_body(text):
    message = {"role": "assistant", "content": text}
    return json.dumps({"id": f"c{next(_counter)}", "choices": [{"index": 0, "message": message}]}).encode()


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


@pytest.fixture
def bench(tmp_path):
    """An empty store in a home."""
    made = Bench(tmp_path / "artifacts" / "workbench.db")
    yield made
    made.close()


@pytest.fixture
def home(tmp_path):
    """The home that `bench` is in."""
    return Home(tmp_path)
