"""Lists: filters, pages, words, regular expressions, counts, snippets."""

from __future__ import annotations

import pytest

from workbench.domain.errors import AmbiguousId, FilterError, QueryTimeout, UnknownId
from workbench.domain.exchange import Exchange
from workbench.domain.run import Run
from workbench.store import search
from workbench.store.page import Cursor

from .conftest import assistant, user


def ids(store, where="", **options):
    return [item.id for item in store.exchanges(where, limit=200, **options).items]


@pytest.fixture
def some(bench):
    """Five exchanges that differ in everything that can be asked for."""
    put = {
        "plain": bench.chat(
            [user("what is a slug, please")], "a Timeout happened", model="gpt-4", provider="openai"
        ),
        "failed": bench.chat(
            [user("x")], "", status=503, state="failed", error_code="upstream_down", error="no", model="gpt-5"
        ),
        "stream": bench.chat(
            [user("y [bracket] text")], "z", stream=True, ttft_ms=1500.0, latency_ms=6000.0, tenant="acme"
        ),
        "cheap": bench.chat(
            [user("foo_bar baz")], "q", cost_usd=0.5, input_tokens=4000, output_tokens=500, cache="hit"
        ),
        "tools": bench.chat(
            [user("call it")], "ok", tools=("get_weather",), tags=("night", "v2"), endpoint="/v1/messages"
        ),
    }
    bench.store.set_note(put["plain"].id, "look Here again")
    bench.store.set_pinned(put["plain"].id, True)
    bench.store.set_name(put["plain"].id, "baseline")
    put["replay"] = bench.chat([user("again")], "", replay_of=put["plain"].id)
    return put


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("model:gpt*", "failed plain"),
        ("model:gpt-4", "plain"),
        ("!model:gpt*", "replay tools cheap stream"),
        ("provider:openai", "plain"),
        ("status:>=400", "failed"),
        ("status:5xx", "failed"),
        ("state:failed", "failed"),
        ("is:failed OR is:pinned", "failed plain"),
        ("is:error", "failed"),
        ("error:upstream*", "failed"),
        ("tenant:acme", "stream"),
        ("stream:yes", "stream"),
        ("latency:>5s", "stream"),
        ("ttft:>1s", "stream"),
        ("cost:>0.01", "cheap"),
        ("tokens:>4000", "cheap"),
        ("cached:yes", "cheap"),
        ("!cached:yes is:stream", "stream"),
        ("tool:get_weather", "tools"),
        ("tag:night", "tools"),
        ("tag:v*", "tools"),
        ("has:tag", "tools"),
        ("has:note", "plain"),
        ("note:here", "plain"),
        ("name:baseline", "plain"),
        ("is:pinned", "plain"),
        ("is:replay", "replay"),
        ("has:replay", "plain"),
        ("endpoint:*messages", "tools"),
        ("text:timeout", "plain"),
        ("TIMEOUT", "plain"),
        ('text:"is a slug"', "plain"),
        ('text:"a is slug"', ""),
        ("text:time*", "plain"),
        ("foo_bar", "cheap"),
        ("text:slug text:timeout", "plain"),
        ("(slug OR baz) !is:pinned", "cheap"),
        ("regex:T.meout", "plain"),
        ("regex:b[ae]r is:cached", "cheap"),
        ("model:[gpt]*", ""),
        ("sort:relevance slug", "plain"),
        ("size:>1MB", ""),
        ("attempts:>0", ""),
    ],
)
def test_what_a_filter_finds(bench, some, where, names):
    """Every key, newest first."""
    named = {item.id: name for name, item in some.items()}
    assert " ".join(named[one] for one in ids(bench.store, where)) == names


def test_since_and_until_cut_by_time(bench, some):
    """since: is inclusive, until: is not."""
    from workbench.domain.times import iso

    at = some["stream"].started_at
    assert len(ids(bench.store, f"since:{iso(at)}")) == 4
    assert len(ids(bench.store, f"until:{iso(at)}")) == 2


