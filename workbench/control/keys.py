"""The master key as the router resolves it: config, then environment, then ``.env``.

Only ``general_settings.master_key`` is read here; the rest of the config is the router's business.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from workbench.domain.errors import ConfigError
from workbench.settings.home import Home
from workbench.settings.keys import KEY_NAME, merged_environment, resolve_key

_REFERENCE = "os.environ/"


def master_key(home: Home, environ: Mapping[str, str] | None = None) -> str:
    """Return the home's master key. Raises ConfigError when there is none, or a weak one."""
    real = os.environ if environ is None else environ
    key = resolve_key(home, config_key(home, merged_environment(home, real)), real)
    if key is None:
        raise ConfigError(
            "no LITELLM_MASTER_KEY",
            file=str(home.env_file),
            hint=f"workbench --home {home.root} router start   # draws one",
        )
    return key


def config_key(home: Home, environ: Mapping[str, str]) -> str | None:
    """Return ``general_settings.master_key``, ``os.environ/X`` resolved; None when the config has none."""
    value = _general(home.config, set()).get("master_key")
    if value == _REFERENCE + KEY_NAME:
        return None  # what comes next in any case; an error then names the place where the key stands
    if isinstance(value, str) and value.startswith(_REFERENCE):
        return environ.get(value.removeprefix(_REFERENCE))
    return value if isinstance(value, str) else None


def _general(path: Path, seen: set[Path]) -> dict[str, Any]:
    """Return ``general_settings`` of a config; an included file's replaces its includer's."""
    if path in seen:
        return {}
    seen.add(path)
    try:
        data = yaml.safe_load(path.read_bytes())
    except (OSError, yaml.YAMLError):
        return {}  # whoever needs the whole config says what is wrong with it
    if not isinstance(data, dict):
        return {}
    found = data.get("general_settings")
    general: dict[str, Any] = found if isinstance(found, dict) else {}
    includes = data.get("include")
    for name in includes if isinstance(includes, list) else []:
        general = _general((path.parent / str(name)).resolve(), seen) or general
    return general
