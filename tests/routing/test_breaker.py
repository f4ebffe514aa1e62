"""The breaker, read like a script: readings of a clock in, states out."""

from __future__ import annotations

import random

from workbench.routing.breaker import Breaker, BreakerRules


def _breaker(**rules: float) -> Breaker:
    return Breaker(BreakerRules(**{"consecutive": 2, "cooldown_s": 10.0, **rules}))  # type: ignore[arg-type]


def test_a_run_of_failures_opens_it_and_a_probe_closes_it() -> None:
    """Closed, open after one failure more than allowed, half-open after the cooldown, closed by the probe."""
    breaker = _breaker()
    assert not breaker.fail(0, "x")
    assert not breaker.fail(1, "x")
    assert breaker.fail(2, "boom")
    assert (breaker.state(3), breaker.allows(3), breaker.opens_in(3), breaker.why) == (
        "open",
        False,
        9,
        "boom",
    )
    assert (breaker.state(12), breaker.allows(12)) == ("half_open", True)
    assert breaker.begin(12)
    assert not breaker.allows(12.5), "one probe at a time"
    breaker.succeed(13)
    assert (breaker.state(13), breaker.allows(13), breaker.why) == ("closed", True, None)


def test_a_failed_probe_opens_it_again() -> None:
    """One failure of the probe is enough."""
    breaker = _breaker()
    breaker.fail(0, "x", at_once=True)
    breaker.begin(10)
    assert breaker.fail(11, "still down")
    assert breaker.opens_in(11) == 10


def test_an_abandoned_probe_lets_another_go() -> None:
    """A probe whose client left says nothing; the next request is the probe."""
    breaker = _breaker()
    breaker.fail(0, "x", at_once=True)
    assert breaker.begin(10)
    breaker.abandon()
    assert breaker.allows(10)


def test_a_success_ends_the_run() -> None:
    """Failures must follow each other."""
    breaker = _breaker(min_requests=100)
    for at in range(0, 20, 2):
        assert not breaker.fail(at, "x")
        breaker.succeed(at + 1)
    assert breaker.state(21) == "closed"


def test_too_many_failures_in_the_window_open_it() -> None:
    """More than half of at least five requests in the minute."""
    breaker = _breaker(consecutive=99, rate=0.5, min_requests=5)
    outcomes = [breaker.fail(0, "x"), breaker.fail(1, "x"), breaker.fail(2, "x"), breaker.fail(3, "x")]
    breaker.succeed(4)
    assert outcomes == [False] * 4
    assert breaker.fail(5, "x")


def test_old_failures_are_forgotten() -> None:
    """What is older than the window does not count."""
    breaker = _breaker(consecutive=99, rate=0.5, min_requests=5)
    for at in range(4):
        breaker.fail(at, "x")
    for at in range(70, 75):
        breaker.succeed(at)
    assert not breaker.fail(76, "x")
    assert breaker.error_rate(76) < 0.2


def test_the_cooldown_given_wins() -> None:
    """A Retry-After is longer or shorter than the rule's cooldown."""
    breaker = _breaker()
    breaker.fail(0, "429", at_once=True, cooldown_s=60)
    assert breaker.opens_in(0) == 60


def test_a_disabled_breaker_never_opens() -> None:
    """disable_cooldowns and the built-in models."""
    breaker = _breaker(enabled=False)
    assert not any(breaker.fail(at, "x", at_once=True) for at in range(20))
    assert breaker.allows(20)


def test_any_history_keeps_the_promises() -> None:
    """For random histories: open means refused, half-open means one probe, time always reopens the way."""
    draw = random.Random(5)
    breaker, now = _breaker(), 0.0
    for _ in range(5000):
        now += draw.random() * 3
        if not breaker.allows(now):
            assert breaker.state(now) in ("open", "half_open")
            continue
        probe = breaker.begin(now)
        assert probe == (breaker.state(now) == "half_open")
        if draw.random() < 0.6:
            breaker.fail(now, "x")
        else:
            breaker.succeed(now)
            assert breaker.state(now) == "closed"
        assert breaker.opens_in(now) <= 10.001


def test_a_kind_of_failure_may_have_its_own_number() -> None:
    """allowed_fails_policy: four in a row are too many for the rule, not for this kind."""
    breaker = _breaker()
    assert not any(breaker.fail(at, "429", allowed=9) for at in range(9))
    assert breaker.fail(9, "429", allowed=9)
