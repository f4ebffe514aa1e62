"""Rate and concurrency limits as counts over clock readings."""

from __future__ import annotations

import math
import random

import pytest

from workbench.providers.provider import Deployment
from workbench.routing.limits import Limits
from workbench.routing.rolling import Rolling


def _limits(**own: int) -> Limits:
    return Limits(Deployment(id="d", group="g", provider="p", model="m", **own))  # type: ignore[arg-type]


def test_requests_a_minute() -> None:
    """The third of two is refused, says which limit, and is let through when the first is a minute old."""
    limits = _limits(rpm=2)
    for now in (0.0, 1.0):
        assert limits.check(now, 10) is None
        limits.begin(now, 10)
    refusal = limits.check(2, 10)
    assert refusal is not None
    assert (refusal.name, refusal.limit, refusal.used) == ("rpm", 2, 2)
    assert 58 <= refusal.frees_in_s <= 60
    assert limits.check(2 + refusal.frees_in_s, 10) is None


def test_tokens_are_reserved_and_corrected() -> None:
    """An estimate holds its place until the real usage is known."""
    limits = _limits(tpm=1000)
    limits.begin(0, 900)
    assert limits.check(1, 200) is not None
    limits.end(2, 900, input_tokens=100, output_tokens=50)
    assert limits.tpm_used(3) == 150
    assert limits.check(3, 800) is None


def test_a_request_larger_than_the_limit_never_fits() -> None:
    """Waiting does not help it."""
    refusal = _limits(tpm=100).check(0, 101)
    assert refusal is not None
    assert math.isinf(refusal.frees_in_s)


def test_concurrency() -> None:
    """A place frees when a request ends, not with time."""
    limits = _limits(max_parallel=1)
    limits.begin(0, 1)
    refusal = limits.check(500, 1)
    assert refusal is not None
    assert refusal.name == "concurrency"
    limits.end(501, 1, None, None)
    assert limits.check(501, 1) is None


@pytest.mark.parametrize(
    ("name", "kind"), [("itpm", "input"), ("otpm", "output"), ("rpd", "requests"), ("tpd", "tokens")]
)
def test_every_limit_of_the_config_counts(name: str, kind: str) -> None:
    """Input, output and daily limits are kept apart."""
    limits = _limits(**{name: 10})
    assert limits.check(0, 5) is None
    for _ in range(10):
        limits.begin(0, 1)
        limits.end(0, 1, 1, 1)
    refusal = limits.check(1, 5)
    assert refusal is not None, kind
    assert refusal.name == name


def test_rolling_agrees_with_counting_every_event() -> None:
    """Against a plain list of all events: never less than the last span, never more than a bucket beyond."""
    draw = random.Random(3)
    rolling, events, now = Rolling(60), [], 0.0
    for _ in range(3000):
        now += draw.random() * 2
        amount = draw.randint(1, 9)
        rolling.add(now, amount)
        events.append((now, amount))
        exact = sum(value for at, value in events if at > now - 60)
        beyond = sum(value for at, value in events if at > now - 62)
        assert exact <= rolling.total(now) <= beyond


def test_frees_in_is_long_enough() -> None:
    """After the wait it names, the amount fits."""
    draw = random.Random(4)
    for _ in range(200):
        rolling, now = Rolling(60), 0.0
        for _ in range(draw.randint(1, 30)):
            now += draw.random() * 5
            rolling.add(now, draw.randint(1, 5))
        wait = rolling.frees_in(now, 3, 20)
        assert rolling.total(now + wait) + 3 <= 20
