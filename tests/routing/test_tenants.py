"""Tenants: who may use what, how fast, for how much; and that concurrency can't overspend."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from workbench.domain.errors import ConfigError
from workbench.domain.exchange import Usage
from workbench.routing.budget import Account, Budget
from workbench.routing.errors import RouteError
from workbench.routing.policy_file import load_policy, period_s
from workbench.routing.tenants import MAX_TENANTS, Ledger, Policy, Tenant

DAY_US = 86_400_000_000


def _ledger(**rules: Any) -> Ledger:
    return Ledger(Policy(tenants={"t": Tenant(name="t", **rules)}))


def _admit(ledger: Ledger, *, usd: float = 0.0, tokens: int = 10, now: float = 0.0, wall_us: int = 0) -> Any:
    return ledger.admit("t", "m", usd, tokens, now, wall_us)


def _refused(ledger: Ledger, **own: Any) -> RouteError:
    with pytest.raises(RouteError) as caught:
        _admit(ledger, **own)
    return caught.value


def test_models_are_allowed_by_pattern() -> None:
    """A name, a wildcard, and nothing else."""
    ledger = _ledger(models=("demo", "openai/*"))
    for model in ("demo", "openai/gpt-5"):
        ledger.admit("t", model, 0, 1, 0, 0)
    with pytest.raises(RouteError) as caught:
        ledger.admit("t", "demo-flaky", 0, 1, 0, 0)
    assert (caught.value.status, caught.value.code) == (403, "model_not_allowed")


def test_an_alias_is_allowed_with_its_group() -> None:
    """Whoever may use the group may use its other names; the other way round too."""
    ledger = _ledger(models=("big",))
    ledger.admit("t", "alias", 0, 1, 0, 0, group="big")
    with pytest.raises(RouteError):
        ledger.admit("t", "alias", 0, 1, 0, 0, group="other")


def test_requests_a_minute_say_limit_used_and_reset() -> None:
    """The refusal carries everything a client needs to wait."""
    ledger = _ledger(rpm=2)
    _admit(ledger)
    _admit(ledger, now=1)
    error = _refused(ledger, now=2)
    assert (error.status, error.code, error.retryable) == (429, "rate_limit", True)
    assert (error.details["limit"], error.details["max"], error.details["used"]) == ("rpm", 2, 2)
    assert error.retry_after_s == error.details["reset_s"]
    _admit(ledger, now=2 + error.retry_after_s)


def test_parallel_requests() -> None:
    """A place frees when a request is settled."""
    ledger = _ledger(max_parallel=1)
    held = _admit(ledger)
    assert _refused(ledger).details["limit"] == "max_parallel"
    ledger.settle(held, None, None, 1, 0)
    _admit(ledger)


def test_tokens_are_corrected_when_known() -> None:
    """Four thousand reserved, fifty used: the rest is free again."""
    ledger = _ledger(tpm=5000)
    held = _admit(ledger, tokens=4000)
    assert _refused(ledger, tokens=2000).details["limit"] == "tpm"
    ledger.settle(held, Usage(input_tokens=30, output_tokens=20), 0.0, 1, 0)
    _admit(ledger, tokens=4900, now=2)


def test_a_spent_budget_refuses_until_the_next_period() -> None:
    """Not retryable at once, but the reset is known; the next day begins at zero."""
    ledger = _ledger(budget=Budget(usd=1.0, period_s=86_400))
    held = _admit(ledger, usd=0.2)
    ledger.settle(held, Usage(input_tokens=1, output_tokens=1), 1.5, 1, 0)
    error = _refused(ledger, usd=0.1, wall_us=DAY_US // 2)
    assert (error.status, error.code, error.retryable) == (429, "budget_exceeded", False)
    assert (error.details["max"], error.details["used"], error.retry_after_s) == (1.0, 1.5, 43_200)
    _admit(ledger, usd=0.1, wall_us=DAY_US)


def test_an_unnamed_tenant_gets_the_defaults_limits_with_counts_of_its_own() -> None:
    """X-Tenant-ID with a new name is no way around the limits."""
    ledger = Ledger(Policy(tenants={"default": Tenant(name="default", rpm=1)}))
    for name in ("a", "b"):
        ledger.admit(name, "m", 0, 1, 0, 0)
        with pytest.raises(RouteError):
            ledger.admit(name, "m", 0, 1, 0, 0)


@pytest.mark.parametrize("seed", range(5))
def test_concurrent_requests_never_overspend(seed: int) -> None:
    """Random overlap of requests whose estimates are honest upper bounds: the budget is never passed."""
    draw = random.Random(seed)
    ledger = _ledger(budget=Budget(usd=10.0))
    under_way: list[tuple[Any, float]] = []
    spent = refusals = 0.0
    for _ in range(2000):
        if under_way and draw.random() < 0.5:
            held, cost = under_way.pop(draw.randrange(len(under_way)))
            ledger.settle(held, Usage(input_tokens=1, output_tokens=1), cost, 0, 0)
            spent += cost
            continue
        bound = draw.uniform(0.05, 0.5)
        try:
            under_way.append((_admit(ledger, usd=bound), draw.uniform(0, bound)))
        except RouteError:
            refusals += 1
        assert spent + sum(cost for _, cost in under_way) <= 10.0 + 0.5
    assert refusals
    assert spent > 8


def test_an_estimate_that_is_too_low_overruns_by_what_is_under_way_only() -> None:
    """Once the real cost is known nothing more goes through."""
    ledger = _ledger(budget=Budget(usd=1.0))
    held = [_admit(ledger, usd=0.4) for _ in range(2)]
    assert _refused(ledger, usd=0.4).code == "budget_exceeded"
    for one in held:
        ledger.settle(one, Usage(input_tokens=1, output_tokens=1), 0.9, 0, 0)
    assert _refused(ledger, usd=0.0).details["used"] == pytest.approx(1.8)


def test_what_was_spent_before_a_restart_counts() -> None:
    """Restored sums are part of the period; restoring twice does not double them."""
    account = Account(Budget(usd=1.0, period_s=86_400))
    account.restore(5, 0.75, 10)
    account.restore(6, 0.75, 10)
    assert account.left(7) == pytest.approx(0.25)
    assert account.left(DAY_US) == 1.0


def test_a_changed_policy_keeps_the_counts() -> None:
    """A reload is no fresh start."""
    ledger = _ledger(rpm=5)
    for _ in range(3):
        _admit(ledger)
    ledger.take(Policy(tenants={"t": Tenant(name="t", rpm=3)}))
    assert _refused(ledger).details["used"] == 3


POLICY = """\
tenants:
  default: {rpm_limit: 600}
  team-a:
    models: [demo, "openai/*"]
    rpm_limit: 60
    max_budget: 5
    budget_duration: 1d
    keys:
      - {name: laptop, sha256: %s}
