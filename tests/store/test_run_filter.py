"""The filter for runs: every key, by what is in a real store."""

from __future__ import annotations

import time

import pytest

from tests.store.conftest import assistant, user
from workbench.domain.errors import FilterError
from workbench.domain.run import Run, Step
from workbench.store.page import Cursor
from workbench.store.run_filter import RUN_KEYS, parse_runs

NOW = time.time_ns() // 1000
HOUR = 3_600_000_000


def run(number, **fields):
    """Return a run `number` hours old."""
    values = {
        "kind": "workflow",
        "title": "t",
        "status": "passed",
        "started_at": NOW - number * HOUR,
        **fields,
    }
    return Run(id=f"run_{9 - number:018d}", **values)


@pytest.fixture
def store(bench):
    """Four runs and a session, each with something the others do not have."""
    made = bench.store
    first = run(4, title="A Slug library", brief="slugs of titles", recipe="python-lib", model="gpt-mini")
    made.create_run(first)
    made.put_step(Step(run=first.id, seq=1, kind="plan", name="plan", status="passed"))
    gates = [{"name": "compile", "passed": True}, {"name": "tests", "passed": False}]
    made.put_step(
        Step(run=first.id, seq=2, kind="verify", name="verify", status="failed", detail={"gates": gates})
    )
    made.update_run(first.id, status="failed", ended_at=first.started_at + 700_000_000)
    made.tag(first.id, "golden")
    made.set_note(first.id, "look at the Accents")
    made.create_run(run(3, title="forked", parent=first.id, status="passed", ended_at=NOW - 3 * HOUR + 5))
    made.create_run(run(2, kind="replay", title="again", parent=first.id, status="running", tenant="lab"))
    made.create_run(run(1, title="waits", status="waiting"))
    made.set_pinned(run(1).id, True)
    bench.at = NOW
    for _ in range(3):
        bench.chat([user("hi")], session="my chat", cost_usd=0.25, input_tokens=100, output_tokens=10)
    bench.chat([user("x")], run=first.id, cost_usd=0.05, input_tokens=7, output_tokens=1)
    return made


SESSION, WAITS, AGAIN, FORKED, FIRST = "my chat", "waits", "again", "forked", "A Slug library"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [SESSION, WAITS, AGAIN, FORKED, FIRST]),
        ("slug", [FIRST]),
        ("text:TITLES", [FIRST]),
        ('"my chat"', [SESSION]),
        ("accents", [FIRST]),
        ("kind:session", [SESSION]),
        ("!kind:workflow", [SESSION, AGAIN]),
        ("state:failed", [FIRST]),
        ("status:waiting OR is:running", [WAITS, AGAIN]),
        ("state:open", [SESSION]),
        ("state:closed", []),
        ("since:150m", [SESSION, WAITS, AGAIN]),
        ("until:150m", [FORKED, FIRST]),
        ("recipe:python*", [FIRST]),
        ("model:gpt-mini", [FIRST]),
        ("tenant:lab", [AGAIN]),
        ("name:my*", [SESSION]),
        ("tag:golden", [FIRST]),
        ("tag:gold*", [FIRST]),
        ("tag:gold", []),
        ("note:LOOK", [FIRST]),
        ("step:verify", [FIRST]),
        ("step:repair", []),
        ("gate:tests", [FIRST]),
        ("gate:compile", []),
        ("took:>10m", [WAITS, AGAIN, FIRST]),
        ("kind:workflow took:<1s", [FORKED]),
        ("exchanges:>2", [SESSION]),
        ("exchanges:1", [FIRST]),
        ("steps:2", [FIRST]),
        ("tokens:>=300", [SESSION]),
        ("cost:>0.5", [SESSION]),
        ("cost:<0.5 exchanges:>0", [FIRST]),
        ("has:child", [FIRST]),
        ("has:parent", [AGAIN, FORKED]),
        ("has:note has:tag has:step", [FIRST]),
        ("has:name", [SESSION]),
        ("is:fork", [FORKED]),
        ("is:pinned", [WAITS]),
        ("is:pinned OR (tag:golden !kind:session)", [WAITS, FIRST]),
        ("parent:run_0000", [AGAIN, FORKED]),
        ("id:00000000000000000", [WAITS, AGAIN, FORKED, FIRST]),
    ],
)
def test_a_filter_finds_the_runs_it_says(store, text, expected):
    """Newest first, nothing else."""
    assert expected == [item.name or item.title for item in store.runs(text).items]


def test_every_key_is_tried_here():
    """A key without a case above is not known to work."""
    cases = test_a_filter_finds_the_runs_it_says.pytestmark[0].args[1]
    tried = " ".join(text for text, _ in cases)
    assert [key for key in RUN_KEYS if f"{key}:" not in tried] == []


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("stat:failed", 0, "did you mean state:"),
        ("latency:>1s", 0, "there is no key 'latency'"),
        ("x kind:work", 7, "did you mean workflow"),
        ("took:soon", 5, "not a duration"),
        ("(kind:replay", 0, "never closed"),
    ],
)
def test_a_fault_has_its_place_and_the_nearest_word(text, position, words):
    """The keys of exchanges are not keys of runs."""
    with pytest.raises(FilterError) as caught:
        parse_runs(text, NOW)
    assert position == caught.value.position
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_pages_lead_through_all_runs_both_ways(store):
    """Keyset pages, also within a filter: nothing twice, nothing left out."""
    whole = [item.id for item in store.runs("!is:pinned").items]
    down, page = [], store.runs("!is:pinned", limit=2)
    down += page.items
    while page.next is not None:
        page = store.runs("!is:pinned", before=page.next, limit=2)
        down += page.items
    assert whole == [item.id for item in down]
    up = store.runs("!is:pinned", after=Cursor(0, ""), limit=2).items
    assert whole[-2:] == [item.id for item in up]
    more = store.runs("!is:pinned", after=Cursor.of(up[0]), limit=5).items
    assert whole[:-2] == [item.id for item in more]


def test_hostile_values_are_values(store):
    """Nothing that is typed becomes SQL."""
    for text in ('name:"x\' OR 1=1 --"', "tag:*'*", 'gate:"\'"', 'text:"%_\\"'):
        assert store.runs(text).items == []


def test_words_of_a_session_are_its_first_message(bench):
    """The title is what a session is found by."""
    bench.chat([user("Where is Oslo?")])
    bench.chat([user("Where is Oslo?"), assistant("North."), user("How far?")])
    assert ["session"] == [item.kind for item in bench.store.runs("oslo").items]
