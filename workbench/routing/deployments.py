"""From one ``model_list`` entry to one Deployment: which provider, which address, which key, which limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from workbench.providers.provider import OPENAI_ENDPOINTS, Deployment, Price, Secret, Timeouts
from workbench.providers.wire_table import WireFacts, known_providers, wire_providers
from workbench.routing.config_schema import Entry, Info, Params, RouterSection, field_names
from workbench.settings.keys import is_placeholder

# Names without a prefix, as litellm infers them.
_INFERRED = (
    ("openai", ("gpt-", "chatgpt-", "o1", "o3", "o4", "text-embedding-", "ft:gpt", "babbage-", "davinci-")),
    ("anthropic", ("claude-",)),
    ("gemini", ("gemini-",)),
    ("deepseek", ("deepseek-chat", "deepseek-reasoner")),
    ("mistral", ("mistral-", "codestral-")),
)
_PRICE_KEYS = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cached": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
    "reasoning": "output_cost_per_reasoning_token",
}
# Named in the schema only so that their type is checked; they still belong into the upstream's call.
_FOR_LITELLM = ("api_version", "organization", "region_name", "drop_params")


def split_model(params: Params) -> tuple[str, str] | None:
    """Return (provider, upstream's model name), or None when the provider can't be told."""
    prefix, slash, rest = params.model.partition("/")
    if params.custom_llm_provider:
        own = params.custom_llm_provider
        return own, params.model.removeprefix(f"{own}/")
    if slash and prefix in known_providers():
        return prefix, rest
    if params.model == "*":
        return ANY, "*"
    for provider, starts in _INFERRED:
        if params.model.startswith(starts):
            return provider, params.model
    return ("openai", params.model) if params.api_base or params.base_url else None


ANY = "any"
"""The provider of ``model: "*"``: whichever the asked name begins with."""


class Builder:
    """Makes deployments of one file; numbers those of the same group and provider."""

    def __init__(
        self, section: RouterSection, environ: Mapping[str, str], default_timeout_s: float | None
    ) -> None:
        self._section = section
        self._environ = environ
        self._default_timeout_s = default_timeout_s
        self._seen: dict[str, int] = {}

    def build(self, entry: Entry, raw: Mapping[str, Any]) -> Deployment:
        """Return the deployment; `raw` is the entry's mapping before ``os.environ/`` was resolved."""
        params, info = entry.litellm_params, entry.model_info
        split = split_model(params)
        provider, model = split or ("unknown", params.model)
        facts = wire_providers().get(provider) or WireFacts(adapter="litellm")
        key, missing = self._key(params, facts, raw)
        adapter = "echo" if params.mock_response is not None else facts.adapter
        base = self._base(params, facts)
        reason = self._reason(entry, adapter, base, split is None, missing)
        return Deployment(
            id=info.id or self._id(entry.model_name, provider),
            group=entry.model_name,
            provider=provider,
            adapter=adapter,
            model=model,
            api_base=base,
            api_key=Secret(key) if key else None,
            endpoints=_endpoints(facts, info, adapter),
            headers=[*params.headers.items(), *params.extra_headers.items()],
            params=_extras(raw, params, adapter),
            wire=facts.rule(),
            info={name: value for name, value in (raw.get("model_info") or {}).items() if value is not None},
            enabled=reason is None,
            disabled_reason=reason,
            timeouts=self._timeouts(params, stream=False),
            stream_timeouts=self._timeouts(params, stream=True),
            order=_first(params.order, info.order, 0),
            weight=params.weight,
            rpm=params.rpm,
            tpm=params.tpm,
            itpm=params.itpm,
            otpm=params.otpm,
            rpd=params.rpd,
            tpd=params.tpd,
            max_parallel=_first(params.max_parallel_requests, self._section.default_max_parallel_requests),
            num_retries=_first(params.num_retries, params.max_retries),
            cooldown_s=_first(params.cooldown_time, info.cooldown_time),
            allowed_fails=info.allowed_fails,
            tags=tuple(params.tags),
            price=_price(params, info),
            max_budget_usd=params.max_budget,
            budget_duration=params.budget_duration,
            max_input_tokens=info.max_input_tokens,
        )

    def templates(self) -> dict[str, Deployment]:
        """Return a deployment for each wire provider, for ``model: "*"``; keys from the environment."""
        made = {}
        for provider, facts in wire_providers().items():
            if facts.adapter == "wire":
                params = Params(model=f"{provider}/*")
                made[provider] = self.build(Entry(model_name=f"{provider}/*", litellm_params=params), {})
        return made

    def _id(self, group: str, provider: str) -> str:
        name = f"{group}:{provider}"
        self._seen[name] = number = self._seen.get(name, 0) + 1
        return name if number == 1 else f"{name}:{number}"

    def _key(self, params: Params, facts: WireFacts, raw: Mapping[str, Any]) -> tuple[str | None, str | None]:
        """Return (key, why it is missing)."""
        if params.api_key:
            return (
                (None, "its api_key is a placeholder")
                if is_placeholder(params.api_key)
                else (params.api_key, None)
            )
        named = (raw.get("litellm_params") or {}).get("api_key")
        if isinstance(named, str) and named.startswith("os.environ/"):
            return None, f"{named.removeprefix('os.environ/')} is not set"
        for name in facts.key_env:
            if self._environ.get(name):
                return self._environ[name], None
        if facts.keyless or not facts.key_env or params.api_base or params.base_url:
            return None, None
        return None, f"{' or '.join(facts.key_env[:2])} is not set"

    def _base(self, params: Params, facts: WireFacts) -> str | None:
        base = params.api_base or params.base_url
        base = base or next((self._environ[name] for name in facts.base_env if self._environ.get(name)), None)
        base = (base or facts.api_base or "").rstrip("/")
        if base and "://" not in base:
            base = f"http://{base}"
        if base and facts.suffix and not base.endswith(facts.suffix):
            base += facts.suffix
        return base or None

    def _reason(
        self, entry: Entry, adapter: str, base: str | None, unknown: bool, missing: str | None
    ) -> str | None:
        if entry.blocked or entry.model_info.blocked:
            return "blocked in the config"
        if adapter == "echo" or entry.litellm_params.model == "*":
            return None
        if unknown:
            model = entry.litellm_params.model
            return f"no provider can be told from {model!r}: write openai/{model} with an api_base"
        if adapter == "wire" and base is None:
            return "api_base is not set"
        return missing

    def _timeouts(self, params: Params, *, stream: bool) -> Timeouts:
        own = params.timeout or self._section.timeout or self._default_timeout_s
        first = params.stream_timeout or self._section.stream_timeout if stream else None
        defaults = Timeouts()
        total = own or defaults.total_s
        between = self._section.chunk_timeout or defaults.between_s
        return Timeouts(
            connect_s=min(self._section.connect_timeout or defaults.connect_s, total),
            first_byte_s=min(first or self._section.first_byte_timeout or defaults.first_byte_s, total),
            between_s=min(first or between, total),
            total_s=total,
        )


def _endpoints(facts: WireFacts, info: Info, adapter: str) -> frozenset[str]:
    if adapter == "litellm":
        return frozenset({"/v1/chat/completions", "/v1/embeddings"})
    if info.supported_endpoints:
        return frozenset(info.supported_endpoints)
    return facts.endpoints if adapter == "wire" else OPENAI_ENDPOINTS


def _extras(raw: Mapping[str, Any], params: Params, adapter: str) -> dict[str, Any]:
    given = raw.get("litellm_params") or {}
    known = set(field_names(Params)) - (set(_FOR_LITELLM) if adapter == "litellm" else set())
    extras = {name: value for name, value in given.items() if name not in known and value is not None}
    if params.mock_response is not None:
        extras["mock_response"] = params.mock_response
    return extras


def _price(params: Params, info: Info) -> Price | None:
    given = {
        ours: _first(getattr(params, theirs), getattr(info, theirs)) for ours, theirs in _PRICE_KEYS.items()
    }
    if all(value is None for value in given.values()):
        return None
    return msgspec.convert({**given, "source": "config"}, Price)


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)
