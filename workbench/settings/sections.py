"""The settings of one home: one frozen object, each field with its sentence.

It is made at the edge (a command's start, `load`) and handed down; nothing below reads the environment again.
`describe` gives each setting with its sentence, for ``config show`` and the TUI.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta

_DURATION = r"^(\d+(\.\d+)?(us|ms|s|m|h|d|w))+$"
_SIZE = r"^\d+(\.\d+)?\s?([kKMGT]i?)?B?$"
PATTERN_MEANINGS = {
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