profiles:
  mine: {strategy: least-busy}
"""


def test_the_policy_file(tmp_path: Path) -> None:
    """Tenants in LiteLLM's words, keys as digests, own profiles."""
    path = tmp_path / "models-policy.yaml"
    path.write_text(POLICY % ("ab" * 32))
    policy, profiles = load_policy(path, {})
    team = policy.tenant("team-a")
    assert (team.models, team.rpm, team.budget) == (
        ("demo", "openai/*"),
        60,
        Budget(usd=5.0, period_s=86_400),
    )
    assert policy.keys() == {"ab" * 32: "team-a"}
    assert policy.tenant("other").rpm == 600
    assert profiles == {"mine": {"strategy": "least-busy"}}


@pytest.mark.parametrize(
    ("text", "line", "path", "hint"),
    [
        ("tenant: {}", 1, "tenant", "did you mean 'tenants'?"),
        ("tenants:\n  a:\n    rpm_limt: 3", 3, "tenants.a.rpm_limt", "did you mean 'rpm_limit'?"),
        ("tenants:\n  a:\n    rpm_limit: lots", 3, "tenants.a.rpm_limit", None),
        ("tenants:\n  a:\n    budget_duration: soon", 3, "tenants.a.budget_duration", None),
        ("tenants:\n  a:\n    keys: [{sha256: sk-1}]", 3, "tenants.a.keys[0]", "workbench tenant key a"),
        ("tenants:\n  'a b': {}", 2, "tenants.a b", None),
        ("tenants: [a]", 1, "tenants", None),
    ],
)
def test_mistakes_name_line_path_and_mend(
    tmp_path: Path, text: str, line: int, path: str, hint: str | None
) -> None:
    """Every mistake says where it is, and what was probably meant."""
    file = tmp_path / "models-policy.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_policy(file, {})
    assert (caught.value.line, caught.value.path) == (line, path)
    if hint:
        assert caught.value.hint is not None
        assert caught.value.hint.startswith(hint)


def test_durations() -> None:
    """LiteLLM's months too."""
    assert [period_s(text) for text in ("30s", "1d", "1mo", None)] == [30, 86_400, 2_592_000, None]


def test_made_up_tenants_do_not_fill_the_memory() -> None:
    """An operator who names each end user as a tenant: names without rules are forgotten, rules are kept."""
    rule = Tenant(name="team", rpm=5)
    ledger = Ledger(Policy(tenants={"team": rule}))
    ledger.admit("team", "g", 0.0, 1, 0.0, 0)
    for number in range(2 * MAX_TENANTS + 10):
        held = ledger.admit(f"user-{number}", "g", 0.0, 1, 0.0, 0)
        ledger.settle(held, None, None, 0.0, 0)
    rows = {row["name"]: row for row in ledger.to_json(0.0, 0)}
    assert len(rows) <= MAX_TENANTS + 1
    assert rows["team"]["rpm_used"] == 1
