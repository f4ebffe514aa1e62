"""Reading the settings: defaults < ``workbench.yaml`` < environment < flags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from workbench.domain.errors import ConfigError
from workbench.settings.home import Home
from workbench.settings.sections import PATTERN_MEANINGS, Settings

ENVIRONMENT: dict[str, str] = {
    "WORKBENCH_HOST": "router.host",
    "WORKBENCH_PORT": "router.port",
    "LLMROUTER_DEFAULT_MODEL": "router.default_model",
    "WORKBENCH_MODEL": "workflow.model",
    "WORKBENCH_THEME": "tui.theme",
}
"""Environment variable -> the setting it overrides."""


def load_settings(
    home: Home, environ: Mapping[str, str], overrides: Mapping[str, Any] | None = None
) -> Settings:
    """Return the home's settings; `overrides` maps dotted names (``router.port``) to values from flags.

    Raises ConfigError with file, line, path and the nearest right key.
    """
    data, text = _read_yaml(home.settings_file)
    _convert(data, text, home.settings_file)
    for variable, dotted in ENVIRONMENT.items():
        if value := environ.get(variable):
            _set(data, dotted, value)
            _convert(data, "", Path(variable), strict=False)
    for dotted, value in (overrides or {}).items():
        if value is not None:
            _set(data, dotted, value)
    return _convert(data, text, home.settings_file, strict=False)


def _read_yaml(path: Path) -> tuple[dict[str, Any], str]:
    import yaml  # 30 ms that finding a home, and with it the first frame of the TUI, need not wait for

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}, ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"can't be read: {error}", file=str(path)) from None
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(
            f"not YAML: {problem}", file=str(path), line=mark.line + 1 if mark else None
        ) from None
    if data is None:
        return {}, text
    if not isinstance(data, dict):
        raise ConfigError("a mapping of settings is needed", file=str(path), line=1)
    # A section whose lines are all commented out is an empty one.
    return {name: {} if value is None else value for name, value in data.items()}, text


def _convert(data: dict[str, Any], text: str, file: Path, *, strict: bool = True) -> Settings:
    try:
        return msgspec.convert(data, Settings, strict=strict)
    except msgspec.ValidationError as error:
        raise _explain(error, text, file) from None


_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.S)
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")


def _explain(error: msgspec.ValidationError, text: str, file: Path) -> ConfigError:
    from workbench.domain.yaml_position import line_of, nearest, split_path

    match = _AT.match(str(error))
    what, path = (match["what"], match["path"] or "$") if match else (str(error), "$")
    steps = split_path(path)
    hint = None
    for pattern, meaning in PATTERN_MEANINGS.items():
        what = what.replace(f"Expected `str` matching regex {pattern!r}", meaning)
    if unknown := _UNKNOWN.search(what):
        near = nearest(unknown[1], _fields_at(steps))
        what = f"unknown setting {unknown[1]!r}"
        hint = f"did you mean {near!r}?" if near else "workbench config show lists the settings"
        steps.append(unknown[1])
    dotted = ".".join(str(step) for step in steps)
    return ConfigError(
        what, file=str(file), line=line_of(text, steps) if text else None, path=dotted or None, hint=hint
    )


def _fields_at(steps: list[str | int]) -> list[str]:
    kind: Any = Settings
    for step in steps:
        kind = next((field.type for field in msgspec.structs.fields(kind) if field.name == step), None)
        if kind is None:
            return []
    return [field.name for field in msgspec.structs.fields(kind)]


def _set(data: dict[str, Any], dotted: str, value: Any) -> None:
    section, name = dotted.split(".")
    inner = data.setdefault(section, {})
    if isinstance(inner, dict):
        inner[name] = value
