"""How the recorder is doing, for health, metrics and the TUI."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from workbench.domain.errors import StoreUnavailable


class RecorderState(msgspec.Struct, frozen=True, kw_only=True):
    """A moment of the recorder.

    `status`: ok, degraded (the store can't be written; serving goes on), or off (not started or closed).
    `unrecorded` counts exchanges whose client was answered without a committed record; one that is
    written later, once the store works again, is taken off. `refused` of them the store can't take at
    all: they are kept as files (`quarantine`). `queued` waits for the writer; `committed` counts finished
    exchanges since the start. `trouble` is the last failure that did not stop recording: a refused
    exchange, maintenance, a process that died.
    """

    status: Literal["ok", "degraded", "off"] = "off"
    error: str | None = None
    unrecorded: int = 0
    queued: int = 0
    committed: int = 0
    refused: int = 0
    trouble: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the form `/health` and `/internal/status` show."""
        return msgspec.structs.asdict(self)


class RecordingRequired(StoreUnavailable):
    """Settings say that nothing is served unrecorded, and the store can't be written."""
