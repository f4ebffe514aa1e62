"""What the snapshots show: for each scene what is recorded, the keys, and what is waited for."""

from __future__ import annotations

import json

from tests.tui.builders import CHAT, NOW_US, START_US, answered, at_rest, shows
from workbench.domain import events as ev
from workbench.domain.exchange import Attempt, Write
from workbench.domain.run import Step
from workbench.store.operations import AttemptRecord
from workbench.tui.messages import RouterChanged, RouterStatus

ANSWER = """\
A **monad** is a way to chain steps that each return something wrapped.

```python
def bind(value, step):
    return None if value is None else step(value)
```

- `None` ends the chain
- everything else goes on
"""


def traffic(recorded):
    """Exchanges of several kinds: plain, streamed, failed, interrupted, with tools, replayed, tagged."""
    recorded.chat("what is a monad?", ANSWER, model="claude-sonnet", provider="anthropic", latency_ms=2140.0)
    recorded.failed("are you there?")
    streamed(recorded)
    first = recorded.chat("translate 'tree' to Japanese", "木 (き, ki)", model="gpt-mini", provider="openai")
    recorded.chat("translate 'tree' to Japanese", "木", model="demo", replay_of=first.id)
    recorded.chat("long story", "Once upon", state="interrupted", model="deepseek-chat", provider="deepseek")
    recorded.put(
        json.dumps({"model": "embed", "input": ["one", "two"]}).encode(),
        json.dumps({"data": [{"embedding": [0.1]}, {"embedding": [0.2]}]}).encode(),
        endpoint="/v1/embeddings",
        model="embed",
    )
    tools(recorded)
    recorded.store.set_pinned(first.id, True)
    recorded.store.tag(first.id, "golden")


