"""The order in which deployments are tried, by strategy."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from workbench.providers.provider import Deployment
from workbench.routing.strategy import STRATEGIES, Candidate, rank


def _candidate(name: str, *, order: int = 0, **known: Any) -> Candidate:
    own = {key: known.pop(key) for key in ("weight", "rpm", "tpm") if key in known}
    deployment = Deployment(id=name, group="g", provider="p", model="m", order=order, **own)
    return Candidate(deployment=deployment, **known)


def _ids(strategy: str, *candidates: Candidate, seed: int = 0, **args: Any) -> list[str]:
    ranked = rank(strategy, candidates, random.Random(seed).random, args)
    return [entry.candidate.deployment.id for entry in ranked]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_candidate_is_ranked_once_with_a_reason(strategy: str) -> None:
    """Whatever is known, nobody is lost and each place says why."""
    candidates = [
        _candidate("a"),
        _candidate("b", cost=1.0, latency_ms=5),
        _candidate("c", weight=2.0, tpm_used=9),
    ]
    ranked = rank(strategy, candidates, random.Random(1).random)
    assert sorted(entry.candidate.deployment.id for entry in ranked) == ["a", "b", "c"]
    assert all(entry.reason.startswith(strategy) for entry in ranked)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_lower_orders_come_first(strategy: str) -> None:
    """Tiers by `order` stand above any strategy."""
    candidates = [
        _candidate("backup", order=2, latency_ms=1, cost=0.0),
        _candidate("main", order=1, in_flight=99),
    ]
    assert _ids(strategy, *candidates) == ["main", "backup"]


def _firsts(*candidates: Candidate) -> Counter[str]:
    return Counter(_ids("simple-shuffle", *candidates, seed=seed)[0] for seed in range(2000))


def test_simple_shuffle_is_weighted() -> None:
    """Weight 3 is drawn three times as often as weight 1; weight 0 only when nobody else is left."""
    firsts = _firsts(_candidate("three", weight=3), _candidate("one", weight=1), _candidate("none"))
    assert firsts["three"] / firsts["one"] == pytest.approx(3, rel=0.2)
    assert firsts["none"] == 0


def test_simple_shuffle_falls_back_to_rpm_then_even_chance() -> None:
    """Without weights rpm is the weight; without anything the chance is even."""
    by_rpm = _firsts(_candidate("big", rpm=900), _candidate("small", rpm=100))
    assert by_rpm["big"] / by_rpm["small"] == pytest.approx(9, rel=0.25)
    even = _firsts(_candidate("a"), _candidate("b"))
    assert even["a"] / even["b"] == pytest.approx(1, rel=0.2)


def test_least_busy() -> None:
    """Fewest requests in flight first."""
    got = _ids("least-busy", _candidate("a", in_flight=3), _candidate("b"), _candidate("c", in_flight=1))
    assert got == ["b", "c", "a"]


def test_latency_tries_the_unmeasured_first_and_shares_within_the_buffer() -> None:
    """Unmeasured first, then by latency; within the buffer of the lowest, traffic is shared."""
    known = [_candidate("slow", latency_ms=900), _candidate("new"), _candidate("fast", latency_ms=100)]
    assert _ids("latency-based-routing", *known) == ["new", "fast", "slow"]
    near = [_candidate("a", latency_ms=100), _candidate("b", latency_ms=110)]
    firsts = {
        _ids("latency-based-routing", *near, seed=seed, lowest_latency_buffer=0.2)[0] for seed in range(30)
    }
    assert firsts == {"a", "b"}
    assert _ids("latency-based-routing", *near) == ["a", "b"]


def test_cost_puts_the_cheapest_first_and_unknown_prices_last() -> None:
    """What has no price may cost anything."""
    got = _ids(
        "cost-based-routing",
        _candidate("unknown"),
        _candidate("dear", cost=2.0),
        _candidate("free", cost=0.0),
    )
    assert got == ["free", "dear", "unknown"]


def test_usage_goes_by_the_share_of_the_limit() -> None:
    """500 of 1,000 is more used up than 600 of 10,000."""
    got = _ids(
        "usage-based-routing-v2",
        _candidate("small", tpm=1000, tpm_used=500),
        _candidate("large", tpm=10_000, tpm_used=600),
    )
    assert got == ["large", "small"]


def test_spent_providers_come_last() -> None:
    """A provider without budget left is only a last resort."""
    got = _ids(
        "provider-budget-routing", _candidate("spent", budget_left=0.0), _candidate("open", budget_left=0.1)
    )
    assert got == ["open", "spent"]