def test_pages_have_no_gap_and_no_double(bench):
    """Walking down by `next` and up by `after` gives every exchange once, in order."""
    put = [bench.put(str(n).encode()).id for n in range(25)]
    seen, place = [], None
    while True:
        page = bench.store.exchanges(before=place, limit=7)
        seen += [item.id for item in page.items]
        place = page.next
        if place is None:
            break
    assert seen == put[::-1]
    up, place = [], Cursor(0, "")
    while True:
        page = bench.store.exchanges(after=place, limit=7)
        if not page.items:
            break
        assert [item.id for item in page.items] == put[len(up) : len(up) + 7][::-1]
        up += [item.id for item in reversed(page.items)]
        place = Cursor.of(page.items[0])
    assert up == put


def test_a_page_goes_on_where_its_exchange_was_deleted(bench):
    """A cursor names a moment, so it stays good."""
    from workbench.store.deletion import delete_in_batches

    put = [bench.put(str(n).encode()) for n in range(6)]
    place = bench.store.exchanges(limit=3).next
    with bench.store.connection() as db:
        key = db.execute("SELECT seq FROM exchanges WHERE id = ?", (place.id,)).fetchone()[0]
    delete_in_batches(bench.store, [key])
    assert [item.id for item in bench.store.exchanges(before=place).items] == [
        put[2].id,
        put[1].id,
        put[0].id,
    ]


@pytest.mark.parametrize("rare", [0, 4000])
def test_common_words_are_found_like_rare_ones(bench, monkeypatch, rare):
    """Both ways through the index give the same pages, also for words said again in a later conversation."""
    monkeypatch.setattr(search, "_RARE", rare)
    monkeypatch.setattr(search, "_WINDOW", 4)
    wanted = []
    for number in range(40):
        words = "the slug went home" if number % 3 == 0 else f"nothing of that kind {number}"
        item = bench.chat([user(f"{words} and so on, {'' if number == 3 else number}")], f"answer {number}")
        if number % 3 == 0:
            wanted.append(item.id)
    wanted.append(bench.chat([user("the slug went home and so on, ")], "again").id)
    assert ids(bench.store, "slug") == wanted[::-1]
    first = bench.store.exchanges("slug home", limit=5)
    assert [item.id for item in first.items] == wanted[::-1][:5]
    second = bench.store.exchanges("slug home", before=first.next, limit=5)
    assert [item.id for item in second.items] == wanted[::-1][5:10]
    newer = bench.store.exchanges("slug", after=Cursor.of(second.items[-1]), limit=3)
    assert [item.id for item in newer.items] == wanted[::-1][6:9]


def test_words_belong_to_the_turn_that_brought_them(bench):
    """A conversation is found at the turn where the words were said, not at every turn after it."""
    history = [user("tell me of the narwhal, at some length")]
    first = bench.chat(history, "it has one tusk")
    bench.chat([*history, assistant("it has one tusk"), user("and what else")], "no more")
    assert ids(bench.store, "narwhal") == [first.id]
    assert ids(bench.store, "tusk") == [first.id]


def test_a_regular_expression_stops_and_goes_on(bench, monkeypatch):
    """The scan is bounded; the page says where to continue."""
    monkeypatch.setattr(search, "_SCANNED", 8)
    monkeypatch.setattr(search, "_WINDOW", 4)
    wanted = bench.chat([user("a needle in here")]).id
    for number in range(20):
        bench.chat([user(f"hay {number}")])
    page = bench.store.exchanges("regex:need.e")
    assert page.items == []
    while page.next is not None and not page.items:
        page = bench.store.exchanges("regex:need.e", before=page.next)
    assert [item.id for item in page.items] == [wanted]


@pytest.mark.parametrize("where", ["!regex:a", "regex:a OR b", "(sort:relevance OR a)"])
def test_scans_stand_alone(bench, where):
    """What can't be part of SQL is refused where it would have to be."""
    with pytest.raises(FilterError, match="can't stand"):
        bench.store.exchanges(where)


