"""LiteLLM's ``config.yaml`` as types, and what is known about keys that are not ours to honour.

The structs name every key the router acts on; anything else is told to the user by `unknown`.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Params(msgspec.Struct, kw_only=True):
    """``litellm_params``. What is not named here is sent upstream where the client gave no such member."""

    model: str
    custom_llm_provider: str | None = None
    api_base: str | None = None
    base_url: str | None = None
    api_key: str | None = None
    api_version: str | None = None
    organization: str | None = None
    region_name: str | None = None
    litellm_credential_name: str | None = None
    rpm: int | None = None
    tpm: int | None = None
    itpm: int | None = None
    otpm: int | None = None
    rpd: int | None = None
    tpd: int | None = None
    weight: float | None = None
    order: int | None = None
    timeout: float | None = None
    stream_timeout: float | None = None
    max_retries: int | None = None
    num_retries: int | None = None
    cooldown_time: float | None = None
    max_parallel_requests: int | None = None
    tags: list[str] = []
    drop_params: bool | None = None
    max_budget: float | None = None
    budget_duration: str | None = None
    mock_response: str | None = None
    extra_headers: dict[str, str] = {}
    headers: dict[str, str] = {}
    input_cost_per_token: float | None = None
    output_cost_per_token: float | None = None
    cache_read_input_token_cost: float | None = None
    cache_creation_input_token_cost: float | None = None
    output_cost_per_reasoning_token: float | None = None


class Info(msgspec.Struct, kw_only=True):
    """``model_info``; its other keys are kept and shown."""

    id: str | None = None
    mode: str | None = None
    base_model: str | None = None
    max_input_tokens: int | None = None
    allowed_fails: int | None = None
    cooldown_time: float | None = None
    order: int | None = None
    blocked: bool | None = None
    supported_endpoints: list[str] | None = None
    input_cost_per_token: float | None = None
    output_cost_per_token: float | None = None
    cache_read_input_token_cost: float | None = None
    cache_creation_input_token_cost: float | None = None
    output_cost_per_reasoning_token: float | None = None


class Entry(msgspec.Struct, kw_only=True):
    """One ``model_list`` entry."""

    model_name: str
    litellm_params: Params
    model_info: Info = msgspec.field(default_factory=Info)
    blocked: bool | None = None


class RouterSection(msgspec.Struct, kw_only=True):
    """``router_settings``; the last block is ours, LiteLLM ignores it."""

    routing_strategy: str = "simple-shuffle"
    routing_strategy_args: dict[str, Any] = {}
    num_retries: int | None = None
    max_fallbacks: int = 5
    timeout: float | None = None
    stream_timeout: float | None = None
    retry_after: float = 0
    retry_policy: dict[str, int | None] = {}
    model_group_retry_policy: dict[str, dict[str, int | None]] = {}
    cooldown_time: float = 5
    allowed_fails: int = 3
    allowed_fails_policy: dict[str, int | None] = {}
    disable_cooldowns: bool = False
    enable_pre_call_checks: bool = False
    enable_tag_filtering: bool = False
    model_group_alias: dict[str, str | dict[str, Any]] = {}
    fallbacks: list[dict[str, list[str]]] = []
    context_window_fallbacks: list[dict[str, list[str]]] = []
    content_policy_fallbacks: list[dict[str, list[str]]] = []
    default_fallbacks: list[str] = []
    default_max_parallel_requests: int | None = None
    default_litellm_params: dict[str, Any] = {}
    provider_budget_config: dict[str, dict[str, Any]] = {}
    cache_responses: bool | None = None
    ignore_invalid_deployments: bool | None = None

    profile: str | None = None
    default_model: str | None = None
    connect_timeout: float | None = None
    first_byte_timeout: float | None = None
    chunk_timeout: float | None = None
    time_budget: float | None = None
    queue_timeout: float = 2.0
    failure_rate: float = 0.5
    failure_window: float = 60.0
    failure_min_requests: int = 5
    policy_hook: str | None = None
    policy_hook_timeout: float = 0.25


class LitellmSection(msgspec.Struct, kw_only=True):
    """``litellm_settings``."""

    cache: bool = False
    cache_params: dict[str, Any] = {}
    num_retries: int | None = None
    request_timeout: float | None = None
    drop_params: bool = False
    callbacks: Any = None
    success_callback: Any = None
    failure_callback: Any = None
    fallbacks: list[dict[str, list[str]]] | None = None
    context_window_fallbacks: list[dict[str, list[str]]] | None = None
    content_policy_fallbacks: list[dict[str, list[str]]] | None = None
    default_fallbacks: list[str] | None = None
    allowed_fails: int | None = None
    set_verbose: bool | None = None
    json_logs: bool | None = None


class GeneralSection(msgspec.Struct, kw_only=True):
    """``general_settings``."""

    master_key: str | None = None
    completion_model: str | None = None
    background_health_checks: bool = False
    health_check_interval: float = 300


TOP_LEVEL = (
    "model_list",
    "router_settings",
    "litellm_settings",
    "general_settings",
    "environment_variables",
    "include",
    "credential_list",
)

IGNORED_TOP = {
    "mcp_servers": "MCP servers are not served",
    "guardrails": "guardrails are not run",
    "callback_settings": "callbacks are not run; the router's own metrics and records replace them",
    "finetune_settings": "fine-tuning is not served",
    "files_settings": "the files API is not served",
    "vector_store_registry": "vector stores are not served",
    "search_tools": "search tools are not served",
    "prompts": "prompt management is not served",
}

IGNORED_ROUTER = {
    **dict.fromkeys(
        ("redis_url", "redis_host", "redis_port", "redis_password", "redis_db"),
        "one router a home: state is in the process",
    ),
    **dict.fromkeys(
        ("cache_kwargs", "caching_groups", "client_ttl"), "the answer cache is set in cache_params"
    ),
    **dict.fromkeys(("polling_interval", "default_priority"), "there is no priority queue"),
    **dict.fromkeys(("set_verbose", "debug_level"), "see workbench router logs"),
    **dict.fromkeys(
        (
            "assistants_config",
            "search_tools",
            "guardrail_list",
            "plugins",
            "routing_groups",
            "alerting_config",
        ),
        "LiteLLM's own feature, not a router setting here",
    ),
    **dict.fromkeys(
        (
            "optional_pre_call_checks",
            "deployment_affinity_ttl_seconds",
            "model_group_affinity_config",
            "tag_filtering_match_any",
            "tag_routing_prefix",
            "router_general_settings",
            "enable_health_check_routing",
            "health_check_staleness_threshold",
            "health_check_ignore_transient_errors",
            "background_health_check_model_groups",
            "enable_weighted_failover",
            "fallback_access_check",
            "fallback_budget_check",
            "auto_router_capability_limit",
            "fallback_on_unsupported_params",
            "enable_mid_stream_fallback_continuation",
        ),
        "not supported by this router",
    ),
}

IGNORED_LITELLM = {
    "callbacks": "callbacks are not run; every exchange is recorded",
    "success_callback": "callbacks are not run; every exchange is recorded",
    "failure_callback": "callbacks are not run; every exchange is recorded",
    "drop_params": "the wire passes parameters on as they are; only litellm's own providers honour it",
    "set_verbose": "see workbench router logs",
    "json_logs": "logs are structured already",
}

IGNORED_GENERAL = {
    "database_url": "there is no database but the store in the home",
    "store_model_in_db": "models come from this file only",
    "alerting": "alerts are made from /internal/metrics",
    "max_parallel_requests": "set max_parallel_requests on a deployment",
    "proxy_batch_write_at": "records are written at once",
}


def field_names(schema: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the keys of a section."""
    return tuple(field.name for field in msgspec.structs.fields(schema))
