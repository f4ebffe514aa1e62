"""A run and its steps, as values."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from workbench.domain.times import iso

RunKind = Literal["workflow", "session", "replay"]
RunStatus = Literal["running", "waiting", "passed", "failed", "cancelled", "interrupted", "open", "closed"]
"""``waiting``: a plan wants approval. ``open`` and ``closed`` are for sessions."""
StepKind = Literal["plan", "scaffold", "verify", "repair", "smoke"]
StepStatus = Literal[
    "pending", "running", "waiting", "passed", "failed", "skipped", "cancelled", "interrupted"
]

FINISHED: frozenset[str] = frozenset({"passed", "failed", "cancelled", "interrupted", "closed"})


class Run(msgspec.Struct, kw_only=True):
    """A named group of exchanges with a status. Counts and sums are computed when it is read."""

    id: str
    kind: RunKind
    title: str
    """The brief's first line, the session's first user message, or what is replayed."""
    status: RunStatus
    started_at: int
    ended_at: int | None = None
    recipe: str | None = None
    model: str | None = None
    brief: str | None = None
    parent: str | None = None
    """The run this one was forked from, or the run that is replayed."""
    tenant: str = "default"
    path: str | None = None
    """The generated app's folder, relative to the home."""
    pid: int | None = None
    pid_started: float | None = None
    """Start time of the process that drives it, as psutil gives it; guards against a reused pid."""
    stop_reason: str | None = None
    pinned: bool = False
    name: str | None = None
    tags: tuple[str, ...] = ()
    note: str | None = None
    steps: int = 0
    exchanges: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        data: dict[str, Any] = msgspec.structs.asdict(self)
        data["started_at"], data["ended_at"] = iso(self.started_at), iso(self.ended_at)
        data["tags"] = list(self.tags)
        return data


class Step(msgspec.Struct, kw_only=True):
    """One unit of a workflow run, in order of `seq` (1 first)."""

    run: str
    seq: int
    kind: StepKind
    name: str
    status: StepStatus
    started_at: int | None = None
    ended_at: int | None = None
    input_hash: str | None = None
    output_hash: str | None = None
    detail: dict[str, Any] = {}
    """What this kind of step has to say: files, gates, tokens, error."""

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        data: dict[str, Any] = msgspec.structs.asdict(self)
        data["started_at"], data["ended_at"] = iso(self.started_at), iso(self.ended_at)
        return data
