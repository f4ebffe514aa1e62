"""Limits, cache, hook, profiles, budgets and reload around real requests."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from workbench.domain.errors import ConfigError
from workbench.domain.exchange import Exchange
from workbench.domain.ids import EXCHANGE, new_id
from workbench.providers.provider import Price
from workbench.routing.budget import Budget
from workbench.routing.cache import AnswerCache, Cached
from workbench.routing.config import CacheSettings, RouterConfig, RoutingSettings
from workbench.routing.hook import load_hook
from workbench.routing.restore import restore_budgets
from workbench.routing.tenants import Policy, Tenant
from workbench.routing.values import Origin, RouteRequest

from .conftest import CHAT


def _config(**own: Any) -> RouterConfig:
    settings = {"num_retries": 0, **own.pop("settings", {})}
    return RouterConfig(settings=RoutingSettings(**settings), **own)


async def test_a_tenants_limits_hold_and_free(upstream: Any, bench: Any) -> None:
    """Refused while one is under way, let through afterwards; others are not touched."""
    policy = Policy(tenants={"t": Tenant(name="t", max_parallel=1)})
    made = bench(upstream.deployment(params={"x_mock": {"latency_ms": 50}}), config=_config(policy=policy))
    both = await asyncio.gather(made.ask(tenant="t"), made.ask(tenant="t"), made.ask(tenant="other"))
    assert sorted(outcome.status for outcome in both) == [200, 200, 429]
    assert (await made.ask(tenant="t")).status == 200
    row = next(row for row in made.router.status()["tenants"] if row["name"] == "t")
    assert (row["in_flight"], row["rpm_used"]) == (0, 2)


async def test_a_budget_is_spent_by_real_cost(upstream: Any, bench: Any) -> None:
    """The first request spends it, the second is refused; failures and abandoned requests cost nothing."""
    policy = Policy(tenants={"t": Tenant(name="t", budget=Budget(usd=0.01))})
    made = bench(upstream.deployment(price=Price(input=0.001, output=0.001)), config=_config(policy=policy))
    failed = await made.ask({"x_mock": {"status": 500}}, tenant="t")
    assert failed.status == 502
    assert (await made.ask(tenant="t")).status == 200
    refused = await made.ask(tenant="t")
    assert (refused.status, refused.error.code) == (429, "budget_exceeded")
    (row,) = made.router.status()["tenants"]
    assert 0.01 <= row["spent_usd"] == pytest.approx(made.state("one")["cost_usd"])


async def test_budgets_outlive_a_restart(upstream: Any, bench: Any, tmp_path: Path) -> None:
    """What the records say was spent in the period counts from the first request on."""
    from workbench.store.ingest import ExchangeWriter
    from workbench.store.store import Reader

    now = time.time_ns() // 1000
    writer = ExchangeWriter.open(tmp_path / "db", instance="one")
    try:
        for at, cost in ((now - 1000, 0.6), (now - 3 * 86_400_000_000, 5.0)):
            exchange = Exchange(
                id=new_id(EXCHANGE, at),
                started_at=at,
                endpoint=CHAT,
                tenant="t",
                provider="openai",
                deployment="one",
                cost_usd=cost,
                input_tokens=3,
                state="complete",
            )
            writer.apply([_whole(exchange)])
    finally:
        writer.close(ended=True)
    with Reader.open(tmp_path / "db") as store:
        policy = Policy(tenants={"t": Tenant(name="t", budget=Budget(usd=0.5, period_s=2 * 86_400.0))})
        budgets = {"provider_budgets": {"openai": {"budget_limit": 10, "time_period": "30d"}}}
        made = bench(upstream.deployment(), config=_config(policy=policy, settings=budgets))
        restore_budgets(made.router, store, now)
    assert (await made.ask(tenant="t")).error.code == "budget_exceeded"
    assert (await made.ask(tenant="other")).status == 200
    (account,) = made.router.status()["budgets"]
    assert account["spent_usd"] >= 0.6


def _whole(exchange: Exchange) -> Any:
    from workbench.store.operations import Begin, Finish

    begin = Begin(exchange=exchange, headers=[], body=b"{}")
    return Finish(exchange=exchange, headers=[], body=b"", writes=[], begin=begin)


async def test_a_spent_provider_is_passed_over(upstream: Any, bench: Any) -> None:
    """provider_budget_config: the provider's deployments are left out until its period ends."""
    budgets = {"provider_budgets": {"dear": {"budget_limit": 0.001, "time_period": "1d"}}}
    price = Price(input=0.001, output=0.001)
    made = bench(
        upstream.deployment("a", provider="dear", price=price, order=1),
        upstream.deployment("b", provider="cheap", order=2),
        config=_config(settings=budgets),
    )
    assert [(await made.ask()).answer.deployment for _ in range(3)] == ["a", "b", "b"]


