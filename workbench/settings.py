"""The home and its settings: defaults < ``workbench.yaml`` < environment < flags.

One frozen object, made at the edge (a command's start) and handed down; nothing below reads the
environment again. `describe` gives each setting with its sentence, for ``config show`` and the TUI.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from workbench.domain.errors import ConfigError
from workbench.domain.times import parse_duration_us

KEY_NAME = "LITELLM_MASTER_KEY"
PLACEHOLDERS = frozenset(
    {"", "CHANGE_ME", "CHANGEME", "YOUR_API_KEY", "YOUR_KEY", "XXX", "TODO", "REPLACE_ME"}
)
KNOWN_KEYS = frozenset(
    {"sk-1234", "sk-12345", "sk-123", "sk-master", "sk-test", "sk-litellm", "sk-anything", "anything"}
)
"""Master keys printed in public documentation; anybody's first guess."""
MIN_KEY_LENGTH = 16


class Home(msgspec.Struct, frozen=True):
    """The folder that holds everything of one user's workbench, and the places in it."""

    root: Path

    @property
    def config(self) -> Path:
        """LiteLLM's own format: deployments and routing."""
        return self.root / "infra" / "litellm" / "config.yaml"

    @property
    def policy(self) -> Path:
        """Tenants, their limits and keys."""
        return self.root / "infra" / "litellm" / "models-policy.yaml"

    @property
    def settings_file(self) -> Path:
        """Our own settings."""
        return self.root / "workbench.yaml"

    @property
    def env_file(self) -> Path:
        """Keys; mode 0600."""
        return self.root / ".env"

    @property
    def router_dir(self) -> Path:
        """What a running router leaves for those who look for it."""
        return self.root / ".router"

    @property
    def router_json(self) -> Path:
        """Pid, start time, port, version and instance of the running router."""
        return self.router_dir / "router.json"

    @property
    def router_lock(self) -> Path:
        """Held by the running router."""
        return self.router_dir / "router.lock"

    @property
    def artifacts(self) -> Path:
        """The store and the runs' folders."""
        return self.root / "artifacts"

    @property
    def runs(self) -> Path:
        """One folder a run."""
        return self.artifacts / "runs"

    @property
    def store(self) -> Path:
        """The SQLite file."""
        return self.artifacts / "workbench.db"

    @property
    def unrecorded(self) -> Path:
        """Exchanges that the store could not take, one file each."""
        return self.artifacts / "unrecorded"

    @property
    def generated(self) -> Path:
        """One folder a generated app, named like its run."""
        return self.root / "apps" / "generated"

    @property
    def logs(self) -> Path:
        """Logs of the router and of QA."""
        return self.root / "logs"

    @property
    def recipes(self) -> Path:
        """The user's own recipes."""
        return self.root / "recipes"

    @property
    def modules(self) -> Path:
        """The module store: installed dependencies, shared read-only by generated apps."""
        return self.root / ".modules"


