"""Keys: the home's ``.env``, the environment over it, and the master key, which all resolve alike."""

from __future__ import annotations

import os
from collections.abc import Mapping

from workbench.domain.errors import ConfigError
from workbench.settings.home import Home

KEY_NAME = "LITELLM_MASTER_KEY"
PLACEHOLDERS = frozenset(
    {"", "CHANGE_ME", "CHANGEME", "YOUR_API_KEY", "YOUR_KEY", "XXX", "TODO", "REPLACE_ME"}
)
KNOWN_KEYS = frozenset(
    {"sk-1234", "sk-12345", "sk-123", "sk-master", "sk-test", "sk-litellm", "sk-anything", "anything"}
)
"""Master keys printed in public documentation; anybody's first guess."""
MIN_KEY_LENGTH = 16


def read_env(home: Home) -> dict[str, str]:
    """Return the variables of the home's ``.env``; placeholder values count as unset."""
    if not home.env_file.is_file():
        return {}
    from dotenv import dotenv_values

    values = dotenv_values(home.env_file, interpolate=False)
    return {name: value for name, value in values.items() if value is not None and not is_placeholder(value)}


def is_placeholder(value: str) -> bool:
    """Tell whether a key's value is only there to be replaced."""
    return value.strip().upper() in PLACEHOLDERS or value.strip().startswith("<")


def merged_environment(home: Home, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the process's environment over the home's ``.env``, without placeholder keys."""
    real = {name: value for name, value in (os.environ if environ is None else environ).items() if value}
    return {**read_env(home), **{name: value for name, value in real.items() if not is_placeholder(value)}}


def resolve_key(home: Home, config_key: str | None, environ: Mapping[str, str]) -> str | None:
    """Return the master key: the config's own, else the environment's, else ``.env``'s, else None.

    Raises ConfigError for a key that is publicly known or short.
    """
    for key, source in (
        (config_key, "general_settings.master_key"),
        (environ.get(KEY_NAME), f"environment variable {KEY_NAME}"),
        (read_env(home).get(KEY_NAME), str(home.env_file)),
    ):
        if key and not is_placeholder(key):
            check_key(key, source)
            return key
    return None


def check_key(key: str, source: str) -> None:
    """Raise ConfigError when the master key is anybody's first guess."""
    if key.lower() in KNOWN_KEYS:
        problem = "is publicly known (it stands in documentation)"
    elif len(key) < MIN_KEY_LENGTH:
        problem = f"is shorter than {MIN_KEY_LENGTH} characters"
    else:
        return
    make = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
    hint = f"{make}   # a good one; put it there as {KEY_NAME}"
    raise ConfigError(f"the master key {problem}", file=source, hint=hint)