async def test_a_deployments_own_budget(upstream: Any, bench: Any) -> None:
    """max_budget on the only deployment: 429 that names the budget."""
    made = bench(upstream.deployment(price=Price(input=1.0, output=1.0), max_budget_usd=1.0), queue_s=0.0)
    assert (await made.ask()).status == 200
    refused = await made.ask()
    assert (refused.status, refused.error.details["limit"]) == (429, "budget")


async def test_the_cache_gives_the_same_bytes(upstream: Any, bench: Any) -> None:
    """Hit: same bytes, no upstream, no cost; another tenant or no-cache asks again; failures are not kept."""
    upstream.forget()
    made = bench(upstream.deployment(), config=_config(cache=CacheSettings(enabled=True)))
    for stream in (False, True):
        first = await made.ask({"stream": stream})
        second = await made.ask({"stream": stream})
        assert (first.answer.cache, second.answer.cache) == ("miss", "hit")
        assert second.body == first.body
        assert second.answer.cost_usd == 0.0
        assert second.chunks[-1] == first.chunks[-1]
        assert second.attempts == {}
    assert len(upstream.requests()) == 2
    assert (await made.ask(tenant="other")).answer.cache == "miss"
    assert (await made.ask(headers=[("Cache-Control", "no-cache")])).answer.cache == "off"
    bad = {"stream": True, "x_mock": {"fault": "cut", "chunk_delay_ms": 10}}
    for _ in range(2):
        assert (await made.ask(bad)).answer.cache == "miss"


def test_the_cache_is_bounded_in_size_and_time() -> None:
    """Old answers expire, the least used go first, and one large answer does not empty it."""
    cache = AnswerCache(CacheSettings(enabled=True, ttl_s=10, max_mb=0.001))

    def put(name: bytes, size: int, now: float = 0) -> None:
        origin = Origin(group="g", deployment="d", provider="p", model="m")
        answer = Cached(
            origin=origin,
            headers=[],
            stream=False,
            chunks=(b"x" * size,),
            usage=None,
            finish_reason=None,
            stored_at=now,
        )
        cache.put(name, answer)

    for name in (b"a", b"b", b"c", b"d"):
        put(name, 250)
    assert cache.get(b"a", 1) is not None
    put(b"e", 250)
    assert [name for name in (b"a", b"b", b"c", b"d", b"e") if cache.get(name, 1)] == [b"a", b"c", b"d", b"e"]
    put(b"huge", 900)
    assert cache.get(b"huge", 1) is None
    assert cache.get(b"a", 11) is None


def test_the_cache_is_off_unless_asked_for() -> None:
    """No key, no entry."""
    request = RouteRequest(exchange_id="ex_1", endpoint=CHAT, body=b"{}")
    assert AnswerCache(CacheSettings()).key(request) is None


HOOK = """
import time
calls = []
def last_first(facts, candidates):
    calls.append((facts, candidates))
    return [item["id"] for item in reversed(candidates)]
def broken(facts, candidates):
    raise ValueError("no idea")
def slow(facts, candidates):
    time.sleep(0.5)
def strange(facts, candidates):
    return "a"
async def later(facts, candidates):
    return ["b"]
def leaves(facts, candidates):
    raise SystemExit(3)
async def leaves_later(facts, candidates):
    raise SystemExit(3)
def interrupts(facts, candidates):
    raise KeyboardInterrupt
"""


