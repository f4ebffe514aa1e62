"""What threads tell the screens. Every message is a value: no widget, no connection, no open file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from textual.message import Message


class Trouble(msgspec.Struct, frozen=True):
    """Something failed, for people: a sentence and the command that mends it."""

    text: str
    hint: str | None = None

    @classmethod
    def of(cls, error: BaseException) -> Trouble:
        """Return an error's own words; a bug of ours is named as one."""
        from workbench.domain.errors import WorkbenchError

        if isinstance(error, WorkbenchError):
            return cls(error.message, error.hint)
        return cls(f"{type(error).__name__}: {error}", "see logs/tui.log")


class RouterStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The router as the status line shows it."""

    state: str = "looking"
    """looking, starting, ok, degraded, down"""
    base_url: str = ""
    key: str = ""
    pid: int | None = None
    version: str = ""
    recording: str = ""
    """ok, degraded, off; empty while not known"""
    recording_error: str | None = None
    unrecorded: int = 0
    recording_trouble: str | None = None
    """The last failure that did not stop recording."""
    in_flight: int = 0
    cost_today_usd: float | None = None
    profile: str = ""
    tenants: int = 0
    tenant: str = "default"
    """Who is charged for what is sent from the app; another one only where a run or key says so."""
    uptime_s: float = 0.0
    groups: tuple[dict[str, Any], ...] = ()
    trouble: Trouble | None = None

    @property
    def models(self) -> list[str]:
        """The model groups that can answer, those that are switched off left out."""
        return [
            str(group.get("name"))
            for group in self.groups
            if any(item.get("enabled", True) for item in group.get("deployments") or ())
        ]

    @property
    def up(self) -> bool:
        """Whether a router of ours answers."""
        return self.state in {"ok", "degraded"}


class RouterChanged(Message):
    """The router's state was read."""

    def __init__(self, status: RouterStatus) -> None:
        super().__init__()
        self.status = status


class StoreChanged(Message):
    """Something was committed to the store since the last message of this kind."""

    def can_replace(self, message: Message) -> bool:
        """A burst of commits is one piece of news."""
        return isinstance(message, StoreChanged)


class StoreState(Message):
    """The store can be read (`trouble` None), or why not."""

    def __init__(self, trouble: Trouble | None) -> None:
        super().__init__()
        self.trouble = trouble


class Answered(Message):
    """A thread's work is done: `then` takes the result on the event loop."""

    def __init__(self, then: Callable[[Any], None], result: Any) -> None:
        super().__init__()
        self.then = then
        self.result = result


class Failed(Message):
    """A thread's work failed: `otherwise` (or the screen) shows why."""

    def __init__(self, trouble: Trouble, otherwise: Callable[[Trouble], None] | None) -> None:
        super().__init__()
        self.trouble = trouble
        self.otherwise = otherwise
