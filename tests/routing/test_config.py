"""LiteLLM's config.yaml: what is honoured, what is told, what is refused and where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench.domain.errors import ConfigError
from workbench.providers.provider import Price, Secret
from workbench.routing.catalog import Catalog
from workbench.routing.config import Alias, RouterConfig, load_config
from workbench.routing.config_load import load_file
from workbench.settings.home import Home

DATA = Path(__file__).parent / "data"
KEYS = {
    "OPENAI_API_KEY": "sk-o",
    "AZURE_API_KEY_EU": "az",
    "MISTRAL_KEY_EU": "mi",
    "LITELLM_MASTER_KEY": "sk-master-0123456789",
    "GROQ_API_KEY": "gq",
}


def _load(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> RouterConfig:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return load_file(path, environ or {})


@pytest.fixture(scope="module")
def twenty() -> RouterConfig:
    """Load the file of twenty deployments as it stands."""
    return load_file(DATA / "twenty.yaml", KEYS)


def _by_id(config: RouterConfig) -> dict[str, Any]:
    return {deployment.id: deployment for deployment in config.deployments}


def test_twenty_deployments_load_unchanged(twenty: RouterConfig) -> None:
    """Every entry is there, with its provider, address, adapter and state."""
    own = [entry for entry in twenty.deployments if not entry.info.get("canned")]
    assert len(own) == 20
    shown = {entry.id: (entry.provider, entry.model, entry.adapter, entry.enabled) for entry in own}
    assert shown["gpt-4o-main"] == ("openai", "gpt-4o", "wire", True)
    assert shown["gpt-4o:azure"] == ("azure", "gpt-4o-eu", "litellm", True)
    assert shown["gpt-4o:openai"][3] is False
    assert shown["claude-sonnet:bedrock"][2] == "litellm"
    assert shown["local:ollama"] == ("ollama", "llama3.1", "wire", True)
    assert shown["embed:openai"] == ("openai", "text-embedding-3-small", "wire", True)
    assert shown["mocked:openai"][2:] == ("echo", True)
    assert shown["fast:together_ai"][1] == "meta-llama/Llama-3-70b-chat-hf"


def test_what_each_entry_says_is_kept(twenty: RouterConfig) -> None:
    """Limits, weights, orders, tags, timeouts, prices, credentials, extra parameters."""
    by_id = _by_id(twenty)
    main, azure = by_id["gpt-4o-main"], by_id["gpt-4o:azure"]
    assert (main.rpm, main.tpm, main.api_base, main.api_key) == (
        6,
        100_000,
        "https://api.openai.com/v1",
        Secret("sk-o"),
    )
    assert (azure.weight, azure.params["api_version"]) == (2, "2024-10-21")
    assert by_id["gpt-4o:openai"].disabled_reason == "OPENAI_API_KEY_2 is not set"
    assert (by_id["gpt-4o:openai"].order, by_id["gpt-4o:openai"].max_parallel) == (2, 10)
    claude = by_id["claude-sonnet:anthropic"]
    assert (claude.timeouts.total_s, claude.stream_timeouts.first_byte_s) == (300, 60)
    assert "/v1/messages" in claude.endpoints
    assert by_id["fast:groq"].tags == ("free",)
    assert by_id["fast:cerebras"].max_budget_usd == 5
    assert by_id["fast:together_ai"].price == Price(input=9e-7, output=9e-7, source="config")
    assert by_id["local:ollama"].api_base == "http://localhost:11434/v1"
    assert by_id["mistral:mistral"].api_key == Secret("mi")
    assert by_id["grok:xai"].api_key == Secret("xai-from-the-file")
    assert (by_id["grok:xai"].cooldown_s, by_id["grok:xai"].num_retries) == (30, 1)
    assert by_id["old-gpt:openai"].params == {"temperature": 0.2}
    assert by_id["gpt-4o-main"].timeouts.total_s == 120


def test_prices_and_facts_come_from_the_map(twenty: RouterConfig) -> None:
    """Without an own price the map's is taken, and the context window with it."""
    main = _by_id(twenty)["gpt-4o-main"]
    assert main.price is not None
    assert main.price.source == "litellm map"
    assert 0 < (main.price.input or 0) < 1e-4
    assert main.max_input_tokens == 128_000


def test_router_settings_are_honoured(twenty: RouterConfig) -> None:
    """Strategy, retries by kind, cooldown, fallbacks, aliases, cache, key."""
    settings = twenty.settings
    assert (settings.strategy, settings.num_retries) == ("usage-based-routing-v2", 3)
    assert (settings.cooldown_s, settings.allowed_fails) == (30, 2)
    assert settings.retry_policy == {"RateLimitError": 4, "ContentPolicyViolationError": 1}
    assert settings.allowed_fails_policy == {"RateLimitError": 100}
    assert twenty.fallbacks.general == {"gpt-4o": ("claude-sonnet", "deepseek")}
    assert twenty.fallbacks.context_window == {"gpt-4o": ("claude-sonnet",)}
    assert twenty.fallbacks.default == ("local",)
    assert twenty.aliases["hidden-one"] == Alias("gpt-4o", hidden=True)
    assert (twenty.cache.enabled, twenty.cache.ttl_s) == (True, 60)
    assert twenty.master_key == Secret("sk-master-0123456789")
    assert (settings.pre_call_checks, settings.tag_filtering) == (True, True)