@pytest.fixture
def hook_config(tmp_path: Path) -> Any:
    (tmp_path / "rules.py").write_text(HOOK)

    def make(function: str) -> RouterConfig:
        settings = {"policy_hook": f"rules.py:{function}", "policy_hook_timeout_s": 0.1}
        return _config(settings=settings, files=(tmp_path / "config.yaml",))

    return make


@pytest.mark.parametrize(
    ("function", "chosen", "problem"),
    [
        ("last_first", "b", None),
        ("later", "b", None),
        ("broken", "a", "ValueError: no idea"),
        ("slow", "a", "slower than 0.1 s"),
        ("strange", "a", "TypeError"),
        ("leaves", "a", "SystemExit: 3"),
        ("leaves_later", "a", "SystemExit: 3"),
        ("interrupts", "a", "KeyboardInterrupt"),
    ],
)
async def test_a_policy_hook_orders_or_is_passed_over(
    upstream: Any, bench: Any, hook_config: Any, function: str, chosen: str, problem: str | None
) -> None:
    """Its order counts; where it is broken or slow the strategy's counts, and the status says so."""
    made = bench(
        upstream.deployment("a", order=1), upstream.deployment("b", order=2), config=hook_config(function)
    )
    outcome = await made.ask()
    assert (outcome.status, outcome.answer.deployment) == (200, chosen)
    shown = made.router.status()["policy_hook"]
    assert (shown["problem"] or "").startswith(problem or "")
    assert bool(shown["problem"]) == bool(problem)
    assert outcome.attempts[1].reason.startswith("hook" if chosen == "b" else "simple-shuffle")


@pytest.mark.parametrize(
    "name", ["nothing", "rules.py:absent", "no_such_module_x:f", "absent.py:f", "leaves.py:f"]
)
def test_a_hook_that_can_not_be_loaded_is_a_config_error(tmp_path: Path, name: str) -> None:
    """Said when the config is loaded, not when a request comes."""
    (tmp_path / "rules.py").write_text(HOOK)
    (tmp_path / "leaves.py").write_text("raise SystemExit(3)")
    with pytest.raises(ConfigError) as caught:
        load_hook(name, tmp_path, 1)
    assert caught.value.path == "router_settings.policy_hook"


async def test_profiles_change_the_settings_in_force(upstream: Any, bench: Any) -> None:
    """A profile is on top of the config; an unknown one is refused and changes nothing."""
    cheap = upstream.deployment("cheap", price=Price(input=1e-6, output=1e-6))
    dear = upstream.deployment("dear", price=Price(input=1e-3, output=1e-3))
    made = bench(dear, cheap, config=_config(own_profiles={"mine": {"strategy": "least-busy"}}))
    assert await made.router.set_profile("cost") == {"profile": "cost", "strategy": "cost-based-routing"}
    assert {(await made.ask()).answer.deployment for _ in range(5)} == {"cheap"}
    with pytest.raises(ConfigError) as caught:
        await made.router.set_profile("csot")
    assert caught.value.hint == "did you mean 'cost'?"
    assert made.router.status()["profile"] == "cost"
    assert (await made.router.set_profile("mine"))["strategy"] == "least-busy"
    assert (await made.router.set_profile("balanced"))["strategy"] == "simple-shuffle"


async def test_a_reload_does_not_touch_requests_under_way(upstream: Any, bench: Any) -> None:
    """A stream goes on when its deployment is taken away; the next request follows the new file."""
    slow = {"x_mock": {"chunks": 20, "chunk_delay_ms": 20}}
    made = bench(upstream.deployment("old", params=slow))
    under_way = asyncio.create_task(made.ask({"stream": True}))
    while not made.state("old")["in_flight"]:
        await asyncio.sleep(0.01)
    new = msgspec.structs.replace(made.router.config, deployments=(upstream.deployment("new"),))
    await made.router.reload(new)
    assert (await made.ask()).answer.deployment == "new"
    outcome = await under_way
    assert (outcome.error, outcome.answer.deployment) == (None, "old")


