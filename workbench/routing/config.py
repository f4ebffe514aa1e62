"""The router's configuration as one value, and the door that loads it from LiteLLM's ``config.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from workbench.providers.provider import Deployment, Secret
from workbench.routing.config_notice import Notice
from workbench.routing.tenants import Policy
from workbench.settings.home import Home


class Alias(msgspec.Struct, frozen=True):
    """Another name of a group; a hidden one is not listed."""

    target: str
    hidden: bool = False


class Fallbacks(msgspec.Struct, frozen=True, kw_only=True):
    """Which groups follow a group that is exhausted. Keys are group names or ``*``."""

    general: Mapping[str, tuple[str, ...]] = {}
    context_window: Mapping[str, tuple[str, ...]] = {}
    content_policy: Mapping[str, tuple[str, ...]] = {}
    default: tuple[str, ...] = ()
    max_fallbacks: int = 5


class RoutingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``router_settings``, with LiteLLM's defaults."""

    strategy: str = "simple-shuffle"
    strategy_args: Mapping[str, Any] = {}
    num_retries: int = 2
    retry_after_s: float = 0.0
    """The least wait before a retry."""
    max_retry_after_s: float = 60.0
    retry_policy: Mapping[str, int] = {}
    group_retry_policy: Mapping[str, Mapping[str, int]] = {}
    cooldown_s: float = 5.0
    allowed_fails: int = 3
    allowed_fails_policy: Mapping[str, int] = {}
    failure_rate: float = 0.5
    failure_window_s: float = 60.0
    failure_min_requests: int = 5
    disable_cooldowns: bool = False
    pre_call_checks: bool = False
    tag_filtering: bool = False
    queue_s: float = 2.0
    """How long a request may wait for a free slot or a free minute before the next deployment is taken."""
    budget_s: float | None = None
    """Time for all attempts together until the first byte; None: the deployment's total timeout."""
    provider_budgets: Mapping[str, Mapping[str, Any]] = {}
    policy_hook: str | None = None
    policy_hook_timeout_s: float = 0.25


class CacheSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The answer cache; off unless asked for."""

    enabled: bool = False
    ttl_s: float = 600.0
    max_mb: float = 64.0


class RouterConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the router needs to know; replaced as a whole by a reload."""

    deployments: tuple[Deployment, ...] = ()
    settings: RoutingSettings = RoutingSettings()
    fallbacks: Fallbacks = Fallbacks()
    aliases: Mapping[str, Alias] = {}
    templates: Mapping[str, Deployment] = {}
    """A deployment for each provider, where the config has ``model: "*"``."""
    cache: CacheSettings = CacheSettings()
    master_key: Secret | None = None
    default_model: str | None = None
    profile: str | None = None
    own_profiles: Mapping[str, Mapping[str, Any]] = {}
    """The user's profiles, from the policy file."""
    policy: Policy = Policy()
    background_health_checks: bool = False
    health_check_interval_s: float = 300.0
    notices: tuple[Notice, ...] = ()
    files: tuple[Path, ...] = ()
    """Files whose change calls for a reload."""


def load_config(home: Home, environ: Mapping[str, str]) -> RouterConfig:
    """Return the home's router configuration with the built-in groups; a missing file means only those.

    `environ` is the merged environment (`settings.merged_environment`). Raises ConfigError with file, line,
    path and the nearest right key.
    """
    from workbench.routing.config_load import load_files

    return load_files(home.config, home.policy, environ)