def test_what_is_not_supported_says_so(twenty: RouterConfig) -> None:
    """One notice for each, with its path and why; nothing that is honoured is among them."""
    notices = {notice.path: notice.message for notice in twenty.notices}
    assert set(notices) == {
        "router_settings.redis_host",
        "router_settings.set_verbose",
        "litellm_settings.drop_params",
        "litellm_settings.success_callback",
        "litellm_settings.cache_params.type",
        "general_settings.database_url",
        "general_settings.store_model_in_db",
        "general_settings.alerting",
    }
    assert all(notice.line for notice in twenty.notices)
    assert "every exchange is recorded" in notices["litellm_settings.success_callback"]


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("router_settings", "redis_url"),
        ("router_settings", "polling_interval"),
        ("router_settings", "optional_pre_call_checks"),
        ("litellm_settings", "callbacks"),
        ("litellm_settings", "json_logs"),
        ("general_settings", "proxy_batch_write_at"),
        ("mcp_servers", ""),
        ("guardrails", ""),
        ("callback_settings", ""),
        ("finetune_settings", ""),
    ],
)
def test_each_unsupported_key_is_named(tmp_path: Path, section: str, key: str) -> None:
    """The file loads, and the key that is not acted on is named with its line."""
    text = f"{section}:\n  {key}: 1\n" if key else f"{section}: {{}}\n"
    (notice,) = _load(tmp_path, text).notices
    assert notice.path == (f"{section}.{key}" if key else section)
    assert notice.line == (2 if key else 1)
    assert notice.text().startswith(str(tmp_path / "config.yaml"))


@pytest.mark.parametrize(
    ("text", "line", "path", "says"),
    [
        ("model_lst: []", 1, "model_lst", "did you mean 'model_list'?"),
        ("model_list: {}", 1, "model_list", "a list of deployments is needed"),
        ("model_list:\n - 3", 2, "model_list[0]", "a mapping with model_name"),
        ("model_list:\n - model_nam: x", 2, "model_list[0].model_nam", "did you mean 'model_name'?"),
        ("model_list:\n - model_name: x", 2, "model_list[0]", "litellm_params is missing"),
        (
            "model_list:\n - model_name: x\n   litellm_params: {modl: y}",
            3,
            "model_list[0].litellm_params.modl",
            "model is missing",
        ),
        (
            "model_list:\n - model_name: x\n   litellm_params:\n     model: y/z\n     rpm: lots",
            5,
            "model_list[0].litellm_params.rpm",
            "expected `int",
        ),
        ("router_settings:\n  num_retries: many", 2, "router_settings.num_retries", "expected `int"),
        (
            "router_settings:\n  routing_strategy: least-bussy",
            2,
            "router_settings.routing_strategy",
            "did you mean 'least-busy'?",
        ),
        (
            "router_settings:\n  retry_policy: {RateLimitRetries: 3}",
            2,
            "router_settings.retry_policy.RateLimitRetries",
            "did you mean 'RateLimitErrorRetries'?",
        ),
        ("general_settings: 3", 1, "general_settings", "a mapping is needed"),
        ("router_settings:\n\tx: 1", 2, None, "not YAML"),
        ("- a\n- b", 1, None, "a mapping of settings is needed"),
    ],
)
def test_mistakes_name_file_line_path_and_the_nearest_key(
    tmp_path: Path, text: str, line: int, path: str | None, says: str
) -> None:
    """Everything a person needs to mend the file."""
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    error = caught.value
    assert (error.file, error.line, error.path) == (str(tmp_path / "config.yaml"), line, path)
    assert says in f"{error} {error.hint}"


def test_a_slip_in_router_settings_is_told_with_the_nearest_key(tmp_path: Path) -> None:
    """As in LiteLLM an unknown key there is no reason not to start, but it is never silent."""
    (notice,) = _load(tmp_path, "router_settings:\n  num_retrys: 3").notices
    assert (notice.path, notice.hint) == ("router_settings.num_retrys", "did you mean 'num_retries'?")


def test_fallbacks_and_aliases_to_nowhere_are_told(tmp_path: Path) -> None:
    """A target that is no group is named with the nearest one."""
    text = "router_settings:\n  model_group_alias: {gpt: dmeo}\n  fallbacks: [{demo: [eco]}]"
    hints = {notice.path: notice.hint for notice in _load(tmp_path, text).notices}
    assert hints == {
        "router_settings.model_group_alias": "did you mean 'demo'?",
        "router_settings.fallbacks": "did you mean 'echo'?",
    }