async def test_counts_survive_a_reload_that_changes_nothing(upstream: Any, bench: Any) -> None:
    """The breaker stays open, the figures stay."""
    made = bench(upstream.deployment("a", params={"x_mock": {"status": 401}}), upstream.deployment("b"))
    await asyncio.gather(*(made.ask() for _ in range(10)))
    before = made.state("a")
    await made.router.reload(made.router.config)
    assert made.state("a")["requests"] == before["requests"]
    assert made.state("a")["state"] == before["state"] == "open"


async def test_health_probes_ask_without_cost(upstream: Any, bench: Any) -> None:
    """Each enabled upstream is asked for its models: alive, wrong address, or switched off."""
    made = bench(
        upstream.deployment("up"),
        upstream.deployment("down", api_base="http://127.0.0.1:9/v1"),
        upstream.deployment("off", enabled=False),
    )
    result = await made.router.probe()
    assert result["up"] == "ok"
    assert "can't be reached" in result["down"]
    assert "off" not in result
    assert made.state("up")["probe"] == "ok"


async def test_background_probes_run_by_themselves(upstream: Any, bench: Any) -> None:
    """background_health_checks: the first round comes at once."""
    config = _config(background_health_checks=True, health_check_interval_s=60.0)
    made = bench(upstream.deployment("up"), config=config)
    for _ in range(200):
        if made.state("up")["probe"]:
            break
        await asyncio.sleep(0.02)
    assert made.state("up")["probe"] == "ok"


async def test_tags_choose_deployments(upstream: Any, bench: Any) -> None:
    """LiteLLM's tag filtering: a shared tag, else those tagged default."""
    made = bench(
        upstream.deployment("free", tags=("free",)),
        upstream.deployment("paid", tags=("paid", "default")),
        tag_filtering=True,
    )
    tagged = {(await made.ask({"metadata": {"tags": ["free"]}})).answer.deployment for _ in range(4)}
    untagged = {(await made.ask()).answer.deployment for _ in range(4)}
    assert (tagged, untagged) == ({"free"}, {"paid"})
    assert (await made.ask({"metadata": {"tags": ["nobody"]}})).error.code == "no_deployment_fits"


async def test_too_long_a_prompt_is_seen_before_it_is_sent(upstream: Any, bench: Any) -> None:
    """enable_pre_call_checks: deployments whose window is too small are left out."""
    made = bench(
        upstream.deployment("small", max_input_tokens=50, order=1),
        upstream.deployment("large", order=2),
        pre_call_checks=True,
    )
    long = {"messages": [{"role": "user", "content": "x" * 1000}]}
    assert (await made.ask()).answer.deployment == "small"
    assert (await made.ask(long)).answer.deployment == "large"


async def test_a_key_that_an_upstream_echoes_goes_no_further(
    upstream: Any, bench: Any, raw_upstream: Any
) -> None:
    """Neither the client's error nor the record of the attempt holds it."""
    key = "sk-upstream-key-0123456789"
    url, _ = await raw_upstream(f'{{"error":{{"message":"bad key {key}"}}}}'.encode())
    outcome = await bench(upstream.deployment(api_base=f"{url}/v1")).ask()
    assert outcome.error.code == "upstream_error"
    said = f"{outcome.error.message} {outcome.attempts[1].error} {outcome.responses[1]!r}"
    assert "bad key" in said
    assert key not in said


async def test_an_upstream_that_says_nothing_is_left_is_passed_over(upstream: Any, bench: Any) -> None:
    """Rate-limit headers of an answer steer the next request to another deployment, never to none."""
    made = bench(upstream.deployment("a", order=1), upstream.deployment("b", order=2))
    headers = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "2m59.56s")]
    for deployment in made.router.config.deployments[:1]:
        made.router.standings.of(deployment).health.read_limits(headers, time.monotonic())
    assert (await made.ask()).answer.deployment == "b"
    assert made.state("a")["remaining"] == {"requests": 0}
