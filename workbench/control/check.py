"""One finding about a machine or a home, with the command that mends it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

Status = Literal["ok", "warn", "bad"]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at and what was found.

    ok: as it should be. warn: works, but something is missing or doubtful. bad: must be mended.
    """

    name: str
    status: Status
    detail: str
    fix: str | None = None
    """A command or an action; None where all is well."""

    def to_json(self) -> dict[str, Any]:
        """Return the public JSON form."""
        return dict(msgspec.structs.asdict(self))


def good(name: str, detail: str) -> Check:
    """Return a check that passed."""
    return Check(name=name, status="ok", detail=detail)


def doubt(name: str, detail: str, fix: str | None = None) -> Check:
    """Return a warning."""
    return Check(name=name, status="warn", detail=detail, fix=fix)


def fault(name: str, detail: str, fix: str | None = None) -> Check:
    """Return a fault."""
    return Check(name=name, status="bad", detail=detail, fix=fix)


def worst(checks: Iterable[Check]) -> Status:
    """Return the worst status of all; ok for none."""
    order: tuple[Status, ...] = ("ok", "warn", "bad")
    return max((check.status for check in checks), key=order.index, default="ok")
