"""Caps are asked before each call, calls under way included."""

from __future__ import annotations

import pytest

from workbench.domain.errors import LimitReached
from workbench.workflow.budget import Budget, Spent


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def budget(**caps: object) -> tuple[Budget, Clock]:
    clock = Clock()
    settings = {"usd": None, "tokens": None, "wall_s": 60.0, "spent": Spent(), **caps}
    return Budget(clock=clock, **settings), clock  # type: ignore[arg-type]


def test_tokens_can_not_be_overdrawn_by_parallel_calls() -> None:
    """Each call reserves its estimate and its whole output cap; the one that does not fit is refused."""
    caps, _ = budget(tokens=3000)
    first = caps.reserve(300, 1000)
    caps.reserve(300, 1000)
    third = caps.reserve(300, 1000)
    assert third.max_output == 3000 - 2 * (101 + 1000) - 101
    with pytest.raises(LimitReached, match="3000 tokens"):
        caps.reserve(300, 1000)
    caps.settle(first, input_tokens=90, output_tokens=10, usd=None)
    assert caps.reserve(300, 1000).max_output < 1000


def test_money_is_refused_before_the_call_that_may_break_the_cap() -> None:
    """What calls under way may cost at the run's price so far counts."""
    caps, _ = budget(usd=1.0)
    first = caps.reserve(30, 1000)
    caps.settle(first, input_tokens=1000, output_tokens=1000, usd=0.8)
    with pytest.raises(LimitReached, match="1 USD"):
        caps.reserve(30, 4000)
    assert caps.spent.usd == 0.8


def test_a_budget_of_nothing_lets_free_models_go_on() -> None:
    """With a cap of 0 calls are made until one of them costs something."""
    caps, _ = budget(usd=0.0)
    caps.settle(caps.reserve(30, 1000), input_tokens=10, output_tokens=10, usd=0.0)
    caps.settle(caps.reserve(30, 1000), input_tokens=10, output_tokens=10, usd=0.001)
    with pytest.raises(LimitReached, match="0 USD"):
        caps.reserve(30, 1000)


def test_time_counts_over_a_resume() -> None:
    """Seconds of earlier processes count."""
    caps, clock = budget(wall_s=100, spent=Spent(wall_s=70))
    clock.now = 20
    assert caps.wall_left() == pytest.approx(10)
    clock.now = 31
    with pytest.raises(LimitReached, match="100 s"):
        caps.reserve(1, 300)
    assert caps.spent.wall_s == pytest.approx(101)


def test_no_caps_no_limit() -> None:
    """None means no cap."""
    caps, _ = budget()
    for _ in range(100):
        assert caps.reserve(10_000, 100_000).max_output == 100_000
