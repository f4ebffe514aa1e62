"""A ``providers.yaml`` of other routers as a LiteLLM configuration.

::

    default_model: fast
    policy: least_cost            # or {strategy: …}
    breaker: {failure_threshold: 3, cooldown: 30s}
    cache: {enabled: true, ttl: 300}
    providers:
      - name: openai              # or a mapping of names
        type: openai              # openai, anthropic, any known prefix, openai_compatible, mock
        priority: 1
        api_key_env: OPENAI_API_KEY
        base_url: https://api.openai.com/v1
        extra_headers: {X-Team: a}
        circuit_breaker: {failure_threshold: 5}
        mock_failure_rate: 0.2    # mock only
        models:
          - {name: fast, id: gpt-4o-mini, input_cost_per_1m: 0.15, caps: {max_tokens: 128000}}

Models of one name at several providers become one group; a lower priority is tried first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from workbench.domain.times import parse_duration_us
from workbench.providers.wire_table import known_providers

_STRATEGIES = (
    (re.compile(r"cost|cheap|price"), "cost-based-routing"),
    (re.compile(r"latency|fast"), "latency-based-routing"),
    (re.compile(r"busy|load|least_conn"), "least-busy"),
    (re.compile(r"usage|tpm|quota"), "usage-based-routing-v2"),
    (re.compile(r"random|shuffle|round|weight|priority|fail|order|balanced"), "simple-shuffle"),
)
_TYPES = {"openai_compatible": "openai", "openai-compatible": "openai", "custom": "openai", "http": "openai"}
_MOCK = frozenset({"mock", "fake", "echo", "dummy"})
_COST = re.compile(r"(input|prompt|output|completion|cached)")
_UNITS = (
    (re.compile(r"1k|thousand"), 1e3),
    (re.compile(r"1m|million|mtok|mil"), 1e6),
    (re.compile(r"token$"), 1.0),
)
_PROVIDER_KEYS = frozenset(
    {
        "name",
        "type",
        "priority",
        "circuit_breaker",
        "breaker",
        "mock_failure_rate",
        "mock_response",
        "api_key_env",
    }
    | {
        "api_key",
        "base_url",
        "api_base",
        "extra_headers",
        "headers",
        "models",
        "enabled",
        "weight",
        "rpm",
        "tpm",
    }
    | {"timeout", "max_parallel", "max_concurrency"}
)
_MODEL_KEYS = frozenset(
    {
        "name",
        "alias",
        "id",
        "model",
        "upstream",
        "caps",
        "capabilities",
        "cost",
        "costs",
        "pricing",
        "priority",
    }
    | {"weight", "rpm", "tpm", "context_window", "max_tokens", "max_input_tokens", "enabled"}
)


class Imported(msgspec.Struct, kw_only=True):
    """A LiteLLM configuration, keys that were written out in the file, and what was not taken over."""

    config: dict[str, Any]
    keys: dict[str, str] = {}
    """Environment name -> a key that stood in the file; it belongs into ``.env``."""
    notes: list[str] = []


def looks_like_providers(data: Mapping[str, Any]) -> bool:
    """Tell whether a YAML document is in this form and not LiteLLM's."""
    return "providers" in data and "model_list" not in data


def import_providers(data: Mapping[str, Any]) -> Imported:
    """Return the document as a LiteLLM configuration. Raises ValueError for what is not in this form."""
    made = Imported(config={"model_list": []})
    for name, provider in _named(data.get("providers"), "providers"):
        if provider.get("enabled") is False:
            made.notes.append(f"providers.{name}: left out, it is switched off")
            continue
        for model_name, model in _named(provider.get("models"), f"providers.{name}.models"):
            made.config["model_list"].append(_entry(made, name, provider, model_name, model))
    if not made.config["model_list"]:
        raise ValueError("no provider with a model")
    _settings(made, data)
    return made