def test_values_that_occur_are_offered(bench, some):
    """For completion: in order, by their beginning, each once."""
    assert bench.store.values("model") == ["demo", "gpt-4", "gpt-5"]
    assert bench.store.values("model", "gpt") == ["gpt-4", "gpt-5"]
    assert bench.store.values("tag") == ["night", "v2"]
    assert bench.store.values("tool", "get") == ["get_weather"]
    assert bench.store.values("tenant", limit=1) == ["acme"]
    assert bench.store.values("is", "pi") == ["pinned"]
    assert bench.store.values("note") == []


def test_counting(bench, some):
    """A count is exact, or None when it can't be had in time."""
    assert bench.store.count() == 6
    assert bench.store.count("model:gpt*") == 2
    assert bench.store.count("text:slug") == 1
    assert bench.store.count("regex:slug") is None


def test_a_query_ends_at_its_deadline(bench):
    """A screen never waits for a query longer than it said."""
    for number in range(300):
        bench.put(str(number).encode())
    with pytest.raises(QueryTimeout):
        bench.store.exchanges("note:x OR " + " OR ".join(f"note:{n}" for n in range(50)), deadline_s=0.0)


def test_snippets_mark_the_hit(bench, some):
    """The line around the words, on one line, hit in brackets."""
    found = bench.store.snippets([some["plain"].id, some["failed"].id], "timeout")
    assert found == {some["plain"].id: "a [Timeout] happened"}


def test_runs_are_found_by_either_role(bench):
    """run: takes id, prefix or name, for workflow runs and sessions."""
    run = Run(id="run_01k9aaaaaabbbbbbbb", kind="workflow", title="t", status="running", started_at=bench.at)
    bench.store.create_run(run)
    one = bench.chat([user("a")], run=run.id)
    two = bench.chat([user("b")], session="my chat")
    assert ids(bench.store, "run:run_01k9") == [one.id]
    assert ids(bench.store, "run:01k9") == [one.id]
    assert ids(bench.store, 'session:"my chat"') == [two.id]
    assert ids(bench.store, 'run:"my chat" OR run:run_01k9') == [two.id, one.id]


def test_ids_by_prefix(bench):
    """Any unique prefix is enough; one that is not unique says what it could be."""
    one = bench.put(id="ex_01aaaa0000aaaaaaaa")
    bench.put(id="ex_01aaaa0000bbbbbbbb")
    assert bench.store.exchange("ex_01aaaa0000a").id == one.id
    assert bench.store.exchange("01aaaa0000a").id == one.id
    with pytest.raises(AmbiguousId) as caught:
        bench.store.exchange("ex_01aaaa")
    assert len(caught.value.matches) == 2
    with pytest.raises(UnknownId):
        bench.store.exchange("ex_zz")
    with pytest.raises(UnknownId):
        bench.store.exchange("ex_%")


def test_an_exchange_comes_back_whole(bench):
    """Every field is stored; nothing is guessed."""
    sent = bench.exchange(
        deployment="d", provider="p", stream=True, cache="miss", input_tokens=1, output_tokens=2,
        cached_tokens=3,
        cache_write_tokens=4, reasoning_tokens=5, usage_estimated=True, cost_usd=0.125, latency_ms=1.5,
        ttft_ms=0.25,
        step="plan", tenant="t", replay_of="ex_x", tags=("a", "b"), note="n", name="nm", pinned=True,
        finish_reason="stop", error_code="c", error="e", tools=("f", "g"), client="ua", request_id="r",
    )  # fmt: skip
    import msgspec

    put = bench.put(
        b"x",
        b"y",
        **{k: v for k, v in msgspec.structs.asdict(sent).items() if k not in {"id", "attempts"}},
        id=sent.id,
    )
    found = bench.store.exchange(put.id)
    assert isinstance(found, Exchange)
    assert msgspec.structs.replace(found, instance="") == msgspec.structs.replace(
        put, instance="", started_at=found.started_at
    )
    assert found.to_json()["request_bytes"] == 1
