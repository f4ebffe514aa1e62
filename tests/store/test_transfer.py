"""Files out and in again: nothing is lost that the format can hold, and no secret leaves."""

from __future__ import annotations

import io
import json
import sqlite3

import pytest

from workbench.domain.errors import UsageError
from workbench.domain.exchange import Attempt, Write
from workbench.domain.run import Run, Step
from workbench.store.operations import AttemptRecord
from workbench.store.store import Store
from workbench.store.transfer.cassette import read_cassette, write_cassette
from workbench.store.transfer.copying import Copied, chosen, import_items, records, with_runs
from workbench.store.transfer.har import read_har, write_har
from workbench.store.transfer.jsonl import read_jsonl, write_jsonl
from workbench.store.transfer.llm_logs import read_llm_logs
from workbench.store.transfer.otel import write_otel
from workbench.store.verification import verify

from .conftest import answer_body, chat_body, user

RUN = "run_01k9aaaaaabbbbbbbb"


@pytest.fixture
def filled(bench):
    """A run with a step, exchanges with attempts, odd bytes, marks and a stream with its timing."""
    bench.store.create_run(
        Run(
            id=RUN, kind="workflow", title="a slug library", status="passed", started_at=bench.at, pinned=True
        )
    )
    bench.store.put_step(
        Step(run=RUN, seq=1, kind="plan", name="plan", status="passed", detail={"tokens": 3})
    )
    attempt = Attempt(number=1, deployment="d", provider="p", model="m", started_at=1, has_response=True)
    bench.put(
        chat_body([user("hello")]),
        b'data: {"a": 1}\n\ndata: [DONE]\n\n',
        run=RUN,
        stream=True,
        writes=[Write(16, 1000), Write(14, 90_000)],
        ttft_ms=1.0,
    )
    bench.put(
        b"\xff\x00odd",
        b"\x80\x81",
        tags=("x", "y"),
        note="a note",
        pinned=True,
        attempts=[AttemptRecord(attempt=attempt, response=b"upstream's own")],
    )
    bench.put(chat_body([user("bye")]), answer_body("farewell"), cost_usd=0.25, input_tokens=7)
    return bench


def everything(store):
    out = []
    for item in store.exchanges(limit=100).items:
        item.instance = ""
        out.append(
            (
                item,
                store.headers(item.id, "request"),
                store.body(item.id, "request"),
                store.headers(item.id, "response"),
                store.body(item.id, "response"),
                store.writes(item.id),
                [
                    (attempt, store.attempt_body(item.id, attempt.number, "response"))
                    for attempt in store.attempts(item.id)
                ],
            )
        )
    return out


def found(store):
    return records(store, chosen(store, ""), Copied())


def test_a_cassette_is_the_same_in_another_store(filled, tmp_path):
    """Runs, steps, exchanges, bytes, timing, marks: all of it travels."""
    out = io.BytesIO()
    assert write_cassette(with_runs(filled.store, found(filled.store), Copied()), out) == 3
    target = tmp_path / "other" / "workbench.db"
    copied = import_items(target, read_cassette(io.BytesIO(out.getvalue()), "c"))
    assert (copied.exchanges, copied.runs, copied.known) == (3, 1, 0)
    with Store.open(target) as other:
        assert everything(other) == everything(filled.store)
        assert other.run(RUN) == filled.store.run(RUN)
        assert other.steps(RUN) == filled.store.steps(RUN)
        assert verify(other).sound
    again = import_items(target, read_cassette(io.BytesIO(out.getvalue()), "c"))
    assert (again.exchanges, again.known) == (0, 3)


def test_jsonl_comes_back_and_reads_well(filled, tmp_path):
    """A line holds the whole exchange, and the words of both sides for people."""
    out = io.BytesIO()
    assert write_jsonl(found(filled.store), out) == 3
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert (lines[0]["answer"], lines[0]["messages"]) == ("farewell", [{"role": "user", "text": "bye"}])
    target = tmp_path / "other.db"
    import_items(target, read_jsonl(io.BytesIO(out.getvalue()), "j"))
    with Store.open(target) as other:
        assert [item[:6] for item in everything(other)] == [item[:6] for item in everything(filled.store)]


def test_har_comes_back(filled, tmp_path):
    """A HAR file holds everything but the attempts."""
    out = io.BytesIO()
    write_har(found(filled.store), out)
    log = json.loads(out.getvalue())["log"]
    assert log["version"] == "1.2"
    assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= set(log["entries"][0])
    target = tmp_path / "other.db"
    import_items(target, read_har(io.BytesIO(out.getvalue()), "h"))
    with Store.open(target) as other:
        for mine, theirs in zip(everything(other), everything(filled.store), strict=True):
            theirs[0].attempts = 0
            assert mine[:6] == theirs[:6]


