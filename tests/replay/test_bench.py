"""Figures of a bench are of values that were measured."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.payload import Payload
from workbench.replay.bench import BenchPlan, Sample, _figures, _jobs, _State
from workbench.replay.percentiles import percentile


def sample(model: str = "a", **fields: object) -> Sample:
    known = {
        "model": model,
        "exchange": None,
        "status": 200,
        "ok": True,
        "latency_ms": 100.0,
        "ttft_ms": 20.0,
    }
    return Sample(**{**known, **fields})  # type: ignore[arg-type]


def plan(**fields: object) -> BenchPlan:
    payloads = [Payload(endpoint="/v1/chat/completions", body=b'{"model":"x","n":%d}' % n) for n in (1, 2)]
    return BenchPlan(**{"models": ("a", "b"), "payloads": payloads, "requests": 3, **fields})  # type: ignore[arg-type]


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values(values: list[float], share: float) -> None:
    """At least that share of the values is not above it."""
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9


def test_no_values_have_no_percentile() -> None:
    """None, not zero."""
    assert percentile([], 0.5) is None


def test_models_take_turns_over_the_payloads() -> None:
    """First request to each, then the second to each."""
    assert [(model, payload.body) for model, payload in _jobs(plan())] == [
        ("a", b'{"model":"a","n":1}'), ("b", b'{"model":"b","n":1}'),
        ("a", b'{"model":"a","n":2}'), ("b", b'{"model":"b","n":2}'),
        ("a", b'{"model":"a","n":1}'), ("b", b'{"model":"b","n":1}'),
    ]  # fmt: skip


def test_money_and_time_end_it() -> None:
    """The next request is not sent once the budget is spent or the time is over."""
    state = _State(plan(budget_usd=0.05))
    assert state.next() is not None
    state.samples.append(sample(cost_usd=0.06))
    assert state.next() is None
    assert "budget" in (state.stopped or "")
    late = _State(plan(seconds=-1.0))
    assert late.next() is None
    assert "over" in (late.stopped or "")


def test_figures_leave_failures_out_of_the_times() -> None:
    """A fast error must not make a model look fast; its cost counts."""
    samples = [
        sample(latency_ms=100.0, output_tokens=40, cost_usd=0.01),
        sample(latency_ms=1.0, ok=False, status=500, problem="status 500: no", cost_usd=0.02),
        sample("b"),
    ]
    figures = _figures("a", samples)
    assert (figures.requests, figures.failed, figures.problem) == (2, 1, "status 500: no")
    assert figures.latency_p50_ms == 100.0
    assert figures.tokens_per_s == 500.0  # 40 tokens in the 80 ms after the first byte
    assert figures.cost_usd == 0.03
