"""Profiles: named sets of router settings over those of the config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from workbench.domain.errors import ConfigError
from workbench.domain.yaml_position import nearest
from workbench.routing.config import RouterConfig, RoutingSettings
from workbench.routing.strategy import STRATEGIES

PROFILES: dict[str, dict[str, Any]] = {
    "reliability": {
        "strategy": "latency-based-routing",
        "num_retries": 4,
        "allowed_fails": 1,
        "cooldown_s": 15.0,
        "queue_s": 10.0,
    },
    "balanced": {},
    "cost": {"strategy": "cost-based-routing", "num_retries": 1},
}
"""``balanced`` is the config as it stands."""


def with_profile(
    config: RouterConfig, name: str | None, own: Mapping[str, Mapping[str, Any]] | None = None
) -> RouterConfig:
    """Return the configuration with a profile's settings on top; None leaves it as it is.

    `own` are the user's profiles (members of `RoutingSettings`). Raises ConfigError for an unknown one.
    """
    if name is None:
        return config
    known = {**PROFILES, **(own or {})}
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean {near!r}?" if near else f"one of {', '.join(known)}"
        raise ConfigError(f"unknown profile {name!r}", path="router_settings.profile", hint=hint)
    given = {**msgspec.structs.asdict(config.settings), **known[name]}
    for key in known[name]:
        if key not in RoutingSettings.__struct_fields__:
            like = nearest(key, RoutingSettings.__struct_fields__)
            hint = f"did you mean {like!r}?" if like else "see docs/router.md"
            raise ConfigError(f"unknown setting {key!r}", path=f"profiles.{name}.{key}", hint=hint)
    try:
        settings = msgspec.convert(given, RoutingSettings)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error), path=f"profiles.{name}") from None
    if settings.strategy not in STRATEGIES:
        raise ConfigError(f"unknown strategy {settings.strategy!r}", path=f"profiles.{name}.strategy")
    return msgspec.structs.replace(config, settings=settings, profile=name)