def find_home(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> Home:
    """Return the home: the flag, else ``WORKBENCH_HOME``, else the nearest parent that has a router config,
    else the platform's data folder. Whether it exists is not asked here.
    """
    if explicit is not None:
        return Home(explicit.expanduser().resolve())
    if named := environ.get("WORKBENCH_HOME"):
        return Home(Path(named).expanduser().resolve())
    for folder in (cwd, *cwd.parents):
        if Home(folder).config.is_file():
            return Home(folder)
    import platformdirs

    return Home(Path(platformdirs.user_data_dir("workbench")))


_DURATION = r"^(\d+(\.\d+)?(us|ms|s|m|h|d|w))+$"
_SIZE = r"^\d+(\.\d+)?\s?([kKMGT]i?)?B?$"
_PATTERN_MEANINGS = {
    _DURATION: "a duration is needed, such as 90s, 15m, 2h, 30d or 1w",
    _SIZE: "a size is needed, such as 500MB or 5GB",
}
Duration = Annotated[str, Meta(pattern=_DURATION)]
Size = Annotated[str, Meta(pattern=_SIZE)]
Count = Annotated[int, Meta(ge=0)]
Amount = Annotated[float, Meta(ge=0)]


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the sections: frozen, and a key that is not known is an error."""


class RouterSettings(_Section, frozen=True):
    """How the router is served."""

    host: Annotated[str, Meta(description="Address to listen on; anything but loopback is warned about")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on")] = 4000
    max_body_mb: Annotated[float, Meta(gt=0, description="Largest request body, in MB")] = 100
    default_model: Annotated[str | None, Meta(description="Model group of a request that names none")] = None
    drain_s: Annotated[float, Meta(ge=0, description="Seconds a stopping router lets streams finish")] = 30


class RecordingSettings(_Section, frozen=True):
    """What is recorded, and what happens when it can't be."""

    required: Annotated[bool, Meta(description="Refuse requests (503) while the store can't be written")] = (
        False
    )
    redact: Annotated[bool, Meta(description="Replace secrets before anything is written")] = True
    ack_deadline_s: Annotated[
        float, Meta(gt=0, description="Longest wait for the commit before the answer's end is sent")
    ] = 2.0
    flush_interval_s: Annotated[
        float, Meta(gt=0, description="How often a long stream is written while it runs")
    ] = 1.0


class RetentionSettings(_Section, frozen=True):
    """What `prune` and the router's background pruning keep. Pinned and running things are always kept."""

    max_age: Annotated[Duration | None, Meta(description="Exchanges and runs older than this go")] = "90d"
    max_size: Annotated[Size | None, Meta(description="Live bytes of the store; the oldest go first")] = "5GB"
    max_runs: Annotated[Count | None, Meta(description="Workflow and replay runs kept")] = None
    bodies_older_than: Annotated[
        Duration | None, Meta(description="Bodies older than this go, their rows stay")
    ] = None
    generated_older_than: Annotated[
        Duration | None, Meta(description="Generated apps older than this go, their runs stay")
    ] = None
    modules_older_than: Annotated[
        Duration | None, Meta(description="Toolchains of the module store unused for this long go")
    ] = "30d"
    logs_older_than: Annotated[Duration | None, Meta(description="Log files older than this go")] = "30d"
    interval: Annotated[Duration, Meta(description="How often the router applies this; 0s: never")] = "10m"


class WorkflowSettings(_Section, frozen=True):
    """Defaults of `generate`."""

    model: Annotated[str, Meta(description="Model group that writes")] = "demo"
    recipe: Annotated[str, Meta(description="Recipe used when none is named")] = "python-lib"
    max_repairs: Annotated[int, Meta(ge=0, le=10, description="Rounds of repair")] = 3
    max_parallel: Annotated[int, Meta(ge=1, le=16, description="Files asked for at the same time")] = 3
    budget_usd: Annotated[Amount | None, Meta(description="Most that one run may cost, in USD")] = 1.0
    budget_tokens: Annotated[Count | None, Meta(description="Most tokens one run may use")] = 400_000
    max_wall: Annotated[Duration, Meta(description="Longest time of one run")] = "20m"


class TuiSettings(_Section, frozen=True):
    """The terminal app."""

    theme: Annotated[str, Meta(description="Theme's name")] = "workbench-dark"
    mouse: Annotated[bool, Meta(description="Take the mouse; off lets the terminal select text")] = True
    tail: Annotated[bool, Meta(description="Follow new exchanges at start")] = True


class Settings(_Section, frozen=True):
    """All settings of one home."""

    router: RouterSettings = RouterSettings()
    recording: RecordingSettings = RecordingSettings()
    retention: RetentionSettings = RetentionSettings()
    workflow: WorkflowSettings = WorkflowSettings()
    tui: TuiSettings = TuiSettings()


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
    for pattern, meaning in _PATTERN_MEANINGS.items():
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


class Setting(msgspec.Struct, frozen=True):
    """One setting for people: dotted name, value, default and its sentence."""

    name: str
    value: Any
    default: Any
    sentence: str


def describe(settings: Settings) -> Iterator[Setting]:
    """Yield every setting with its sentence, in the order of the file."""
    for section in msgspec.structs.fields(Settings):
        values = getattr(settings, section.name)
        for field in msgspec.structs.fields(type(values)):
            info = msgspec.inspect.type_info(field.type)
            sentence = _description(info)
            yield Setting(
                f"{section.name}.{field.name}", getattr(values, field.name), field.default, sentence
            )


def _description(info: Any) -> str:
    extra = getattr(info, "extra_json_schema", None) or {}
    return str(extra.get("description", ""))


def parse_size(text: str) -> int:
    """Return bytes for ``5GB``, ``500 MB``, ``2GiB`` or a bare number. Raises ValueError otherwise."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s?([kKMGT]?)(i?)B?", text.strip())
    if match is None:
        msg = f"not a size: {text!r} (write 500MB or 5GB)"
        raise ValueError(msg)
    power = " kMGT".index(match[2].replace("K", "k")) if match[2] else 0
    return int(float(match[1]) * (1024 if match[3] else 1000) ** power)


def seconds(duration: str) -> float:
    """Return the seconds of a setting such as ``10m``. Raises ValueError for what is no duration."""
    return parse_duration_us(duration) / 1e6


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
