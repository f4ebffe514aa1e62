"""Exchanges and runs as a router and a workflow would have recorded them, and ways to wait for the app."""

from __future__ import annotations

import asyncio
import json
import time

from workbench.domain.exchange import Attempt, Exchange, Write
from workbench.domain.run import Run, Step
from workbench.settings.home import Home
from workbench.store.ingest import ExchangeWriter
from workbench.store.operations import AttemptRecord, Begin, Finish
from workbench.store.store import Store

START_US = 1_790_000_000_000_000
NOW_US = START_US + 600_000_000
PATIENCE_S = 10.0
CHAT = "/v1/chat/completions"


class Recorded:
    """A home's store, with short ways to put things in."""

    def __init__(self, home: Home):
        home.artifacts.mkdir(parents=True)
        self.home = home
        self.writer = ExchangeWriter.open(home.store, instance="test")
        self.store = Store.open(home.store)
        self.number = 0

    def close(self):
        self.writer.close()
        self.store.close()

    def put(self, body=b"{}", answer=b"", *, headers=(), writes=None, attempts=(), **fields):
        """Record a finished exchange; ids and times count up."""
        self.number += 1
        at = START_US + self.number * 1_000_000
        values = {
            "id": f"ex_{self.number:018d}",
            "started_at": at,
            "endpoint": CHAT,
            "model": "demo",
            "provider": "demo",
            "deployment": "demo:builtin",
            "state": "complete",
            "status": 200,
            "latency_ms": 12.5,
            "ttft_ms": 4.0,
            **fields,
        }
        exchange = Exchange(**values, attempts=len(attempts))
        begin = Begin(
            exchange=exchange, headers=list(headers) or [("content-type", "application/json")], body=body
        )
        self.writer.apply(
            [
                Finish(
                    exchange=exchange,
                    headers=[("content-type", "application/json"), ("x-workbench-attempts", "1")],
                    body=answer,
                    writes=[Write(len(answer), 4000)] if writes is None and answer else writes or [],
                    attempts=list(attempts),
                    begin=begin,
                )
            ]
        )
        return exchange

    def chat(self, question, answer="", **fields):
        """Record a chat of one question and its answer."""
        body = {"model": fields.get("model", "demo"), "messages": [{"role": "user", "content": question}]}
        tokens = {"input_tokens": len(question) // 4, "output_tokens": len(answer) // 4, "cost_usd": 0.0012}
        return self.put(json.dumps(body).encode(), answered(answer), **{**tokens, **fields})

    def failed(self, question="are you there?", **fields):
        """Record a chat that no deployment answered."""
        error = {"error": {"message": "upstream timed out", "code": "timeout"}}
        attempt = Attempt(
            number=1,
            deployment="openai-a",
            provider="openai",
            model="gpt-x",
            started_at=START_US + (self.number + 1) * 1_000_000 + 2_000,
            latency_ms=900.0,
            status=None,
            error="no answer within 0.9 s",
            error_code="timeout",
            reason="simple-shuffle 1 of 1",
        )
        body = {"model": "gpt-x", "messages": [{"role": "user", "content": question}]}
        return self.put(
            json.dumps(body).encode(),
            json.dumps(error).encode(),
            attempts=[AttemptRecord(attempt=attempt)],
            **{
                "model": "gpt-x",
                "provider": "openai",
                "deployment": "openai-a",
                "status": 504,
                "state": "failed",
                "error": "upstream timed out",
                "error_code": "timeout",
                "latency_ms": 950.0,
                **fields,
            },
        )

    def run(self, title="a slug library", *, status="passed", kind="workflow", **fields):
        """Record a run with a plan step."""
        self.number += 1
        at = START_US + self.number * 1_000_000
        values = {
            "id": f"run_{self.number:018d}",
            "kind": kind,
            "title": title,
            "status": status,
            "started_at": at,
            "ended_at": at + 8_370_000 if status not in {"running", "waiting"} else None,
            "recipe": "python-lib",
            "model": "demo",
            "brief": title,
            **fields,
        }
        run = Run(**values)
        self.store.create_run(run)
        if kind == "workflow":
            self.store.put_step(
                Step(
                    run=run.id,
                    seq=1,
                    kind="plan",
                    name="plan",
                    status="passed",
                    started_at=at,
                    ended_at=at + 1_000_000,
                )
            )
        return run

    def events(self, run, events):
        """Write a run's events file."""
        from workbench.domain.events import encode

        folder = self.home.runs / run.id
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "events.jsonl").open("ab") as file:
            for event in events:
                event.run, event.at = run.id, event.at or "2026-09-21T13:46:50.000Z"
                file.write(encode(event))


def answered(text, **more):
    """Return the body of a plain chat answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({"id": "chatcmpl-1", "model": "demo", "choices": [choice], **more}).encode()


async def until(pilot, condition, what="the screen"):
    """Let the app work until `condition` holds; its patience is for busy machines, no test measures it."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        await asyncio.sleep(0.01)
        if condition():
            await pilot.pause()
            return
    seen = screen_text(pilot.app)
    raise AssertionError(f"waited in vain for {what}; the screen shows:\n{seen}")


def screen_text(app):
    """Return what is on the screen as lines of text."""
    width, height = app.size
    rows = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in row)[:width].rstrip() for row in rows[:height])


async def at_rest(pilot):
    """Wait until nothing is read any more and the screen has been the same for a while."""
    app, seen, same = pilot.app, "", 0
    deadline = time.monotonic() + PATIENCE_S
    while same < 4 and time.monotonic() < deadline:
        await pilot.pause(0.12)
        busy = any(worker.is_running for worker in app.workers)
        now = screen_text(app)
        same = same + 1 if now == seen and not busy else 0
        seen = now


async def told(pilot, text):
    """Wait until a toast has said it; tests run without drawing them."""
    await until(
        pilot, lambda: any(text in notice.message for notice in pilot.app._notifications), f"a toast: {text}"
    )


async def shows(pilot, *texts):
    """Wait until every text is on the screen."""
    await until(pilot, lambda: all(text in screen_text(pilot.app) for text in texts), str(texts))
