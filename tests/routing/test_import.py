"""Other routers' files: a providers.yaml becomes a LiteLLM configuration, with what was left out named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench.domain.errors import ConfigError
from workbench.routing.config import load_config
from workbench.routing.config_load import load_file
from workbench.routing.import_providers import import_providers
from workbench.settings.home import Home

TEXT = """\
default_model: fast
policy: {strategy: least_cost}
breaker: {failure_threshold: 3, cooldown: 30s}
cache: {enabled: true, ttl: 5m}
providers:
  - name: main
    type: openai
    priority: 1
    api_key_env: OPENAI_API_KEY
    base_url: https://example.com/v1
    extra_headers: {X-Team: a}
    circuit_breaker: {failure_threshold: 5, recovery_timeout: 9}
    wibble: 3
    models:
      - {name: fast, id: gpt-4o-mini, input_cost_per_1m: 0.15, output_cost_per_1k: 0.0006, caps: [tools]}
      - {name: big, cost: {input: 2.5, output: 10}, context_window: 200000}
  - name: fake
    type: mock
    priority: 2
    mock_failure_rate: 0.5
    models: [fast]
  - {name: gone, type: openai, enabled: false, models: [x]}
"""


def test_a_providers_file_is_read_as_it_stands(tmp_path: Path) -> None:
    """Groups by name, priorities as orders, costs a token, breaker, cache, default, headers, key by name."""
    path = tmp_path / "providers.yaml"
    path.write_text(TEXT)
    config = load_file(path, {"OPENAI_API_KEY": "sk-0123456789"})
    fast, big, mock = (entry for entry in config.deployments if entry.group in ("fast", "big"))
    assert (fast.provider, fast.model, fast.api_base, fast.order) == (
        "openai",
        "gpt-4o-mini",
        "https://example.com/v1",
        1,
    )
    assert fast.headers == [("X-Team", "a")]
    assert fast.api_key is not None
    assert fast.price is not None
    assert (fast.price.input, fast.price.output) == (pytest.approx(0.15e-6), pytest.approx(0.6e-6))
    assert (fast.allowed_fails, fast.cooldown_s) == (4, 9)
    assert (big.price and big.price.input, big.max_input_tokens) == (pytest.approx(2.5e-6), 200_000)
    assert (mock.adapter, mock.order, mock.params["mock_failure_rate"]) == ("echo", 2, 0.5)
    settings = config.settings
    assert (settings.strategy, settings.allowed_fails, settings.cooldown_s) == ("cost-based-routing", 2, 30)
    assert (config.default_model, config.cache.enabled, config.cache.ttl_s) == ("fast", True, 300)


def test_what_is_not_taken_over_is_named(tmp_path: Path) -> None:
    """Unknown members, providers that are off, costs without a unit."""
    path = tmp_path / "providers.yaml"
    path.write_text(TEXT)
    said = [notice.message for notice in load_file(path, {}).notices]
    assert "providers.main.wibble: not taken over" in said
    assert "providers.gone: left out, it is switched off" in said
    assert any("cost.input: no unit is given, read as USD a million tokens" in text for text in said)


@pytest.mark.parametrize(
    ("policy", "strategy"),
    [
        ("least_cost", "cost-based-routing"),
        ("lowest_latency", "latency-based-routing"),
        ("round_robin", "simple-shuffle"),
        ("failover", "simple-shuffle"),
        ("least_connections", "least-busy"),
        ("astrology", "simple-shuffle"),
    ],
)
def test_policies_are_translated(policy: str, strategy: str) -> None:
    """By what their names say; what is not known is told."""
    data: dict[str, Any] = {"policy": policy, "providers": {"p": {"type": "mock", "models": ["m"]}}}
    made = import_providers(data)
    assert made.config["router_settings"]["routing_strategy"] == strategy
    assert bool(made.notes) == (policy == "astrology")


def test_keys_in_the_file_are_taken_out() -> None:
    """The configuration names a variable, the key is given apart."""
    made = import_providers(
        {"providers": [{"name": "my-ai", "type": "openai", "api_key": "sk-x", "models": ["m"]}]}
    )
    (entry,) = made.config["model_list"]
    assert entry["litellm_params"]["api_key"] == "os.environ/MY_AI_API_KEY"
    assert made.keys == {"MY_AI_API_KEY": "sk-x"}


def test_a_file_without_models_is_refused(tmp_path: Path) -> None:
    """With its place."""
    path = tmp_path / "providers.yaml"
    path.write_text("providers: []")
    with pytest.raises(ConfigError) as caught:
        load_file(path, {})
    assert "no provider with a model" in str(caught.value)


def test_llmrouter_config_names_the_file(tmp_path: Path) -> None:
    """At start, whatever the home holds; a wrong name is said."""
    path = tmp_path / "providers.yaml"
    path.write_text(TEXT)
    config = load_config(Home(tmp_path / "home"), {"LLMROUTER_CONFIG": str(path)})
    assert "fast" in {entry.group for entry in config.deployments}
    with pytest.raises(ConfigError):
        load_config(Home(tmp_path), {"LLMROUTER_CONFIG": str(tmp_path / "absent")})
