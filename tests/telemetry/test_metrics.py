"""What the metrics say after some exchanges."""

from workbench.domain.exchange import Attempt, Exchange
from workbench.telemetry.metrics import MAX_GROUPS, Metrics


def exchange(**changes: object) -> Exchange:
    values = {
        "id": "ex_1",
        "started_at": 0,
        "endpoint": "/v1/chat/completions",
        "model": "gpt",
        "deployment": "d1",
        "status": 200,
        "state": "complete",
        "latency_ms": 120.0,
        "ttft_ms": 30.0,
        **changes,
    }
    return Exchange(**values)  # type: ignore[arg-type]


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_ended_exchanges_are_counted_by_endpoint_model_status_and_state():
    """Two alike make two, another status makes its own line."""
    metrics = Metrics()
    metrics.ended(exchange())
    metrics.ended(exchange())
    metrics.ended(exchange(status=502))
    labels = {"endpoint": "/v1/chat/completions", "model": "gpt", "state": "complete"}
    assert value(metrics, "workbench_requests_total", status="200", **labels) == 2
    assert value(metrics, "workbench_requests_total", status="502", **labels) == 1
    assert (
        value(metrics, "workbench_latency_seconds_sum", endpoint="/v1/chat/completions", model="gpt") == 0.36
    )


def test_names_of_models_nobody_has_do_not_become_labels():
    """A client that makes names up can't fill the memory."""
    metrics = Metrics()
    for number in range(50):
        metrics.ended(exchange(model=f"made-up-{number}", deployment=None, status=404))
    assert b"made-up" not in metrics.text()
    labels = {"endpoint": "/v1/chat/completions", "model": "unknown", "status": "404", "state": "complete"}
    assert value(metrics, "workbench_requests_total", **labels) == 50


def test_names_without_end_behind_a_wildcard_are_counted_together():
    """The first thousand have labels of their own; what comes after them is one more."""
    metrics = Metrics()
    for number in range(MAX_GROUPS + 50):
        metrics.ended(exchange(model=f"openai/{number}"))
    labels = {"endpoint": "/v1/chat/completions", "status": "200", "state": "complete"}
    assert value(metrics, "workbench_requests_total", model="other", **labels) == 50
    assert value(metrics, "workbench_requests_total", model="openai/7", **labels) == 1


def test_tokens_and_cost_add_up():
    """Both directions and the money, per model group."""
    metrics = Metrics()
    for _ in range(2):
        metrics.spent(exchange(input_tokens=10, output_tokens=3, cost_usd=0.25))
    assert value(metrics, "workbench_tokens_total", model="gpt", direction="input") == 20
    assert value(metrics, "workbench_tokens_total", model="gpt", direction="output") == 6
    assert value(metrics, "workbench_cost_usd_total", model="gpt") == 0.5


def test_attempts_are_counted_by_deployment_and_outcome():
    """A failed try is visible even where the retry saved the answer."""
    metrics = Metrics()
    tried = {"number": 1, "deployment": "d1", "provider": "openai", "model": "m", "started_at": 0}
    metrics.attempted(Attempt(**tried, error_code="timeout"))
    metrics.attempted(Attempt(**tried))
    labels = {"deployment": "d1", "provider": "openai"}
    assert value(metrics, "workbench_attempts_total", outcome="timeout", **labels) == 1
    assert value(metrics, "workbench_attempts_total", outcome="ok", **labels) == 1


def test_readings_are_taken_when_the_text_is_asked_for():
    """Gauges are not kept up to date, they are asked."""
    level = {"in_flight": 3.0}
    metrics = Metrics(lambda: level)
    assert b"workbench_in_flight 3.0" in metrics.text()
    level["in_flight"] = 0.0
    assert b"workbench_in_flight 0.0" in metrics.text()