def test_includes_concatenate_lists_and_override_the_rest(tmp_path: Path) -> None:
    """Relative to the file that names them, each once; errors name the file they are in."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b.yaml").write_text(
        "include: [../config.yaml]\nmodel_list:\n- model_name: b\n  litellm_params: {model: ollama/b}\n"
        "router_settings: {num_retries: 7}"
    )
    text = (
        "include: [more/b.yaml]\nrouter_settings: {num_retries: 1}\n"
        "model_list:\n- model_name: a\n  litellm_params: {model: ollama/a}\n"
    )
    config = _load(tmp_path, text)
    assert [entry.group for entry in config.deployments][:2] == ["a", "b"]
    assert config.settings.num_retries == 7
    assert [path.name for path in config.files] == ["config.yaml", "b.yaml"]
    (tmp_path / "more" / "b.yaml").write_text("model_list:\n- model_name: b\n  litellm_parms: {}")
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    assert (caught.value.file, caught.value.line) == (str(tmp_path / "more" / "b.yaml"), 3)
    (tmp_path / "more" / "b.yaml").unlink()
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    assert caught.value.path == "include"


def test_placeholders_count_as_unset(tmp_path: Path) -> None:
    """CHANGE_ME is nobody's key."""
    text = "model_list:\n- model_name: a\n  litellm_params: {model: openai/x, api_key: CHANGE_ME}"
    deployment = _load(tmp_path, text).deployments[0]
    assert (deployment.enabled, deployment.disabled_reason) == (False, "its api_key is a placeholder")


def test_keys_are_never_shown(twenty: RouterConfig) -> None:
    """No repr of the configuration holds a key."""
    shown = repr(twenty)
    for key in (*KEYS.values(), "xai-from-the-file"):
        assert f"'{key}'" not in shown
        assert len(key) < 3 or key not in shown


def test_a_home_without_a_config_has_the_built_in_groups(tmp_path: Path) -> None:
    """Demo and echo answer everywhere."""
    config = load_config(Home(tmp_path), {})
    groups = {entry.group for entry in config.deployments if entry.enabled}
    assert {"demo", "demo-flaky", "echo"} <= groups


def test_the_config_may_name_a_built_in_group_itself(tmp_path: Path) -> None:
    """Then it is the config's."""
    text = "model_list:\n- model_name: demo\n  litellm_params: {model: ollama/x}"
    demo = [entry for entry in _load(tmp_path, text).deployments if entry.group == "demo"]
    assert [entry.provider for entry in demo] == ["ollama"]


def test_the_default_config_switches_on_by_key(tmp_path: Path) -> None:
    """The packaged default: off without keys and saying so, on with them, no notice."""
    from importlib import resources

    text = (resources.files("workbench") / "data" / "default_config.yaml").read_text()
    config = _load(tmp_path, text)
    assert config.notices == ()
    own = [entry for entry in config.deployments if not entry.info.get("canned")]
    assert {entry.provider for entry in own} == {"deepseek", "openai", "anthropic"}
    assert not any(entry.enabled for entry in own)
    keys = {f"{name}_API_KEY": "k-0123456789" for name in ("DEEPSEEK", "OPENAI", "ANTHROPIC")}
    assert all(entry.enabled for entry in _load(tmp_path, text, keys).deployments)


def test_names_resolve_alias_then_exact_then_the_longest_wildcard(twenty: RouterConfig) -> None:
    """And the captured text fills the upstream's name; bare names are tried with their provider."""
    catalog = Catalog(twenty)

    def meant(name: str) -> tuple[str, str]:
        found = catalog.resolve(name)
        assert found is not None
        return found.group, found.deployments[0].model

    assert meant("gpt-4") == ("gpt-4o", "gpt-4o")
    assert meant("gpt-4o") == ("gpt-4o", "gpt-4o")
    assert meant("openai/gpt-5") == ("openai/*", "gpt-5")
    assert meant("anything/else") == ("*", "anything/else")
    listed = {info.name: info for info in catalog.groups()}
    assert listed["gpt-4"].alias_of == "gpt-4o"
    assert "hidden-one" not in listed
    assert listed["openai/*"].wildcard
    assert listed["demo"].builtin


def test_a_star_for_everything_goes_by_the_name_that_is_asked(tmp_path: Path) -> None:
    """LiteLLM's ``model: "*"``: the provider comes from the name, its address and key are looked up."""
    text = 'model_list:\n- model_name: "*"\n  litellm_params: {model: "*"}'
    catalog = Catalog(_load(tmp_path, text, {"GROQ_API_KEY": "gsk-0123456789"}))

    def meant(name: str) -> tuple[Any, ...]:
        found = catalog.resolve(name)
        assert found is not None
        (entry,) = found.deployments
        return entry.provider, entry.model, entry.api_base, entry.enabled

    assert meant("groq/llama-3.3-70b") == ("groq", "llama-3.3-70b", "https://api.groq.com/openai/v1", True)
    assert meant("ollama/qwen3")[3] is True
    assert meant("claude-sonnet-4-5") == (
        "anthropic",
        "claude-sonnet-4-5",
        "https://api.anthropic.com",
        False,
    )
    assert meant("what-is-this")[3] is False


def test_an_alias_loop_ends() -> None:
    """Two names for each other name nothing."""
    catalog = Catalog(RouterConfig(aliases={"a": Alias("b"), "b": Alias("a")}))
    assert catalog.resolve("a") is None
