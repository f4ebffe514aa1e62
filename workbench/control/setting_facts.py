"""Every setting for people: its sentence, its value, where that comes from, and what values it takes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import yaml

from workbench.domain.yaml_position import line_of
from workbench.settings.home import Home
from workbench.settings.keys import merged_environment
from workbench.settings.load import ENVIRONMENT, load_settings
from workbench.settings.sections import Duration, Setting, Settings, Size, describe

Origin = Literal["default", "file", "environment"]


class SettingFacts(msgspec.Struct, frozen=True):
    """One setting. `where` says where the value stands: ``workbench.yaml:3``, ``WORKBENCH_PORT in .env``."""

    setting: Setting
    origin: Origin
    where: str
    written: Any
    """What the file says, UNSET where it says nothing; the environment may say something else."""
    takes: str
    """What may be written: ``a whole number, 0 to 65535``."""
    optional: bool
    """Whether it may be none."""

    @property
    def name(self) -> str:
        """The dotted name."""
        return self.setting.name

    @property
    def is_switch(self) -> bool:
        """Whether it is on or off."""
        return isinstance(self.setting.default, bool)


def setting_facts(home: Home, environ: Mapping[str, str] | None = None) -> list[SettingFacts]:
    """Return every setting in the order of the file. Raises ConfigError."""
    real = os.environ if environ is None else environ
    settings = load_settings(home, merged_environment(home, real))
    in_file = _in_file(home)
    variables = {name: variable for variable, name in ENVIRONMENT.items()}
    return [
        _facts(setting, in_file.get(setting.name), _variable(variables.get(setting.name), home, real))
        for setting in describe(settings)
    ]


def _facts(setting: Setting, in_file: tuple[int, Any] | None, variable: str | None) -> SettingFacts:
    origin: Origin = "default"
    where = "default"
    if variable is not None:
        origin, where = "environment", variable
    elif in_file is not None:
        origin, where = "file", f"workbench.yaml:{in_file[0]}"
    takes, optional = _takes(setting.name)
    written = msgspec.UNSET if in_file is None else in_file[1]
    return SettingFacts(setting, origin, where, written, takes, optional)


def _variable(name: str | None, home: Home, real: Mapping[str, str]) -> str | None:
    """Return the variable that sets it, and whether it stands in ``.env``; None where none does."""
    if name is None or not merged_environment(home, real).get(name):
        return None
    return name if real.get(name) else f"{name} in .env"


def _in_file(home: Home) -> dict[str, tuple[int, Any]]:
    """Return dotted name -> line and value of what the file sets. It was read before, so it is a mapping."""
    try:
        text = home.settings_file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    data: dict[str, Any] = yaml.safe_load(text) or {}
    return {
        f"{section}.{key}": (line_of(text, [section, key]) or 1, value)
        for section, values in data.items()
        for key, value in (values or {}).items()
    }


def _takes(name: str) -> tuple[str, bool]:
    """Return what a setting takes, for people, and whether none is allowed."""
    section, key = name.split(".")
    sections = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    kinds = {field.name: field.type for field in msgspec.structs.fields(sections[section])}
    kind: Any = msgspec.inspect.type_info(kinds[key])
    while isinstance(kind, msgspec.inspect.Metadata):
        kind = kind.type
    parts = kind.types if isinstance(kind, msgspec.inspect.UnionType) else (kind,)
    optional = any(isinstance(part, msgspec.inspect.NoneType) for part in parts)
    return next(_words(part) for part in parts if not isinstance(part, msgspec.inspect.NoneType)), optional


def _words(kind: Any) -> str:
    while isinstance(kind, msgspec.inspect.Metadata):
        kind = kind.type
    if isinstance(kind, msgspec.inspect.BoolType):
        return "true or false"
    if isinstance(kind, msgspec.inspect.IntType | msgspec.inspect.FloatType):
        whole = "a whole number" if isinstance(kind, msgspec.inspect.IntType) else "a number"
        return whole + _range(kind)
    patterns = {_pattern(Duration): "a duration: 90s, 15m, 2h, 30d", _pattern(Size): "a size: 500MB, 5GB"}
    return patterns.get(getattr(kind, "pattern", None), "text")


def _range(kind: Any) -> str:
    low = f"{kind.ge:g}" if kind.ge is not None else f"more than {kind.gt:g}" if kind.gt is not None else ""
    if kind.le is not None:
        return f", {low} to {kind.le:g}"
    return f", {low}" + (" or more" if kind.ge is not None else "") if low else ""


def _pattern(kind: Any) -> str | None:
    return getattr(msgspec.inspect.type_info(kind), "pattern", None)