def tools(recorded):
    """A conversation with a tool call, its result and reasoning."""
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city":"Oslo","days":2}'},
    }
    messages = [
        {"role": "system", "content": "You answer briefly."},
        {"role": "user", "content": "Do I need an umbrella in Oslo tomorrow?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "rain, 8 °C"},
    ]
    message = {
        "role": "assistant",
        "content": "Yes: rain is expected.",
        "reasoning_content": "Rain means umbrella.",
    }
    answer = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    recorded.put(
        json.dumps({"model": "gpt-mini", "messages": messages, "temperature": 0}).encode(),
        json.dumps(answer).encode(),
        model="gpt-mini",
        provider="openai",
        input_tokens=84,
        output_tokens=7,
        cost_usd=0.00021,
        latency_ms=812.0,
        finish_reason="stop",
    )


def streamed(recorded):
    """A streamed answer after one failed attempt."""
    words = ["The", " answer", " is", " forty", "-two", "."]
    events = [json.dumps({"choices": [{"index": 0, "delta": {"content": word}}]}) for word in words]
    chunks = [f"data: {event}\n\n".encode() for event in [*events, "[DONE]"]]
    at = START_US + (recorded.number + 1) * 1_000_000
    attempts = [
        Attempt(
            number=1, deployment="deepseek-a", provider="deepseek", model="deepseek-v3",
            started_at=at + 3_000, latency_ms=210.0, status=503, error="overloaded",
            error_code="upstream_error", reason="weight 2 of 3",
        ),
        Attempt(
            number=2, deployment="deepseek-b", provider="deepseek", model="deepseek-v3",
            started_at=at + 220_000, latency_ms=680.0, ttft_ms=160.0, status=200,
            reason="retry: the next deployment",
        ),
    ]  # fmt: skip
    recorded.put(
        json.dumps(
            {"model": "deepseek-chat", "stream": True, "messages": [{"role": "user", "content": "and?"}]}
        ).encode(),
        b"".join(chunks),
        writes=[Write(len(chunk), 380_000 + 80_000 * number) for number, chunk in enumerate(chunks)],
        attempts=[AttemptRecord(attempt=attempt) for attempt in attempts],
        endpoint=CHAT,
        model="deepseek-chat",
        provider="deepseek",
        deployment="deepseek-b",
        stream=True,
        input_tokens=11,
        output_tokens=6,
        latency_ms=900.0,
        ttft_ms=380.0,
    )


def pair(recorded):
    """Two answers to one question."""
    recorded.put(b'{"model":"demo","messages":[]}', answered("The quick brown fox\njumps over the dog."))
    recorded.put(b'{"model":"demo","messages":[]}', answered("The slow brown fox\njumps over the cat."))


def answers(recorded):
    """The same question, answered by four models."""
    question = "what is a monad?"
    recorded.chat(question, ANSWER, model="claude-sonnet", provider="anthropic", latency_ms=2140.0)
    recorded.chat(question, ANSWER.replace("steps", "functions"), model="gpt-mini", latency_ms=812.0)
    recorded.chat(question, "Burritos.", model="demo", latency_ms=9.0, cost_usd=0.0)
    recorded.failed(question)


def day(recorded):
    """A day's traffic of three models and two tenants, busier and slower towards noon."""
    models = ("gpt-mini", "claude-sonnet", "gpt-mini", "deepseek-chat")
    for quarter in range(96):
        for number in range(1 + (48 - abs(48 - quarter)) // 8):
            place = quarter * 7 + number
            recorded.put(
                b"{}",
                answered("ok"),
                started_at=NOW_US - (96 - quarter) * 900_000_000 + number * 60_000_000,
                model=models[place % 4],
                tenant=("default", "research")[place % 3 == 0],
                input_tokens=400 + place * 37 % 900,
                output_tokens=60 + place * 13 % 200,
                cost_usd=0.0004 * (1 + place % 4),
                latency_ms=300.0 + quarter * (96 - quarter) / 4 + place * 53 % 700,
                status=504 if place % 41 == 0 else 200,
            )


def retention(recorded):
    """Old exchanges, of which one is pinned."""
    recorded.home.settings_file.write_text("retention:\n  max_age: 30d\n")
    day(recorded)
    for number in range(12):
        at = NOW_US - (40 + number) * 86_400_000_000
        recorded.chat(f"an old question, {number}", "an old answer " * 40, started_at=at)


def deployment(provider, model, requests, p50, *, state="closed", **more):
    """Return what the router says of one deployment."""
    return {
        "id": f"{provider}:{model}", "provider": provider, "model": model, "state": state,
        "enabled": state != "disabled", "in_flight": requests % 3, "requests": requests,
        "failures": requests // 60, "latency_p50_ms": p50, "latency_p95_ms": p50 * 2.4,
        "ttft_p50_ms": p50 / 3, **more,
    }  # fmt: skip


ROUTER = RouterStatus(
    state="ok",
    base_url="http://127.0.0.1:4000",
    pid=4711,
    version="1.0",
    recording="ok",
    in_flight=3,
    cost_today_usd=1.2345,
    profile="balanced",
    tenants=2,
    uptime_s=7_260.0,
    groups=(
        {"name": "gpt-mini", "deployments": [
            deployment("openai", "gpt-4.1-mini", 1210, 640.0),
            deployment("azure", "gpt-4.1-mini", 310, 890.0, state="open", last_error="503: overloaded"),
        ]},
        {"name": "claude-sonnet", "deployments": [deployment("anthropic", "claude-sonnet-4-5", 412, 2140.0)]},
        {"name": "deepseek-chat", "deployments": [
            deployment("deepseek", "deepseek-chat", 0, 0.0, state="disabled",
                       disabled_reason="DEEPSEEK_API_KEY is not set"),
        ]},
        {"name": "demo", "deployments": [deployment("demo", "builtin", 8, 12.0)]},
    ),
)  # fmt: skip
"""A router with something to tell."""
WITH_ROUTER = frozenset({"router"})
"""Scenes that see that router."""


async def play(pilot, scene):
    """Press a scene's keys once the app is up, an empty group being a wait, and wait until it rests."""
    _, keys, texts = SCENES[scene]
    await shows(pilot, "router not running")
    if scene in WITH_ROUTER:
        pilot.app._router_watch.stop()
        pilot.app.post_message(RouterChanged(ROUTER))
        await shows(pilot, "● recording")
    await at_rest(pilot)
    for group in keys:
        if group:
            await pilot.press(*group)
            await pilot.pause()
        else:
            await at_rest(pilot)
    await shows(pilot, *texts)
    await at_rest(pilot)


PLAN = {
    "schema_version": 1,
    "summary": "URL-safe slugs of at most 60 characters.",
    "recipe": "python-lib",
    "files": [
        {"path": "src/slug/slug.py", "action": "create", "purpose": "The function", "depends_on": []},
        {
            "path": "tests/test_slug.py",
            "action": "create",
            "purpose": "Its promises",
            "depends_on": [],
        },
    ],
    "acceptance": ["accents are dropped", "words are joined by '-'"],
}


def begun(waiting=False):
    """The events of a run up to its plan."""
    return [
        ev.RunStarted(
            title="a slug library", recipe="python-lib", model="demo", brief="a slug library with tests"
        ),
        ev.StepStarted(seq=1, kind="plan", name="plan"),
        ev.PlanReady(plan=PLAN, hash="h"),
        *([ev.PlanWaiting()] if waiting else []),
    ]


def run_waiting(recorded):
    """A run that waits for its plan to be accepted."""
    recorded.events(recorded.run("a slug library", status="waiting"), begun(waiting=True))


def run_done(recorded):
    """A run whose gates passed after one repair."""
    recorded.run("customer questions, Tuesday", kind="session", status="open")
    recorded.run("2 exchanges again", kind="replay")
    run = recorded.run("a slug library")
    recorded.events(
        run,
        [
            *begun(),
            ev.StepFinished(seq=1, kind="plan", name="plan", status="passed", duration_ms=1100.0),
            ev.FileStarted(path="src/slug/slug.py"),
            ev.FileDelta(
                path="src/slug/slug.py", text="def slug(title: str) -> str:\n    return title.lower()\n"
            ),
            ev.FileWritten(path="src/slug/slug.py", size=51, sha256="0"),
            ev.FileStarted(path="tests/test_slug.py"),
            ev.FileWritten(path="tests/test_slug.py", size=40, sha256="0"),
            ev.GateStarted(gate="compile", argv=["python", "-m", "compileall", "src"]),
            ev.GateFinished(gate="compile", passed=True, exit_code=0, duration_ms=120.0),
            ev.GateStarted(gate="tests", argv=["pytest", "-q"]),
            ev.GateOutput(
                gate="tests", text="F.\nFAILED tests/test_slug.py::test_accents\n1 failed, 1 passed\n"
            ),
            ev.GateFinished(gate="tests", passed=False, exit_code=1, duration_ms=260.0),
            ev.RepairStarted(round=1, gate="tests"),
            ev.GateStarted(gate="tests", argv=["pytest", "-q"]),
            ev.GateOutput(gate="tests", text="..\n2 passed\n"),
            ev.GateFinished(gate="tests", passed=True, exit_code=0, duration_ms=240.0),
            ev.RunFinished(status="passed", stop_reason="all gates passed", exit_code=0),
        ],
    )


def talk(recorded, words, history=(), **fields):
    """Record a turn of a conversation; return what the next one begins with."""
    messages = [*history, {"role": "user", "content": words}]
    answer = f"About {words}"
    figures = {"input_tokens": 40 * len(messages), "output_tokens": 12, "cost_usd": 0.0021}
    body = {"model": "gpt-mini", "messages": messages}
    recorded.put(json.dumps(body).encode(), answered(answer), **{"model": "gpt-mini", **figures, **fields})
    return [*messages, {"role": "assistant", "content": answer}]


def step(run, seq, kind, name, status="passed", **detail):
    """Return a step of half a second."""
    at = run.started_at + seq * 1_000_000
    return Step(
        run=run.id, seq=seq, kind=kind, name=name, status=status, started_at=at, ended_at=at + 500_000,
        detail=detail,
    )  # fmt: skip


def gate(name, *, passed=True):
    """Return the result of one gate."""
    tail = "2 passed" if passed else "FAILED tests/test_slug.py::test_accents"
    return {
        "name": name, "passed": passed, "exit_code": int(not passed), "duration_ms": 240.0,
        "argv": ["pytest", "-q"], "tail": tail,
    }  # fmt: skip


def run_tree(recorded):
    """A conversation that forks, a workflow run with its questions and a fork of it, and a replay."""
    first = talk(recorded, "what is a monad?")
    second = talk(recorded, "and in Python?", first)
    talk(recorded, "shorter, please", second)
    rust = talk(recorded, "and in Rust?", first)
    talk(recorded, "thanks", rust)
    talk(recorded, "and in C?", first)
    run = recorded.run("a slug library", status="failed")
    steps = (
        step(run, 1, "plan", "plan", summary="URL-safe slugs"),
        step(run, 2, "scaffold", "src/slug/slug.py"),
        step(run, 3, "verify", "verify", "failed", gates=[gate("compile"), gate("tests", passed=False)]),
        step(run, 4, "repair", "repair 1", "failed", gate="tests", error="the answer has no file"),
    )
    for one in steps:
        recorded.store.put_step(one)
    recorded.chat("plan it", "{}", run=run.id, step="plan-1#1")
    recorded.chat("write it", "def slug(): ...", run=run.id, step="file:src/slug/slug.py#1")
    recorded.run("a slug library", parent=run.id, model="claude-sonnet")
    original = recorded.chat("what jumps?", "The quick brown fox jumps over the dog.")
    replay = recorded.run("1 exchange to 2 models", kind="replay")
    for model, answer in (("gpt-mini", "The slow brown fox jumps over the dog."), ("demo", "Burritos.")):
        recorded.chat("what jumps?", answer, model=model, run=replay.id, replay_of=original.id)


def nothing(_):
    """A new home."""


SCENES = {
    "exchanges": (traffic, [], ["of 8", "✗ 504"]),
    "exchanges-filter-fault": (traffic, [["slash", "left_parenthesis"]], ["▲"]),
    "exchange-chat": (traffic, [["enter"]], ["Chat", "You answer briefly."]),
    "exchange-request": (traffic, [["enter"], ["right"]], ['"messages": [']),
    "exchange-timing": (traffic, [["G"], ["k", "k", "enter"], ["right"] * 4], ["attempts", "median gap"]),
    "exchange-cost": (traffic, [["enter"], ["right"] * 5], ["per 1,000"]),
    "diff": (pair, [["m", "m", "d"]], ["alike", "[-quick-]"]),
    "compare": (answers, [["m"] * 4, ["d"], ["right"]], ["similar", "{+functions+}"]),
    "runs": (run_done, [["2"]], ["✓ passed", "2 exch"]),
    "runs-tree": (
        run_tree,
        [
            ["2"],
            [],
            ["right"],
            [],
            ["j", "j", "j", "j", "right"],
            [],
            ["j", "j", "j", "right"],
            [],
            ["G", "right"],
            [],
            ["j", "right"],
            [],
            ["j", "right"],
        ],
        ["≈ similar", "✗ failed      gate", "└─ gpt-mini thanks"],
    ),
    "run": (run_done, [["2"], ["enter"]], ["2 of 2 passed", "brief"]),
    "run-waiting": (run_waiting, [["2"], ["enter"]], ["◇ Plan", "tests/test_slug.py"]),
    "new-run": (nothing, [["3"]], ["Recipe", "python-lib"]),
    "router": (nothing, [["4"]], ["deployment", "gpt-4.1-mini"]),
    "router-down": (nothing, [["4"]], ["The router is not running."]),
    "stats": (day, [["5"]], ["requests", "exchanges", "tokens"]),
    "settings": (nothing, [["7"]], ["router", "Port to listen on"]),
    "help": (traffic, [["slash"], ["escape"], ["question_mark"]], ["Replay", "Save payload"]),
    "copy": (traffic, [["y"]], ["as curl"]),
    "welcome": (nothing, [["ctrl+p"], list("welcome"), ["enter"]], ["Welcome to workbench"]),
    "retention": (retention, [["6"]], ["what would go", "would go"]),
    "jump": (traffic, [["semicolon"]], ["s", "d"]),
}