def _named(given: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (name, mapping) of a list of mappings or names, or of a mapping of names."""
    if isinstance(given, Mapping):
        items = [(str(name), value) for name, value in given.items()]
    elif isinstance(given, list):
        items = [(_name_of(item), item) for item in given]
    elif given is None:
        items = []
    else:
        raise ValueError(f"{path}: a list or a mapping is needed")
    for name, value in items:
        yield name, dict(value) if isinstance(value, Mapping) else {}


def _name_of(item: Any) -> str:
    if isinstance(item, Mapping):
        return str(
            item.get("name") or item.get("alias") or item.get("id") or item.get("model") or item.get("type")
        )
    return str(item)


def _entry(
    made: Imported, name: str, provider: dict[str, Any], model_name: str, model: dict[str, Any]
) -> dict[str, Any]:
    upstream = str(model.get("id") or model.get("model") or model.get("upstream") or model_name)
    kind = str(provider.get("type") or name).lower()
    params: dict[str, Any] = {}
    if kind in _MOCK:
        params |= {
            "model": f"openai/{upstream}",
            "mock_response": str(provider.get("mock_response", f"mock {name}")),
        }
        if provider.get("mock_failure_rate") is not None:
            params["mock_failure_rate"] = float(provider["mock_failure_rate"])
    else:
        prefix = _TYPES.get(kind, kind)
        if prefix not in known_providers():
            made.notes.append(f"providers.{name}.type: {kind!r} is taken as OpenAI-compatible")
            prefix = "openai"
        params["model"] = f"{prefix}/{upstream}"
        _add_access(made, params, name, provider)
    for key in ("weight", "rpm", "tpm", "timeout"):
        value = model.get(key, provider.get(key))
        if value is not None:
            params[key] = value
    parallel = provider.get("max_parallel", provider.get("max_concurrency"))
    if parallel is not None:
        params["max_parallel_requests"] = parallel
    priority = model.get("priority", provider.get("priority"))
    if priority is not None:
        params["order"] = int(priority)
    params |= _costs(made, f"providers.{name}.models.{model_name}", model)
    info = _info(model) | _breaker(provider.get("circuit_breaker") or provider.get("breaker"))
    _note_unused(made, f"providers.{name}", provider, _PROVIDER_KEYS)
    _note_unused(made, f"providers.{name}.models.{model_name}", model, _MODEL_KEYS)
    entry: dict[str, Any] = {"model_name": model_name, "litellm_params": params}
    return {**entry, "model_info": info} if info else entry


def _add_access(made: Imported, params: dict[str, Any], name: str, provider: dict[str, Any]) -> None:
    base = provider.get("base_url") or provider.get("api_base")
    if base:
        params["api_base"] = str(base)
    variable = provider.get("api_key_env")
    if not variable and provider.get("api_key"):
        variable = re.sub(r"\W", "_", name).upper() + "_API_KEY"
        made.keys[variable] = str(provider["api_key"])
    if variable:
        params["api_key"] = f"os.environ/{variable}"
    headers = provider.get("extra_headers") or provider.get("headers")
    if isinstance(headers, Mapping):
        params["extra_headers"] = {str(key): str(value) for key, value in headers.items()}


def _costs(made: Imported, path: str, model: dict[str, Any]) -> dict[str, float]:
    """Return the costs in USD a token, whatever unit the names say."""
    given: dict[str, Any] = {
        key: value for key, value in model.items() if "cost" in key and _COST.search(key)
    }
    for key in ("cost", "costs", "pricing"):
        if isinstance(model.get(key), Mapping):
            given |= {f"{key}.{inner}": value for inner, value in model[key].items()}
    unit_of_all = next((str(value) for key, value in given.items() if key.endswith((".per", ".unit"))), "")
    costs: dict[str, float] = {}
    for key, value in given.items():
        side = _COST.search(key)
        if side is None or not isinstance(value, (int, float)):
            continue
        divisor = _unit(f"{key} {unit_of_all}".lower().strip())
        if divisor is None:
            made.notes.append(f"{path}.{key}: no unit is given, read as USD a million tokens")
            divisor = 1e6
        costs[_COST_NAMES[side[1]]] = value / divisor
    return costs


_COST_NAMES = {
    "input": "input_cost_per_token",
    "prompt": "input_cost_per_token",
    "output": "output_cost_per_token",
    "completion": "output_cost_per_token",
    "cached": "cache_read_input_token_cost",
}


def _unit(text: str) -> float | None:
    return next((divisor for pattern, divisor in _UNITS if pattern.search(text)), None)


def _info(model: dict[str, Any]) -> dict[str, Any]:
    caps = model.get("caps") or model.get("capabilities") or {}
    info: dict[str, Any] = {}
    if isinstance(caps, list):
        caps = dict.fromkeys(map(str, caps), True)
    window = model.get("context_window") or model.get("max_input_tokens")
    window = window or caps.get("context_window") or caps.get("max_input_tokens") or caps.get("max_tokens")
    if isinstance(window, int):
        info["max_input_tokens"] = window
    for name, key in (("vision", "supports_vision"), ("tools", "supports_function_calling")):
        if name in caps:
            info[key] = bool(caps[name])
    return info


def _breaker(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        return {}
    found: dict[str, Any] = {}
    threshold = given.get("failure_threshold", given.get("max_failures", given.get("threshold")))
    if threshold is not None:
        found["allowed_fails"] = max(int(threshold) - 1, 0)
    for key in (
        "cooldown",
        "cooldown_s",
        "cooldown_seconds",
        "recovery_timeout",
        "reset_timeout",
        "open_for",
    ):
        if given.get(key) is not None:
            found["cooldown_time"] = _seconds(given[key])
    return found


def _settings(made: Imported, data: Mapping[str, Any]) -> None:
    router: dict[str, Any] = {}
    policy = data.get("policy")
    wanted = policy.get("strategy", policy.get("type", "")) if isinstance(policy, Mapping) else policy
    if wanted:
        strategy = next((name for pattern, name in _STRATEGIES if pattern.search(str(wanted).lower())), None)
        if strategy is None:
            made.notes.append(f"policy: {wanted!r} is not known, simple-shuffle is used")
        router["routing_strategy"] = strategy or "simple-shuffle"
    breaker = _breaker(data.get("breaker") or data.get("circuit_breaker"))
    router |= breaker
    if data.get("default_model"):
        router["default_model"] = str(data["default_model"])
    if router:
        made.config["router_settings"] = router
    cache = data.get("cache")
    if cache:
        own = cache if isinstance(cache, Mapping) else {}
        params = {"type": "local", **({"ttl": _seconds(own["ttl"])} if own.get("ttl") is not None else {})}
        made.config["litellm_settings"] = {
            "cache": own.get("enabled", True) is not False,
            "cache_params": params,
        }
    known = {"providers", "policy", "breaker", "circuit_breaker", "cache", "default_model", "version"}
    _note_unused(made, "", data, frozenset(known))


def _note_unused(made: Imported, path: str, given: Mapping[str, Any], known: frozenset[str]) -> None:
    for key in given:
        if key not in known and not (_COST.search(str(key)) and "cost" in str(key)):
            made.notes.append(f"{path}.{key}: not taken over".lstrip("."))


def _seconds(value: Any) -> float:
    return parse_duration_us(value) / 1e6 if isinstance(value, str) else float(value)
