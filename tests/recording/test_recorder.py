"""The recorder against a real store file."""

from __future__ import annotations

import time

from workbench.domain.exchange import Attempt, Exchange
from workbench.domain.ids import EXCHANGE, new_id
from workbench.recording.recorder import Recorder
from workbench.settings.sections import RecordingSettings
from workbench.store.store import Reader


def exchange(**fields):
    now = time.time_ns() // 1000
    return Exchange(
        id=new_id(EXCHANGE, now),
        started_at=now,
        **{"endpoint": "/v1/chat/completions", "model": "demo", **fields},
    )


async def test_commit_returns_once_the_exchange_is_in_the_store(tmp_path):
    """What commit promises: another process can read row, bodies, headers, timing and attempts."""
    path = tmp_path / "artifacts" / "workbench.db"
    recorder = Recorder(path, RecordingSettings(), instance="i1")
    await recorder.start()
    assert recorder.state.status == "ok"
    body = b'{"messages": [{"role": "user", "content": "hello there, what is a slug?"}], "model": "demo"}'
    recording = recorder.open(exchange(), [("Authorization", "Bearer sk-secret"), ("X-A", "b")], body)
    recording.attempt(
        Attempt(number=1, deployment="demo", provider="demo", model="demo", started_at=1, status=200)
    )
    recording.response_headers = [("content-type", "application/json")]
    recording.exchange.status = 200
    recording.write(b'{"choices": [{"message": {"role": "assistant", ')
    recording.write(b'"content": "A slug is a mollusc."}, "finish_reason": "stop"}]}')
    assert await recording.commit()
    with Reader.open(path) as reader:
        found = reader.exchange(recording.exchange.id)
        assert (found.state, found.status, found.attempts, found.finish_reason) == (
            "complete",
            200,
            1,
            "stop",
        )
        assert reader.body(found.id, "request") == body
        assert reader.headers(found.id, "request") == [("Authorization", "Bearer [redacted]"), ("X-A", "b")]
        assert reader.headers(found.id, "response") == [("content-type", "application/json")]
        assert [write.length for write in reader.writes(found.id)] == [47, 62]
        assert len(reader.body(found.id, "response")) == 109
        assert reader.attempts(found.id)[0].status == 200
        assert [item.id for item in reader.exchanges("text:mollusc").items] == [found.id]
        assert reader.exchanges("text:snail").items == []
        assert found.redactions == ("header:authorization",)
    await recorder.close()
    assert recorder.state.committed == 1