def test_a_foreign_har_gives_its_model_calls_only(tmp_path):
    """What a browser recorded besides is left alone."""

    def entry(url, method="POST"):
        return {
            "startedDateTime": "2026-11-20T10:00:00.000Z",
            "time": 12,
            "request": {
                "method": method,
                "url": url,
                "headers": [{"name": "Authorization", "value": "Bearer x"}],
                "postData": {"mimeType": "application/json", "text": '{"model": "gpt", "stream": true}'},
            },
            "response": {"status": 200, "headers": [], "content": {"text": "aGk=", "encoding": "base64"}},
        }

    har = {
        "log": {
            "entries": [
                entry("https://api.openai.com/v1/chat/completions"),
                entry("https://x.org/a.png", "GET"),
                entry("https://x.org/"),
            ]
        }
    }
    target = tmp_path / "other.db"
    copied = import_items(target, read_har(io.BytesIO(json.dumps(har).encode()), "h"))
    assert copied.exchanges == 1
    with Store.open(target) as other:
        item = other.exchanges().items[0]
        assert (item.model, item.provider, item.stream, item.status) == ("gpt", "api.openai.com", True, 200)
        assert other.body(item.id, "response") == b"hi"
        assert other.headers(item.id, "request") == [("Authorization", "Bearer [redacted]")]


def test_spans_follow_the_conventions(filled):
    """Name, kind, usage and errors are where OpenTelemetry looks for them; words only when asked for."""
    out = io.BytesIO()
    write_otel(found(filled.store), out)
    spans = json.loads(out.getvalue())["resourceSpans"][0]["scopeSpans"][0]["spans"]
    named = {item["key"]: item["value"] for item in spans[0]["attributes"]}
    assert (spans[0]["name"], spans[0]["kind"]) == ("chat demo", 3)
    assert named["gen_ai.usage.input_tokens"] == {"intValue": "7"}
    assert b"farewell" not in out.getvalue()
    full = io.BytesIO()
    write_otel(found(filled.store), full, content=True)
    assert b"farewell" in full.getvalue()


@pytest.mark.parametrize("write", [write_cassette, write_jsonl, write_har, write_otel])
def test_secrets_are_not_exported(bench, write):
    """Even what was recorded with redaction off stays at home."""
    import zstandard

    key = "sk-proj-" + "A1b2C3d4" * 4
    bench.writer._requests._redacting = bench.writer._answers._redacting = False
    put = bench.put(chat_body([user(key)]), key.encode(), headers=[("authorization", f"Bearer {key}")])
    assert key.encode() in bench.store.body(put.id, "request")
    out = io.BytesIO()
    options = {"content": True} if write is write_otel else {}
    write(found(bench.store), out, **options)
    data = out.getvalue()
    if write is write_cassette:
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    assert b"sk-proj-" not in data
    assert b"[redacted" in data


def test_conversations_of_llm_become_sessions(tmp_path):
    """logs.db of the llm tool: each response is an exchange, each conversation a session."""
    logs = tmp_path / "logs.db"
    with sqlite3.connect(logs) as db:
        db.execute(
            "CREATE TABLE responses (id TEXT, model TEXT, prompt TEXT, system TEXT, prompt_json "
            "TEXT, options_json TEXT,"
            " response TEXT, response_json TEXT, conversation_id TEXT, duration_ms INTEGER, "
            "datetime_utc TEXT,"
            " input_tokens INTEGER, output_tokens INTEGER)"
        )
        db.executemany(
            "INSERT INTO responses VALUES (?, 'gpt', ?, 'be brief', NULL, '{\"temperature\": 0}', ?, "
            "NULL, 'c1', 900, ?, 5, 6)",
            [
                (
                    "a",
                    "what is a slug, and where does it live",
                    "a snail",
                    "2026-01-01T10:00:00.123456+00:00",
                ),
                ("b", "and a snail", "a slug with a house", "2026-01-01T10:01:00.123456+00:00"),
            ],
        )
    target = tmp_path / "other.db"
    assert import_items(target, read_llm_logs(logs)).exchanges == 2
    with Store.open(target) as other:
        second, first = other.exchanges().items
        assert second.session is not None
        assert second.session == first.session
        assert (second.input_tokens, second.latency_ms, second.request_id) == (5, 900.0, "b")
        messages = json.loads(other.body(second.id, "request"))["messages"]
        assert [item["role"] for item in messages] == ["system", "user", "assistant", "user"]
        assert [item.id for item in other.exchanges("text:house").items] == [second.id]


@pytest.mark.parametrize("data", [b"", b"not a cassette", b"\x28\xb5\x2f\xfd\x00"])
def test_other_files_are_refused(data):
    """A file that is no cassette is said to be none."""
    with pytest.raises(UsageError, match=r"x\.cassette"):
        list(read_cassette(io.BytesIO(data), "x.cassette"))


def test_a_cut_cassette_gives_what_is_whole_and_says_so(filled):
    """What came before the damage is read."""
    out = io.BytesIO()
    write_cassette(found(filled.store), out)
    with pytest.raises(UsageError, match=r"damaged|middle|no cassette"):
        list(read_cassette(io.BytesIO(out.getvalue()[:-20]), "x.cassette"))
